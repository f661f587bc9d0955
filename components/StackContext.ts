import type { Fillings } from "../config/fillings";
import { LABELS, stackNames, type StackNames } from "../config/names";

/** What every component of one stack needs to know of it. */
export interface StackContext {
  readonly stack: string;
  readonly mode: "paper" | "live";
  readonly names: StackNames;
  /** Identity of the clone. */
  readonly owner: string;
  /** Key from which the stack's passwords are derived. */
  readonly key: string;
  readonly logLevel: string;
  /** Which filling of its volumes a stack has; without it none is ever filled again. */
  readonly fillings?: Fillings;
}

export function stackContext(stack: string, mode: StackContext["mode"], owner: string, key: string, logLevel: string): StackContext {
  return { stack, mode, names: stackNames(stack), owner, key, logLevel };
}

/** Labels of a volume or network. None of them ever changes: a changed label would replace it. */
export function objectLabels(context: StackContext, service: string): { label: string; value: string }[] {
  return [
    { label: LABELS.owner, value: context.owner },
    { label: LABELS.service, value: service },
    { label: LABELS.stack, value: context.stack },
  ];
}
