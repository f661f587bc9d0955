import { waitArchived, holesOf } from "./archive";
import { withClient } from "./connection";
import { decideBackup } from "./decideBackup";
import { pgbackrest, repositoryInfo, type RepositoryBackup } from "./pgbackrest";
import { describeSnapshot, markMoment } from "./snapshot";
import { standingStill } from "../standingStill";
import { ensureStanza, socket } from "./stanza";
import type { DatabaseContext, PhysicalPart } from "./types";

/** A backup of some hundred megabytes takes seconds; one that takes hours has gone wrong. */
const backupSeconds = 4 * 3600;
/** What the server takes for what it is asked to, on a small database. */
const checkpointMilliseconds = 200;
const switchMilliseconds = 200;

/** Name of a recovery point in the database's log. */
export function restorePointName(id: string): string {
  return `trading-${id}`;
}

/**
 * A physical backup and, after it, a moment in the log that can be restored exactly; everything of it is in the repository
 * and was looked at when this returns.
 *
 * @param id of the recovery point
 * @throws when any part of it did not go well: then there is no point, though there may be a backup, which later ones build on
 */
export async function takePoint(context: DatabaseContext, id: string): Promise<PhysicalPart> {
  const { paths, signal, step } = context;
  const before = await ensureStanza(context);
  const { archiveId } = before.current;
  const decision = decideBackup({
    backups: before.backups,
    archiveId,
    timeline: await timelineOf(context),
    gapSinceNewest: (await holesOf(before, paths.pgbackrest)).missingSinceNewest,
    now: Date.now(),
  });
  step(`backup of the database (${decision.type}: ${decision.reason})`);
  // pgBackRest would wait for the archive before and after: what it looks for is looked for below, up to the restore point.
  // One process for what runs beside a bot all day, so that a processor stays free for decisions; the rare full one is quick instead.
  const processes = decision.type === "incr" ? ["--process-max=1"] : [];
  const words = ["backup", socket(context), "--no-archive-check", `--type=${decision.type}`, `--annotation=point=${id}`, ...processes];
  // It begins with a checkpoint, which is the server's own work.
  await standingStill.free(checkpointMilliseconds);
  await pgbackrest(paths, words, { timeoutSeconds: backupSeconds, signal });
  const backup = madeSince(before.backups, (await repositoryInfo(context)).backups);

  step("marking the moment");
  const restorePoint = restorePointName(id);
  const { snapshot, lsn, segment } = await markMoment(context, restorePoint);
  try {
    // What holds the restore point goes to the archive at once, not only when it is full.
    await standingStill.free(switchMilliseconds);
    await withClient({ sockets: paths.sockets, database: "postgres" }, (client) => client.query("SELECT pg_switch_wal()"));
    const part = await describeSnapshot(context, snapshot);
    step(`waiting for the log up to ${segment} in the archive`);
    await waitArchived(context, { archiveId, from: backup.start, to: segment });
    return {
      ...part,
      physical: { label: backup.label, type: backup.type, full: backup.full, restorePoint, lsn, timeline: segment.slice(0, 8) },
      storedBytes: backup.addedBytes,
      reason: decision.reason,
    };
  } finally {
    await snapshot.close();
  }
}

/** The backup that was not there before. @throws when there is none, or damaged pages were found while it was made */
function madeSince(before: readonly RepositoryBackup[], after: readonly RepositoryBackup[]): RepositoryBackup {
  const known = new Set(before.map(({ label }) => label));
  const made = after.filter(({ label }) => !known.has(label)).at(-1);
  if (!made) throw new Error("pgBackRest said that it made a backup, and there is none");
  if (made.damaged) throw new Error(`the backup ${made.label} found damaged pages in the database: their checksums are wrong; the disk may be failing. Restore the last good point`);
  return made;
}

/** 8 hexadecimal digits. */
async function timelineOf(context: DatabaseContext): Promise<string> {
  return withClient({ sockets: context.paths.sockets, database: "postgres" }, async (client) => {
    const { rows } = await client.query<{ segment: string }>("SELECT pg_walfile_name(pg_current_wal_lsn()) AS segment");
    return rows[0]!.segment.slice(0, 8);
  });
}
