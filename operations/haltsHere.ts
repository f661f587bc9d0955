import * as fs from "node:fs";
import { controlFolder, ensureControlFolder } from "../control/folder";
import { readFreezes, type Freezes } from "../control/freezes";
import { HaltReader, rearmCommandOf, standingOf, type HaltsInForce } from "../control/standing";
import { failure } from "./errors";
import { owner } from "./stack";

/** The stack's control folder on this machine, made where it is missing. */
export function controlHere(root: string, stack: string): string {
  const folder = controlFolder(root, stack);
  const mine = owner(root);
  try {
    ensureControlFolder(folder, stack, mine);
  } catch (error) {
    throw failure(`${folder} cannot be made or written: ${(error as Error).message}`);
  }
  return folder;
}

/** The halts of a stack. Where there is no folder yet, no stack ever came up, and nothing was ever halted. */
export function haltsHere(root: string, stack: string): HaltsInForce {
  const folder = controlFolder(root, stack);
  return fs.existsSync(folder) ? new HaltReader(folder, stack).read() : { halts: [], unreadable: [], problem: null };
}

/** The freezes of deploys and promotions of a stack, read the same way. @param now epoch milliseconds */
export function freezesHere(root: string, stack: string, now: number = Date.now()): Freezes {
  const folder = controlFolder(root, stack);
  return fs.existsSync(folder) ? readFreezes(folder, stack, now) : { entries: [], ranOut: [], unreadable: [], problem: null };
}

/** What keeps a bot from being started. */
export interface Hold {
  /** Whether it has to be stopped as well; where the halts cannot be read, it is only not started. */
  readonly kill: boolean;
  /** Ids of the halts that hold it; none where they cannot be read. */
  readonly incidents: readonly string[];
  readonly reason: string;
}

/** @returns null while nothing but its wish decides whether a bot runs */
export function holdOf(root: string, stack: string, bot: string): Hold | null {
  const halts = haltsHere(root, stack);
  const { level, incidents, reason } = standingOf(halts, bot);
  return level === "kill" || halts.problem !== null ? { kill: level === "kill", incidents, reason: reason ?? "" } : null;
}

/** Why a bot is held and what lifts it, in a sentence. */
export function holdText(stack: string, { incidents, reason }: Hold): string {
  const lifting = incidents.map((incident) => rearmCommandOf(stack, incident));
  return lifting.length === 0 ? reason : `${reason}; to lift it: ${lifting.join(" and ")}`;
}
