import * as fs from "node:fs";
import * as path from "node:path";
import { CLONE_FOLDER } from "../../config/clone";
import { refuseDuringRestore } from "../../config/restoreInProgress";
import type { Context } from "../context";
import { failure, usage } from "../errors";
import { underLock } from "../lock";

/** Longer than an `up` with images that come from a second copy: after this a lock was left behind. */
const LONGEST_MILLISECONDS = 3 * 3_600_000;

/** Whether a stack was ever made in this folder. */
export function isMade(root: string, stack: string): boolean {
  return fs.existsSync(folderOf(root, stack));
}

/** @throws {CommandError} saying how a stack is made, where this one never was */
export function demandMade(root: string, stack: string): void {
  if (!isMade(root, stack)) throw failure(`there is no stack ${stack} in this folder yet: npm start -- --stack ${stack} makes it; nothing was changed`);
}

function folderOf(root: string, stack: string): string {
  return path.join(root, CLONE_FOLDER, "stacks", stack);
}

/**
 * Runs what changes a stack while nobody else deploys, promotes or rolls it back, and no restore of it is under way.
 *
 * @throws {CommandError} naming who does, or where there is no such stack
 */
export async function oneDeployAtATime<T>(root: string, stack: string, work: () => Promise<T>): Promise<T> {
  demandMade(root, stack);
  try {
    refuseDuringRestore(root, stack);
  } catch (error) {
    throw failure((error as Error).message);
  }
  return await underLock(path.join(folderOf(root, stack), "deploy.lock"), work, { timeoutMilliseconds: 0, staleMilliseconds: LONGEST_MILLISECONDS });
}

/** Asks the owner for the stack's name. @param what for example "roll it back" */
export async function demandName(context: Context, stack: string, what: string): Promise<void> {
  const answer = await context.ask(`Type the stack's name to ${what}: `);
  if (answer === undefined) throw usage(`nobody can be asked here: add --yes to ${what}; nothing was changed`);
  if (answer.trim() !== stack) throw failure(`"${answer.trim()}" is not "${stack}": nothing was changed`);
}
