import * as fs from "node:fs/promises";
import * as path from "node:path";
import { gaps, type WalGap } from "../../../domain/backup/walArchive";
import { archivedSegments, type LogStretch } from "./archiveFiles";
import { withClient } from "./connection";
import { repositoryInfo, STANZA, type RepositoryInfo } from "./pgbackrest";
import type { DatabaseContext } from "./types";

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
  const holes = await holesOf(await rememberedInfo(context), context.paths.pgbackrest);
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
  const segments = await archivedSegments(repository, current.archiveId);
  const oldest = own.map(({ start }) => start).sort()[0]!;
  const newest = own.at(-1)!.start;
  const sinceNewest = segments.filter((name) => name >= newest);
  return { missing: gaps(segments, oldest), missingSinceNewest: gaps(sinceNewest, newest).length > 0 };
}

let remembered: { readonly age: string; readonly info: RepositoryInfo } | undefined;

/** What is in the repository, asked for again only when what pgBackRest answers from has changed: this is looked at all the time. */
async function rememberedInfo(context: DatabaseContext): Promise<RepositoryInfo> {
  const { pgbackrest, secrets } = context.paths;
  const read = [path.join(pgbackrest, "backup", STANZA, "backup.info"), path.join(pgbackrest, "archive", STANZA, "archive.info"), path.join(secrets, "pgbackrest.conf")];
  const ages = await Promise.all(read.map((file) => fs.stat(file).then(({ ino, size, mtimeMs }) => `${file} ${ino} ${size} ${mtimeMs}`, () => null)));
  if (ages.includes(null)) return repositoryInfo(context);
  const age = ages.join("\n");
  if (remembered?.age !== age) remembered = { age, info: await repositoryInfo(context) };
  return remembered.info;
}

/**
 * Waits until a stretch of the log is in the archive, without a gap.
 * @throws when it is not in time, with what the database says of its archive
 */
export async function waitArchived(context: DatabaseContext, { archiveId, from, to }: LogStretch, seconds = 180): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    context.signal.throwIfAborted();
    const segments = await archivedSegments(context.paths.pgbackrest, archiveId, { from, to });
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
