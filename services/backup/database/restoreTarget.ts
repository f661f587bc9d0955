import type { RecoveryPoint } from "../../../domain/backup/recoveryPoint";
import { isInFuture } from "../../../domain/backup/schedule";
import { gaps } from "../../../domain/backup/walArchive";
import type { ArchivedFile } from "./archiveFiles";
import type { RepositoryBackup } from "./pgbackrest";

/** What is restored: the end of the log, a recovery point, or the moment right after the last transaction up to a time. */
export type RestoreTo = { readonly kind: "latest" } | { readonly kind: "point"; readonly id: string } | { readonly kind: "time"; readonly time: string };

/** Where a timeline of the log left the ones before it. */
export interface TimelineOrigin {
  readonly timeline: number;
  readonly lsn: string;
}

/** What the repository has of one database. */
export interface RepositoryHistory {
  readonly backups: readonly RepositoryBackup[];
  /** Sorted by name. */
  readonly files: readonly ArchivedFile[];
  /** Timeline -> the ones it came from, oldest first; the first timeline has none. */
  readonly origins: ReadonlyMap<number, readonly TimelineOrigin[]>;
}

/** What pgBackRest and PostgreSQL are told. */
export interface RestoreTarget {
  /** Backup to begin with: pgBackRest left alone may take a newer one, and then passes the target over. */
  readonly backup: RepositoryBackup;
  readonly timeline: number;
  readonly options: readonly string[];
  /** Whether the log may end before anything is found that is later than the target: nothing was written in between. */
  readonly mayEndBefore: boolean;
  /** The point that the restored database has to be equal to, or to have grown from. */
  readonly compare: { readonly point: RecoveryPoint; readonly mode: "exact" | "atLeast" } | null;
  /** A hole at which the log ends, though there is more behind it, in words; null without one. */
  readonly endsAt: string | null;
}

/**
 * @param now epoch milliseconds
 * @throws when it cannot be restored, with what can
 */
export function restoreTarget(to: RestoreTo, history: RepositoryHistory, points: readonly RecoveryPoint[], now = Date.now()): RestoreTarget {
  const physical = points.filter((point) => point.physical !== null);
  if (to.kind === "point") return pointTarget(to.id, history, physical);
  if (history.backups.length === 0) throw new Error("there is no backup of the database to restore");
  return to.kind === "latest" ? latestTarget(history, physical, now) : timeTarget(to.time, history, physical, now);
}

function pointTarget(id: string, history: RepositoryHistory, points: readonly RecoveryPoint[]): RestoreTarget {
  const point = points.find((each) => each.id === id);
  if (!point) {
    const newest = points.slice(-5).map((each) => each.id).join(", ");
    throw new Error(`there is no physical recovery point ${id}${newest === "" ? "; there is none at all" : `; the newest are ${newest}`}`);
  }
  const { label, restorePoint, timeline } = point.physical!;
  const backup = history.backups.find((each) => each.label === label);
  if (!backup) throw new Error(`the backup ${label} of the recovery point ${id} is not in the repository any more`);
  const number = parseInt(timeline, 16);
  const hole = holeBefore(history, backup, number, Date.parse(point.snapshotAt));
  if (hole !== null) throw new Error(`the recovery point ${id} cannot be restored: of the log since its backup ${label} the archive lacks ${hole}`);
  return {
    backup,
    timeline: number,
    options: ["--type=name", `--target=${restorePoint}`, "--target-action=promote", `--target-timeline=${number}`],
    mayEndBefore: false,
    compare: { point, mode: "exact" },
    endsAt: null,
  };
}

function latestTarget(history: RepositoryHistory, points: readonly RecoveryPoint[], now: number): RestoreTarget {
  const timeline = timelineAt(history, Infinity, now);
  const backup = newestBackup(history, timeline, Infinity);
  if (!backup) throw new Error(`no backup leads to the end of the log, which is on timeline ${timeline}`);
  return {
    backup,
    timeline,
    options: ["--type=default", `--target-timeline=${timeline}`],
    mayEndBefore: false,
    compare: newestPoint(history, points, timeline, Infinity),
    // What there is up to the hole is all that is left: it is restored, and said.
    endsAt: holeBefore(history, backup, timeline, Infinity),
  };
}

function timeTarget(time: string, history: RepositoryHistory, points: readonly RecoveryPoint[], now: number): RestoreTarget {
  const range = restorableRange(history, now);
  const at = Date.parse(time);
  if (range === null || Number.isNaN(at) || at < range.from || at > range.to) {
    const words = range === null ? "no moment can be restored" : `what can be restored is from ${iso(range.from)} to ${iso(range.to)}`;
    throw new Error(`${time} cannot be restored: ${words}`);
  }
  const timeline = timelineAt(history, at, now);
  const backup = newestBackup(history, timeline, at);
  if (!backup) throw new Error(`${time} cannot be restored: no backup from before it leads to timeline ${timeline}, which the database was on`);
  const hole = holeBefore(history, backup, timeline, at);
  if (hole !== null) throw new Error(`${time} cannot be restored: of the log since the backup ${backup.label} the archive lacks ${hole}. The next recovery point after it can be restored, and any moment after that one`);
  return {
    backup,
    timeline,
    // PostgreSQL's own form: it takes no "T" and "Z" from pgBackRest's check of the format.
    options: ["--type=time", `--target=${iso(at).replace("T", " ").replace("Z", "+00")}`, "--target-action=promote", `--target-timeline=${timeline}`],
    mayEndBefore: true,
    compare: newestPoint(history, points, timeline, at),
    endsAt: null,
  };
}

const iso = (epochMilliseconds: number) => new Date(epochMilliseconds).toISOString();

/** Epoch milliseconds between which every moment can be restored, holes in the log apart; null without a backup. */
export function restorableRange({ backups, files }: RepositoryHistory, now = Date.now()): { from: number; to: number } | null {
  const oldest = backups[0];
  const last = lastFile(believable(files, now), Infinity);
  if (!oldest || !last) return null;
  const from = consistentFrom(oldest);
  return last.at < from ? null : { from, to: last.at };
}

/** pgBackRest says when a backup ended in whole seconds. */
function consistentFrom(backup: RepositoryBackup): number {
  return backup.stoppedAt + 1000;
}

const timelineOf = ({ name }: Pick<ArchivedFile, "name">) => parseInt(name.slice(0, 8), 16);

/**
 * Files whose time can be believed. A clock that was ahead left times that have not come yet, or that log which followed on
 * the same timeline contradicts; of a clock that is far behind now, nothing can be believed and all of it has to be.
 */
function believable(files: readonly ArchivedFile[], now: number): readonly ArchivedFile[] {
  const followedAt = new Map<number, number>();
  const believed = [...files].reverse().filter((file) => {
    const timeline = timelineOf(file);
    const next = followedAt.get(timeline) ?? Infinity;
    followedAt.set(timeline, Math.min(next, file.at));
    return !isInFuture(file.at, now) && !isInFuture(file.at, next);
  });
  return believed.length > 0 ? believed.reverse() : files;
}

function lastFile(files: readonly ArchivedFile[], at: number): ArchivedFile | undefined {
  return files.filter((file) => file.at <= at).reduce<ArchivedFile | undefined>((last, file) => (last && last.at >= file.at ? last : file), undefined);
}

/**
 * The timeline the database was on at a moment, by what was archived around it: a restore goes on on a new timeline, and
 * taking a restore back goes on on the old one.
 */
export function timelineAt(history: Pick<RepositoryHistory, "files">, at: number, now = Date.now()): number {
  const files = believable(history.files, now);
  const before = lastFile(files, at);
  const after = files.filter((file) => file.at > at).reduce<ArchivedFile | undefined>((first, file) => (first && first.at <= file.at ? first : file), undefined);
  if (!before || !after) return timelineOf(before ?? after ?? { name: "00000001" });
  // What is archived next holds the moment, unless its timeline began only afterwards.
  const began = Math.min(...files.filter((file) => timelineOf(file) === timelineOf(after)).map((file) => file.at));
  return began <= at ? timelineOf(after) : timelineOf(before);
}

/** The newest undamaged backup that was done by a moment and lies on the way to a timeline. */
function newestBackup(history: RepositoryHistory, timeline: number, at: number): RepositoryBackup | undefined {
  return [...history.backups].reverse().find((backup) => !backup.damaged && consistentFrom(backup) <= at && leadsTo(history, timelineOf({ name: backup.stop }), backup.stopLsn, timeline));
}

function newestPoint(history: RepositoryHistory, points: readonly RecoveryPoint[], timeline: number, at: number): RestoreTarget["compare"] {
  const fits = points.filter(({ snapshotAt, physical }) => Date.parse(snapshotAt) <= at && leadsTo(history, parseInt(physical!.timeline, 16), physical!.lsn, timeline));
  const point = fits.reduce<RecoveryPoint | undefined>((newest, each) => (newest && newest.snapshotAt >= each.snapshotAt ? newest : each), undefined);
  return point ? { point, mode: "atLeast" } : null;
}

/** Whether a place on one timeline is a part of the past of another. */
function leadsTo({ origins }: RepositoryHistory, timeline: number, lsn: string, to: number): boolean {
  if (timeline === to) return true;
  const origin = origins.get(to)?.find((each) => each.timeline === timeline);
  return origin !== undefined && position(lsn) <= position(origin.lsn);
}

/** @param lsn such as `0/30187C0` */
export function position(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** The first hole in the log between a backup and a moment, in words; null without one. */
function holeBefore({ files, origins }: RepositoryHistory, backup: RepositoryBackup, timeline: number, at: number): string | null {
  const way = new Set([timeline, ...(origins.get(timeline) ?? []).map((origin) => origin.timeline)]);
  const after = Math.min(...files.filter((file) => file.kind === "segment" && file.at > at).map((file) => file.at), Infinity);
  const needed = files.filter((file) => file.kind === "segment" && way.has(timelineOf(file)) && file.at <= after).map(({ name }) => name);
  const hole = gaps(needed, backup.start)[0];
  return hole === undefined ? null : `what lies between ${hole.after ?? "its beginning"} and ${hole.before ?? "the end"}`;
}

/** The origins of a timeline, of the text of its history file. */
export function parseOrigins(text: string): TimelineOrigin[] {
  return text
    .split("\n")
    .map((line) => /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line))
    .filter((match) => match !== null)
    .map(([, timeline, lsn]) => ({ timeline: Number(timeline), lsn: lsn! }));
}
