import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { CLONE_FOLDER } from "../../config/clone";
import { readRecord } from "../../control/folder";
import { writeWhole } from "../collect";
import { failure } from "../errors";
import { commitFiles, forgetFiles, textInHead } from "../repository";

/** What is written before anything is: killed at any point, either all of it is in one commit, or it can be taken back. */
const journal = z.strictObject({
  format: z.literal(1),
  /** Id of the promotion. */
  id: z.string().min(1),
  /** Relative to the project's folder, with slashes; `before` is null of a file that was not there. */
  files: z.array(z.strictObject({ name: z.string().min(1), before: z.string().nullable(), after: z.string() })).min(1),
});

/** A file as it is to be, whole. */
export interface NewText {
  readonly name: string;
  readonly text: string;
}

/** What became of a promotion that was interrupted. */
export interface Settled {
  readonly id: string;
  readonly became: "committed" | "taken back";
}

/** Id of a promotion that was interrupted and has not been settled; undefined where there is none. */
export function interrupted(root: string, stack: string): string | undefined {
  const file = fileOf(root, stack);
  return fs.existsSync(file) ? (readRecord(file, journal)?.id ?? "that cannot be read") : undefined;
}

function fileOf(root: string, stack: string): string {
  return path.join(root, CLONE_FOLDER, "stacks", stack, "promotion.json");
}

/**
 * Writes files and commits them, these and no others, as one commit. Where they cannot be committed they are as before.
 *
 * @param reached told of each step that was made
 * @throws {CommandError} saying why, and that nothing was changed
 */
export async function inOneCommit(root: string, stack: string, id: string, files: readonly NewText[], message: string, reached: (step: string) => void): Promise<void> {
  const entries = files.map(({ name, text }) => ({ name, before: read(root, name) ?? null, after: text }));
  const file = fileOf(root, stack);
  writeWhole(file, `${JSON.stringify(journal.parse({ format: 1, id, files: entries }), null, 2)}\n`);
  reached("noted");
  for (const { name, after } of entries) {
    writeWhole(full(root, name), after);
    reached(`wrote ${name}`);
  }
  const { reason } = await commitFiles(root, entries.map(({ name }) => name), message);
  if (reason !== null) {
    await takeBack(root, entries);
    fs.rmSync(file, { force: true });
    throw failure(`the promotion could not be committed: ${reason}; nothing was changed`);
  }
  reached("committed");
  fs.rmSync(file, { force: true });
}

/**
 * Ends what an interrupted promotion began: it is in its commit, or all of it is taken back.
 *
 * @returns undefined where none was interrupted
 * @throws {CommandError} where somebody has changed one of its files since
 */
export async function settle(root: string, stack: string): Promise<Settled | undefined> {
  const file = fileOf(root, stack);
  if (!fs.existsSync(file)) return undefined;
  const left = readRecord(file, journal);
  if (left === undefined) throw failure(`${path.relative(root, file)}, which says how far an interrupted promotion came, cannot be read: look at \`git status\`, take back what is no commit of yours, and remove it`);
  const { id, files } = left;
  const committed = await Promise.all(files.map(async ({ name, after }) => same(await textInHead(root, name), after)));
  if (committed.every(Boolean)) {
    fs.rmSync(file, { force: true });
    return { id, became: "committed" };
  }
  const changed = files.filter(({ name, before, after }) => !same(read(root, name), after) && !same(read(root, name), before ?? undefined)).map(({ name }) => name);
  if (changed.length > 0) {
    throw failure(`promotion ${id} was interrupted before its commit, and ${changed.join(", ")} ${changed.length === 1 ? "was" : "were"} changed since: \`git diff\` shows it; put it right, remove ${path.relative(root, file)}, and run this again; nothing was changed now`);
  }
  await takeBack(root, files);
  fs.rmSync(file, { force: true });
  return { id, became: "taken back" };
}

async function takeBack(root: string, files: readonly { readonly name: string; readonly before: string | null }[]): Promise<void> {
  for (const { name, before } of files) {
    if (before === null) fs.rmSync(full(root, name), { force: true });
    else if (read(root, name) !== before) writeWhole(full(root, name), before);
  }
  const fresh = files.filter(({ before }) => before === null).map(({ name }) => name);
  await forgetFiles(root, fresh);
}

/** Git may change how lines end. */
function same(one: string | undefined, other: string | undefined): boolean {
  return one?.replaceAll("\r\n", "\n") === other?.replaceAll("\r\n", "\n");
}

function full(root: string, name: string): string {
  return path.join(root, ...name.split("/"));
}

function read(root: string, name: string): string | undefined {
  try {
    return fs.readFileSync(full(root, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
