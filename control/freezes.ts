import { problemOf } from "./folder";
import { freezesOf, type InForce } from "./LatchFolder";
import type { Freeze } from "./records";

/** The freezes of a stack at one moment. `entries` are in force; one that cannot be read counts as a freeze without end. */
export interface Freezes extends InForce<Freeze> {
  /** Their time is over: they hold nothing any more, and lie there until the next freeze or thaw puts them away. */
  readonly ranOut: readonly Freeze[];
  /** The folder cannot be read, or is not this stack's: whether anything is frozen is not known. */
  readonly problem: string | null;
}

/** @param now epoch milliseconds */
export function holds({ until }: Pick<Freeze, "until">, now: number): boolean {
  return until === null || Date.parse(until) > now;
}

/**
 * Reads the freezes of a stack.
 *
 * @param folder the control folder, on the machine or where it is mounted
 * @param now epoch milliseconds
 */
export function readFreezes(folder: string, stack: string, now: number): Freezes {
  const problem = problemOf(folder, stack);
  if (problem !== null) return { entries: [], ranOut: [], unreadable: [], problem };
  try {
    const { entries, unreadable } = freezesOf(folder).inForce();
    return { entries: entries.filter((freeze) => holds(freeze, now)), ranOut: entries.filter((freeze) => !holds(freeze, now)), unreadable, problem: null };
  } catch (error) {
    return { entries: [], ranOut: [], unreadable: [], problem: `${folder} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}` };
  }
}

/** Whether changes and promotions are refused. What is not known is taken for frozen. */
export function isFrozen({ entries, unreadable, problem }: Freezes): boolean {
  return problem !== null || entries.length > 0 || unreadable.length > 0;
}

/** Each thing that freezes a stack, in a line: which freeze, since when, by whom and by which rule and numbers, until when, why. */
export function freezeLines({ entries, unreadable, problem }: Freezes): string[] {
  return [
    ...(problem === null ? [] : [`whether it is frozen cannot be read, which counts as frozen: ${problem}`]),
    ...entries.map((freeze) => `${freeze.id} ${originText(freeze)}, ${untilText(freeze)}: ${freeze.reason.replace(/\s*\n\s*/g, "; ")}${freeze.runbook === null ? "" : ` (${freeze.runbook})`}`),
    ...unreadable.map((name) => `${name.replace(/\.json$/, "")}: its record cannot be read, which counts as a freeze, until it is lifted`),
  ];
}

/** `since 2026-11-27 07:05:01 UTC by the guard (rule drawdown: drawdown = 0.131, limit = 0.12)`. */
export function originText({ at, by, who, rule, numbers }: Pick<Freeze, "at" | "by" | "who" | "rule" | "numbers">): string {
  const actors: Record<Freeze["by"], string> = { person: who, page: "the page", guard: "the guard", drill: "the drill" };
  const known = Object.entries(numbers).map(([name, value]) => `${name} = ${value ?? "not known"}`);
  const judged = rule === null ? "" : ` (rule ${rule}${known.length === 0 ? "" : `: ${known.join(", ")}`})`;
  return `since ${moment(at)} by ${actors[by]}${judged}`;
}

export function untilText({ until }: Pick<Freeze, "until">): string {
  return until === null ? "until it is lifted" : `until ${moment(until)}`;
}

/** How a freeze is lifted, as the owner's command. */
export function thawCommandOf(stack: string, incident: string): string {
  return `npx trading thaw --incident ${incident} --reason "..." --stack ${stack}`;
}

/** ISO time as `2026-11-27 07:05:01 UTC`. */
function moment(at: string): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
