import * as fs from "node:fs";
import * as path from "node:path";
import type { z } from "zod";

/**
 * The folder of a stack that says whether it may trade: wishes, halts, freezes and the record of who did what. The owner's
 * commands and the program have it below `.trading`; broker, guard and page have it mounted. It is the one place of all that,
 * outside Git, and readable with every service down.
 *
 *     stack.json          which stack and which clone it is of: without it a folder is not this one, and nothing may trade
 *     desired.json        what the owner wants of each bot
 *     halts/ID.json       in force; never changed
 *     freezes/ID.json
 *     lifted/ID.json      no longer in force
 *     acknowledged/ID     alerts that the owner has seen
 *     audit.jsonl         one line for each act, only ever appended to
 *     broker.json         what the broker has read of this
 *     drills.json         the newest halt drill, and when one passed last
 *     drift.json          the newest comparison of what runs with what is declared
 */
export const CONTROL_FOLDER = "control";
/** Where it is mounted in the containers. */
export const CONTROL_MOUNT = "/control";

export const FOLDERS = { halts: "halts", freezes: "freezes", lifted: "lifted", acknowledged: "acknowledged" } as const;
const marker = "stack.json";

/** The folder on the machine. */
export function controlFolder(root: string, stack: string): string {
  return path.join(root, ".trading", "stacks", stack, CONTROL_FOLDER);
}

/**
 * Makes what is missing of it. Programs of another user write here as well: it is open to all who can reach it, and the
 * stack's folder above it is the owner's alone.
 *
 * @param folder the control folder
 * @param owner identity of the clone
 */
export function ensureControlFolder(folder: string, stack: string, owner: string): void {
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  fs.chmodSync(path.dirname(folder), 0o700);
  for (const name of ["", ...Object.values(FOLDERS)]) {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
    // After the fact, for the umask would take from it.
    fs.chmodSync(path.join(folder, name), 0o777);
  }
  const file = path.join(folder, marker);
  const text = `${JSON.stringify({ stack, owner })}\n`;
  if (readText(file) !== text) writeWhole(file, text);
  const audit = path.join(folder, "audit.jsonl");
  fs.closeSync(fs.openSync(audit, "a", 0o666));
  // What another user made is as it should be, and not ours to change.
  letRead(audit, 0o666);
  // A copy of `.trading` that was brought back is the owner's alone: a halt that the broker cannot read would count as the worst.
  for (const name of ["", ...Object.values(FOLDERS)]) {
    for (const entry of fs.readdirSync(path.join(folder, name), { withFileTypes: true })) if (entry.isFile()) letRead(path.join(folder, name, entry.name), 0o444);
  }
}

/** Adds to what is allowed with a file. */
function letRead(file: string, mode: number): void {
  try {
    const present = fs.statSync(file).mode & 0o777;
    if ((present & mode) !== mode) fs.chmodSync(file, present | mode);
  } catch (error) {
    if (!["EPERM", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** Why a folder is not the control folder of a stack, or null. A mount that is gone is an empty folder. */
export function problemOf(folder: string, stack: string): string | null {
  const text = readText(path.join(folder, marker));
  if (text === undefined) return `${path.join(folder, marker)} is missing or cannot be read`;
  try {
    const found = (JSON.parse(text) as { stack?: unknown }).stack;
    return found === stack ? null : `${path.join(folder, marker)} is of stack ${JSON.stringify(found)}`;
  } catch {
    return `${path.join(folder, marker)} is not JSON`;
  }
}

/** Replaces a file in one step, on the disk when this returns: a reader sees the old one or the new one. */
export function writeWhole(file: string, content: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = fs.openSync(temporary, "w", 0o644);
  try {
    fs.writeFileSync(handle, content);
    fs.fsyncSync(handle);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(temporary, file);
  syncFolder(path.dirname(file));
}

/** A name that was made or removed outlives a power cut only when its folder was written as well; Windows does so by itself. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(handle);
  } catch {
    // Some shared file systems know no such thing.
  } finally {
    fs.closeSync(handle);
  }
}

/** What a file holds; undefined where there is none, or it is not what it should be. */
export function readRecord<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(readText(file) ?? "")).data;
  } catch {
    return undefined;
  }
}

/** @returns undefined where there is no such file or it cannot be read */
export function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
