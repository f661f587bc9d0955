import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { CLONE_FOLDER } from "../../config/clone";
import type { Release } from "../../config/releases";
import { readRecord, writeWhole } from "../../control/folder";
import { isSame } from "./target";

const journal = z.strictObject({
  format: z.literal(1),
  stack: z.string(),
  /** Release that is gone back to. */
  to: z.string(),
  /** Release that ran; null where what ran was none. */
  left: z.string().nullable(),
  startedAt: z.iso.datetime(),
  keepPositions: z.boolean(),
  anySchema: z.boolean(),
  /** Whether CHANGELOG.md has an entry of it, which belongs into its commit. */
  noted: z.boolean(),
  /** When the release was up again and healthy; null before. */
  doneAt: z.iso.datetime().nullable(),
});
/** The newest rollback of a stack: how far it is, for whoever comes after an interruption. */
export type RollbackJournal = z.infer<typeof journal>;

function fileOf(root: string, stack: string): string {
  return path.join(root, CLONE_FOLDER, "stacks", stack, "rollback.json");
}

/** @returns undefined where there was none, or its record cannot be understood: a rollback may begin anew at any time */
export function readJournal(root: string, stack: string): RollbackJournal | undefined {
  return readRecord(fileOf(root, stack), journal);
}

export function writeJournal(root: string, entry: RollbackJournal): void {
  const file = fileOf(root, entry.stack);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  writeWhole(file, `${JSON.stringify(journal.parse(entry), null, 2)}\n`);
}

/**
 * What an earlier rollback means for one that is asked for now. `resume`: it was interrupted, and this one goes on. `done`:
 * what it went back to runs, and going back once more would be going back twice. `none`: it is of no concern any more.
 *
 * @param running the release that runs; undefined where what runs is none
 * @param to what the owner names now
 */
export function standOf(earlier: RollbackJournal | undefined, releases: readonly Release[], running: Release | undefined, to: string | undefined): "none" | "resume" | "done" {
  if (earlier === undefined || (to !== undefined && to !== earlier.to)) return "none";
  const target = releases.find(({ id }) => id === earlier.to);
  if (target === undefined) return "none";
  const goodSince = running !== undefined && Date.parse(running.confirmedAt) > Date.parse(earlier.startedAt);
  // Nothing good came of it yet: it goes on from wherever it was cut off.
  if (!goodSince) return earlier.doneAt === null ? "resume" : "none";
  // With a name it is asked for by itself, and done again: that changes nothing where nothing is to be changed.
  return isSame(running, target) && to === undefined ? "done" : "none";
}
