import * as fs from "node:fs/promises";
import * as path from "node:path";
import { gaps, type WalGap } from "../../../domain/backup/walArchive";
import { withClient } from "./connection";
import { mustBeFolder, repositoryInfo, STANZA, type RepositoryInfo } from "./pgbackrest";
import type { DatabaseContext } from "./types";

/** A file of the archived log. */
export interface ArchivedFile {
  /** As PostgreSQL names it: a segment, a timeline's history, or a segment that another timeline went on from. */
  readonly name: string;
  readonly kind: "segment" | "history" | "partial";
  /** When it was archived, epoch milliseconds. */
  readonly at: number;
}

const names = [
  { kind: "segment", pattern: /^([0-9A-F]{24})-[0-9a-f]{40}(?:\.[a-z0-9]+)?$/ },
  { kind: "partial", pattern: /^([0-9A-F]{24}\.partial)-[0-9a-f]{40}(?:\.[a-z0-9]+)?$/ },
  { kind: "history", pattern: /^([0-9A-F]{8}\.history)$/ },
] as const;

/** @param archiveId folder of a database's log, for example `17-1` @returns what is in it, sorted by name; nothing where there is no such folder yet */
export async function archivedFiles(repository: string, archiveId: string): Promise<ArchivedFile[]> {
  const found: ArchivedFile[] = [];
  for (const { full, name, kind } of await listArchive(repository, archiveId)) {
    const at = await archivedAt(full);
    if (at !== undefined) found.push({ name, kind, at });
  }
  return found;
}

interface ListedFile extends Pick<ArchivedFile, "name" | "kind"> {
  readonly full: string;
}

/** Names alone: a month of log is tens of thousands of files, and this is asked for all the time. */
async function listArchive(repository: string, archiveId: string): Promise<ListedFile[]> {
  mustBeFolder(repository, "the repository of the database's backup");
  const folder = path.posix.join(repository, "archive", STANZA, archiveId);
  const found: ListedFile[] = [];
  const read = async (within: string) => {
    for (const entry of await entries(within)) {
      const full = path.posix.join(within, entry.name);
      if (entry.isDirectory() && within === folder) await read(full);
      for (const { kind, pattern } of entry.isFile() ? names : []) {
        const name = pattern.exec(entry.name)?.[1];
        if (name !== undefined) found.push({ full, name, kind });
      }
    }
  };
  await read(folder);
  return found.sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function entries(folder: string) {
  return fs.readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** @returns undefined when retention took the file away meanwhile */
async function archivedAt(file: string): Promise<number | undefined> {
  return fs.stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    },
  );
}

/** How far the database's log is archived. */
export interface ArchiveState {
  /** Segments that wait for the archive. */
  readonly waiting: number;
  readonly oldestWaitingSeconds: number | null;
  readonly lastArchivedWal: string | null;
  /** Epoch milliseconds. */
  readonly lastArchivedAt: number | null;
  /** Attempts that failed since the last one that went well. */
  readonly failedCount: number;
  readonly lastFailedWal: string | null;
  /** Holes in the log since the oldest backup: moments in them cannot be restored. */
  readonly missing: readonly WalGap[];
  /** Whether one of them is in the log since the newest backup: the next one ends it. */
  readonly missingSinceNewest: boolean;
}

/** @throws when the database does not answer, or does not archive at all */
export async function archiveState(context: DatabaseContext): Promise<ArchiveState> {
  const said = await withClient({ sockets: context.paths.sockets, database: "postgres" }, async (client) => {
    const { rows } = await client.query<{ mode: string; waiting: number; oldest: number | null; wal: string | null; at: number | null; failedWal: string | null; failing: boolean; failed: number }>(
      `SELECT current_setting('archive_mode') AS mode, r.waiting, r.oldest, s.last_archived_wal AS wal, (extract(epoch FROM s.last_archived_time) * 1000)::float8 AS at,
              s.last_failed_wal AS "failedWal", coalesce(s.last_failed_time > s.last_archived_time, s.last_failed_time IS NOT NULL) AS failing, s.failed_count AS failed
         FROM pg_stat_archiver s,
              (SELECT count(*) AS waiting, extract(epoch FROM clock_timestamp() - min(modification))::float8 AS oldest FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') r`,
    );
    return rows[0]!;
  });
  if (said.mode !== "on") throw new Error(`the database archives nothing: archive_mode is ${said.mode}; its container has no /secrets/pgbackrest.conf`);
  const info = await repositoryInfo(context);
  const holes = await holesOf(info, context.paths.pgbackrest);
  return {
    waiting: said.waiting,
    oldestWaitingSeconds: said.oldest === null ? null : Math.max(0, said.oldest),
    lastArchivedWal: said.wal,
    lastArchivedAt: said.at,
    failedCount: said.failing ? said.failed : 0,
    lastFailedWal: said.failing ? said.failedWal : null,
    ...holes,
  };
}

/** Holes in the archived log since the oldest backup of the present database. */
export async function holesOf({ current, backups }: RepositoryInfo, repository: string): Promise<Pick<ArchiveState, "missing" | "missingSinceNewest">> {
  const own = backups.filter(({ archiveId }) => archiveId === current?.archiveId);
  if (current === null || own.length === 0) return { missing: [], missingSinceNewest: false };
  const files = await listArchive(repository, current.archiveId);
  const segments = files.filter(({ kind }) => kind === "segment").map(({ name }) => name);
  const oldest = own.map(({ start }) => start).sort()[0]!;
  return { missing: gaps(segments, oldest), missingSinceNewest: gaps(segments, own.at(-1)!.start).length > 0 };
}

/** A stretch of the log, both ends included. */
export interface LogStretch {
  /** Folder of the database's log, for example `17-1`. */
  readonly archiveId: string;
  /** Segments; the last one may be on a later timeline. */
  readonly from: string;
  readonly to: string;
}

/**
 * Waits until a stretch of the log is in the archive, without a gap.
 * @throws when it is not in time, with what the database says of its archive
 */
export async function waitArchived(context: DatabaseContext, { archiveId, from, to }: LogStretch, seconds = 180): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    context.signal.throwIfAborted();
    const segments = (await listArchive(context.paths.pgbackrest, archiveId)).filter(({ kind, name }) => kind === "segment" && name >= from && name <= to).map(({ name }) => name);
    if (segments.at(-1) === to && gaps(segments, from).length === 0) return;
    if (Date.now() > deadline) throw new Error(`the database's log from ${from} to ${to} was not archived within ${seconds} s${await complaint(context)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function complaint(context: DatabaseContext): Promise<string> {
  return archiveState(context).then(
    ({ waiting, lastFailedWal, failedCount }) => `; ${waiting} segments wait${lastFailedWal === null ? "" : `, archiving ${lastFailedWal} failed, ${failedCount} attempts in all: the database's log says why`}`,
    () => "",
  );
}
