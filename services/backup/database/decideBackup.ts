import type { RepositoryBackup } from "./pgbackrest";

const day = 86_400_000;
/** A chain of backups is as good as its weakest link: it does not get older than this. */
const oldestFullDays = 7;

export interface BackupFacts {
  /** Oldest first. */
  readonly backups: readonly Pick<RepositoryBackup, "label" | "type" | "full" | "startedAt" | "stop" | "damaged" | "archiveId">[];
  /** Where the database's log goes, for example `17-1`. */
  readonly archiveId: string;
  /** Timeline the database is on, 8 hexadecimal digits. */
  readonly timeline: string;
  /** Whether the log that was archived since the newest backup has a gap. */
  readonly gapSinceNewest: boolean;
  readonly now: number;
}

/** Which kind of backup is made, and why. */
export function decideBackup({ backups, archiveId, timeline, gapSinceNewest, now }: BackupFacts): { type: "full" | "incr"; reason: string } {
  const full = (reason: string) => ({ type: "full", reason }) as const;
  const newest = backups.at(-1);
  if (!newest) return full("there is no backup yet");
  if (newest.archiveId !== archiveId) return full("it is the first one of this database");
  if (newest.stop.slice(0, 8) !== timeline) return full("the database was restored since the last one");
  if (gapSinceNewest) return full("log was lost since the last one");
  const chain = backups.filter(({ full: base }) => base === newest.full);
  if (chain.some(({ damaged }) => damaged)) return full("damaged pages were found in the last ones");
  const base = chain.find(({ label }) => label === newest.full);
  if (!base) return full("the full backup of the last ones is gone");
  if (base.startedAt > now) return full("the last full one is from the future: a clock was set");
  if (now - base.startedAt >= oldestFullDays * day) return full(`the last full one is ${oldestFullDays} days old`);
  return { type: "incr", reason: `changes since ${newest.label}` };
}
