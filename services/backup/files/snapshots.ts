import * as fs from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";
import { restic, type Repository, type ResticOptions } from "./restic";

/** A snapshot of a repository. */
export interface Snapshot {
  readonly id: string;
  /** Its id where it was first taken: the same in both copies. */
  readonly origin: string;
  /** ISO, UTC. */
  readonly time: string;
  readonly tags: readonly string[];
  /** What the tags `kind:` and `point:` say; undefined without. */
  readonly kind: string | undefined;
  readonly point: string | undefined;
  /** Regular files and their bytes, as they were counted when it was taken. */
  readonly files: number;
  readonly bytes: number;
}

/** What was taken. */
export interface Taken {
  readonly snapshot: string;
  readonly files: number;
  readonly bytes: number;
  /** Bytes it added to the repository. */
  readonly storedBytes: number;
}

const count = z.int().min(0);
const snapshotSchema = z.object({
  id: z.string(),
  original: z.string().optional(),
  time: z.string(),
  tags: z.array(z.string()).nullish(),
  summary: z.object({ total_files_processed: count, total_bytes_processed: count }).optional(),
});
const summarySchema = z.object({
  message_type: z.literal("summary"),
  snapshot_id: z.string().regex(/^[0-9a-f]{64}$/),
  total_files_processed: count,
  total_bytes_processed: count,
  data_added_packed: count,
});

/** Oldest first. */
export async function listSnapshots(repository: Repository, options: ResticOptions = {}): Promise<Snapshot[]> {
  const { stdout } = await restic(repository, ["snapshots", "--json", "--no-lock"], options);
  const list = z.array(snapshotSchema).nullable().parse(JSON.parse(stdout)) ?? [];
  return list
    .map(({ id, original, time, tags, summary }) => ({
      ...{ id, origin: original ?? id, time: new Date(time).toISOString(), tags: tags ?? [] },
      ...{ kind: tagValue(tags ?? [], "kind"), point: tagValue(tags ?? [], "point") },
      ...{ files: summary?.total_files_processed ?? 0, bytes: summary?.total_bytes_processed ?? 0 },
    }))
    .sort((one, other) => one.time.localeCompare(other.time));
}

function tagValue(tags: readonly string[], name: string): string | undefined {
  return tags.find((tag) => tag.startsWith(`${name}:`))?.slice(name.length + 1);
}

/** The snapshot with this id, in whichever copy. @throws when it is not there */
export function findSnapshot(snapshots: readonly Snapshot[], id: string, where: string): Snapshot {
  const found = snapshots.find((snapshot) => snapshot.id === id || snapshot.origin === id);
  if (!found) throw new Error(`${where}: there is no snapshot ${id}`);
  return found;
}

export interface TakeOptions extends ResticOptions {
  readonly host: string;
  readonly tags: readonly string[];
  /** Absolute paths, or a file with such, each ended by a zero byte. */
  readonly paths: readonly string[] | { readonly listFile: string };
  readonly excludes?: readonly string[];
  /** restic's further words. */
  readonly words?: readonly string[];
}

/** Takes a snapshot. @throws ResticFailure, also when restic could not read everything, or made a snapshot without saying so */
export async function takeSnapshot(repository: Repository, options: TakeOptions): Promise<Taken> {
  const { host, tags, paths, excludes = [], words = [], ...rest } = options;
  const what = "listFile" in paths ? ["--files-from-raw", paths.listFile] : [...paths];
  const marks = ["--host", host, ...tags.flatMap((tag) => ["--tag", tag]), ...excludes.flatMap((pattern) => ["--exclude", pattern])];
  const { stdout } = await restic(repository, ["backup", "--json", ...marks, ...words, ...what], { ...rest, onLine: () => undefined });
  return readSummary(stdout, repository.name);
}

/** What `restic backup --json` said last. @throws when that is no summary of a snapshot */
export function readSummary(stdout: string, where: string): Taken {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  const parsed = summarySchema.safeParse(line.startsWith("{") ? JSON.parse(line) : undefined);
  if (!parsed.success) throw new Error(`${where}: restic backup ended without a summary of its snapshot`);
  const { snapshot_id, total_files_processed, total_bytes_processed, data_added_packed } = parsed.data;
  return { snapshot: snapshot_id, files: total_files_processed, bytes: total_bytes_processed, storedBytes: data_added_packed };
}

const nodeSchema = z.object({ message_type: z.literal("node"), type: z.string(), path: z.string(), size: count.optional() });

/** Tells every regular file of a snapshot: its absolute path and its bytes. */
export async function eachFile(repository: Repository, snapshot: string, take: (path: string, bytes: number) => void, options: ResticOptions & { readonly below?: string } = {}): Promise<void> {
  const { below, ...rest } = options;
  let unread = 0;
  await restic(repository, ["ls", "--json", "--no-lock", "--recursive", snapshot, ...(below === undefined ? [] : [below])], {
    ...rest,
    onLine: (line) => {
      if (!line.includes('"type":"file"')) return;
      const node = nodeSchema.safeParse(JSON.parse(line));
      if (node.success) take(node.data.path, node.data.size ?? 0);
      else unread += 1;
    },
  });
  if (unread > 0) throw new Error(`${repository.name}: ${unread} files of snapshot ${snapshot} could not be understood`);
}

/**
 * Removes snapshots; those that are not there count as removed. Their data goes with the next {@link pruneRepository}.
 * @returns ids that are still there, since restic fails to say so itself
 */
export async function forgetSnapshots(repository: Repository, ids: readonly string[], options: ResticOptions = {}): Promise<string[]> {
  const wanted = new Set(ids);
  const there = (await listSnapshots(repository, options)).filter(({ id }) => wanted.has(id)).map(({ id }) => id);
  if (there.length === 0) return [];
  await restic(repository, ["forget", "--json", ...there], options);
  return (await listSnapshots(repository, options)).filter(({ id }) => wanted.has(id)).map(({ id }) => id);
}

/** Removes data that no snapshot needs any more. */
export async function pruneRepository(repository: Repository, options: ResticOptions = {}): Promise<void> {
  await restic(repository, ["prune", "--json"], { ...options, onLine: () => undefined });
}

/** Files and bytes, counted without restic. */
export interface Counted {
  readonly files: number;
  readonly bytes: number;
}

/** Regular files below a folder; what vanishes meanwhile is not counted. @throws when the folder itself cannot be read */
export async function countFiles(folder: string, skip: (file: string) => boolean = () => false): Promise<Counted> {
  const total = { files: 0, bytes: 0 };
  for await (const file of walk(folder, skip)) {
    total.files += 1;
    total.bytes += file.bytes;
  }
  return total;
}

/** Regular files below a folder, folders in the order of their names. */
export async function* walk(folder: string, skip: (file: string) => boolean = () => false): AsyncGenerator<{ readonly path: string; readonly bytes: number }> {
  const entries = await fs.readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const file = path.join(folder, entry.name);
    if (skip(file)) continue;
    try {
      if (entry.isDirectory()) yield* walk(file, skip);
      else if (entry.isFile()) yield { path: file, bytes: (await fs.lstat(file)).size };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

/**
 * Whether a snapshot holds what was there: restic ends with 0 also where it found nothing to read. Files may come and go
 * while it reads; it must have as many as there were at the lesser of both times.
 */
export function isWhole(taken: Counted, before: Counted, after: Counted): boolean {
  return taken.files >= Math.min(before.files, after.files) && taken.bytes >= Math.min(before.bytes, after.bytes);
}
