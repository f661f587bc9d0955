import * as fs from "node:fs/promises";
import * as path from "node:path";
import { mustBeFolder, STANZA } from "./pgbackrest";

/** A file of the archived log. */
export interface ArchivedFile {
  /** As PostgreSQL names it: a segment, a timeline's history, or a segment that another timeline went on from. */
  readonly name: string;
  readonly kind: "segment" | "history" | "partial";
  /** When it was archived, epoch milliseconds. */
  readonly at: number;
}

/** A stretch of the log, both ends included. */
export interface LogStretch {
  /** Folder of the database's log, for example `17-1`. */
  readonly archiveId: string;
  /** Segments; the last one may be on a later timeline. */
  readonly from: string;
  readonly to: string;
}

const names = [
  { kind: "segment", pattern: /^([0-9A-F]{24})-[0-9a-f]{40}(?:\.[a-z0-9]+)?$/ },
  { kind: "partial", pattern: /^([0-9A-F]{24}\.partial)-[0-9a-f]{40}(?:\.[a-z0-9]+)?$/ },
  { kind: "history", pattern: /^([0-9A-F]{8}\.history)$/ },
] as const;

/** The 256 segments whose names begin alike lie in a folder of that name. */
const folderOf = (segment: string) => segment.slice(0, 16);

interface ListedFile extends Pick<ArchivedFile, "name" | "kind"> {
  readonly full: string;
  /** Once it was asked for: an archived file never changes. */
  at?: number | undefined;
}

interface Listing {
  readonly files: readonly ListedFile[];
  readonly folders: readonly string[];
}

/** Folder -> what was in it when it was of this age: a month of log is tens of thousands of names, and only the newest folder changes. */
const remembered = new Map<string, { readonly age: string; readonly listing: Listing }>();
/** What changed a moment ago may change once more within the same tick of the file system's clock. */
const settledMilliseconds = 2000;

/** @param archiveId folder of a database's log, for example `17-1` @returns what is in it, sorted by name; nothing where there is no such folder yet */
export async function archivedFiles(repository: string, archiveId: string): Promise<ArchivedFile[]> {
  const found: ArchivedFile[] = [];
  for (const file of await listArchive(repository, archiveId)) {
    const at = (file.at ??= await archivedAt(file.full));
    if (at !== undefined) found.push({ name: file.name, kind: file.kind, at });
  }
  return found;
}

/** Names of the segments that are archived, sorted; of a stretch only when one is given. @throws when there is no repository */
export async function archivedSegments(repository: string, archiveId: string, stretch?: Pick<LogStretch, "from" | "to">): Promise<string[]> {
  const files = await listArchive(repository, archiveId, stretch);
  return files.flatMap(({ kind, name }) => (kind === "segment" && (stretch === undefined || (name >= stretch.from && name <= stretch.to)) ? [name] : []));
}

async function listArchive(repository: string, archiveId: string, stretch?: Pick<LogStretch, "from" | "to">): Promise<ListedFile[]> {
  mustBeFolder(repository, "the repository of the database's backup");
  const folder = path.posix.join(repository, "archive", STANZA, archiveId);
  const { files, folders } = await listing(folder);
  const wanted = folders.filter((name) => stretch === undefined || (name >= folderOf(stretch.from) && name <= folderOf(stretch.to)));
  const found = [...files];
  for (const name of wanted) found.push(...(await listing(path.posix.join(folder, name))).files);
  for (const known of remembered.keys()) if (path.posix.dirname(known) === folder && !folders.includes(path.posix.basename(known))) remembered.delete(known);
  return found.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** @returns nothing where there is no such folder (any more) */
async function listing(folder: string): Promise<Listing> {
  const none: Listing = { files: [], folders: [] };
  const age = await orMissing(fs.stat(folder));
  const before = remembered.get(folder);
  if (age === undefined) return none;
  const known = `${age.ino} ${age.mtimeMs}`;
  if (before?.age === known) return before.listing;
  const entries = await orMissing(fs.readdir(folder, { withFileTypes: true }));
  if (entries === undefined) return none;
  const earlier = new Map(before?.listing.files.map((file) => [file.full, [file]]));
  const files = entries.flatMap((entry): ListedFile[] => {
    const full = path.posix.join(folder, entry.name);
    return earlier.get(full) ?? (entry.isFile() ? named(full, entry.name) : []);
  });
  const read = { files, folders: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name) };
  remembered.set(folder, { age: Math.abs(Date.now() - age.mtimeMs) > settledMilliseconds ? known : "", listing: read });
  return read;
}

/** @returns nothing for a file that is no log */
function named(full: string, file: string): ListedFile[] {
  return names.flatMap(({ kind, pattern }) => {
    const name = pattern.exec(file)?.[1];
    return name === undefined ? [] : [{ full, name, kind }];
  });
}

/** @returns undefined when retention took the file away meanwhile */
async function archivedAt(file: string): Promise<number | undefined> {
  return (await orMissing(fs.stat(file)))?.mtimeMs;
}

async function orMissing<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  return asked.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
