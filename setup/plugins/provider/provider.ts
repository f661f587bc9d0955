import { Change } from "./diff";
import { Failure } from "./check";
import { Properties } from "./schema";

/** The resource a request is about. */
export interface Subject {
  urn: string;
  /** Token, such as `docker:index/volume:Volume`. */
  type: string;
  /** Name in the program. */
  name: string;
}

export type Severity = "info" | "warning" | "error";

/** What a request may use: a message on the resource, and the signal that the user interrupted. */
export interface Context {
  log(severity: Severity, message: string, urn?: string): void;
  signal: AbortSignal;
}

export interface Diff {
  changes: Change[];
  deleteBeforeReplace: boolean;
  /** Arguments named as the reason of a replacement, where not simply those with a replacing change. */
  replaceReasons?: string[];
}

/** One kind of resource. Property values arrive without secrets: the engine marks the answers itself. */
export interface Resource {
  check(subject: Subject, olds: Properties, news: Properties, seed: Uint8Array): { inputs: Properties; failures: Failure[] };
  diff(subject: Subject, state: Properties, oldInputs: Properties, inputs: Properties): Diff;
  /** In a preview the id is empty and what is not known yet is UNKNOWN. */
  create(subject: Subject, inputs: Properties, preview: boolean, context: Context): Promise<{ id: string; state: Properties }>;
  update(
    subject: Subject,
    id: string,
    state: Properties,
    oldInputs: Properties,
    inputs: Properties,
    preview: boolean,
    context: Context,
  ): Promise<Properties>;
  /** undefined when it is gone. `inputs` is empty at an import. */
  read(id: string, state: Properties, inputs: Properties): Promise<{ id: string; state: Properties; inputs: Properties } | undefined>;
  delete(subject: Subject, id: string, state: Properties, context: Context): Promise<void>;
}

export interface Provider {
  version: string;
  resources: Record<string, Resource>;
  /** Called once before anything else, in previews too, with the provider's arguments; rejects when nothing can be done. */
  configure(args: Properties): Promise<void>;
  functions?: Record<string, (args: Properties, context: Context) => Promise<Properties>>;
}
