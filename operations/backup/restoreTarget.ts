import { pointId, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { failure, usage } from "../errors";

/** What the owner wants back. */
export type To = { readonly kind: "latest" } | { readonly kind: "point"; readonly id: string } | { readonly kind: "time"; readonly time: string };

/** What can be restored. */
export interface Restorable {
  readonly points: readonly RecoveryPoint[];
  /** Any second in between. */
  readonly log: { readonly from: string; readonly to: string } | null;
}

/** A moment that can be restored, and what belongs to it. */
export interface Target {
  readonly to: To;
  /** ISO time of the moment. */
  readonly at: string;
  /** The newest recovery point that is not later: what the moment holds at least. */
  readonly base: RecoveryPoint;
  /** Whether the moment is exactly that of `base`. */
  readonly exact: boolean;
  /** MLflow's artifacts that hold everything the database refers to; null when none were ever stored. */
  readonly artifacts: { readonly point: string; readonly snapshot: string; readonly at: string; readonly bytes: number } | null;
}

const ALLOWED = "allowed: latest, a backup's id (npx trading backups) or a time with its zone such as 2026-11-21T14:30:00Z";
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:\d\d)$/;

/** Reads `--to`; latest when it is left out. */
export function parseTo(text: string = "latest"): To {
  if (text === "latest") return { kind: "latest" };
  if (pointId.safeParse(text).success) return { kind: "point", id: text };
  const [, day, clock, zone] = TIME.exec(text) ?? [];
  const time = Date.parse(`${day}T${clock}${zone}`);
  if (Number.isNaN(time)) throw usage(`--to is "${text}"; ${ALLOWED}`);
  // Microseconds are kept: a manifest's times have them.
  return { kind: "time", time: zone === "Z" && clock!.length > 8 ? `${day}T${clock}Z` : new Date(time).toISOString() };
}

/** The target as words. */
export function describeTo(to: To): string {
  if (to.kind === "latest") return "the newest moment that is archived";
  return to.kind === "point" ? `backup ${to.id}` : to.time;
}

/**
 * Finds what the owner wants among what there is.
 *
 * @throws {CommandError} with what could be restored, when it is not there
 */
export function chooseTarget(to: To, { points, log }: Restorable): Target {
  const physical = points.filter((point) => point.kind === "point" && point.physical !== null).sort(bySnapshot);
  const newest = physical.at(-1);
  if (newest === undefined) throw failure("there is no good recovery point to restore");
  const target = (at: string, base: RecoveryPoint, exact: boolean): Target => ({ to, at, base, exact, artifacts: artifactsFor(exact ? base.snapshotAt : at, points, exact ? base : undefined) });
  if (to.kind === "latest") return target(log === null || after(newest.snapshotAt, log.to) ? newest.snapshotAt : log.to, newest, false);
  if (to.kind === "point") {
    const found = points.find((point) => point.id === to.id);
    if (found === undefined) throw failure(`there is no good backup ${to.id}; there are: ${points.map(({ id }) => id).join(", ")}`);
    if (found.physical === null) {
      throw failure(`backup ${to.id} is a dump, which is restored by hand (runbooks/Restore_By_Hand.md); the same moment with this command: --to ${found.snapshotAt}`);
    }
    return target(found.snapshotAt, found, true);
  }
  if (log === null || after(log.from, to.time) || after(to.time, log.to)) {
    throw failure(`${to.time} cannot be restored; ${log === null ? "no log is archived" : `allowed: a time from ${log.from} to ${log.to}`}, or the id of a backup (npx trading backups)`);
  }
  const base = physical.filter((point) => !after(point.snapshotAt, to.time)).at(-1) ?? physical[0]!;
  return target(to.time, base, false);
}

/**
 * Artifacts are written after the database's row that names them and are not changed: those stored first at or after the
 * moment hold all that it refers to.
 */
function artifactsFor(at: string, points: readonly RecoveryPoint[], own: RecoveryPoint | undefined): Target["artifacts"] {
  const stored = points.filter((point) => point.artifacts !== null).sort(bySnapshot);
  const chosen = (own?.artifacts ? own : undefined) ?? stored.find((point) => !after(at, point.snapshotAt)) ?? stored.at(-1);
  if (!chosen?.artifacts) return null;
  return { point: chosen.id, snapshot: chosen.artifacts.snapshot, at: chosen.snapshotAt, bytes: chosen.artifacts.bytes };
}

function bySnapshot(one: RecoveryPoint, other: RecoveryPoint): number {
  return after(one.snapshotAt, other.snapshotAt) ? 1 : -1;
}

/** Whether one ISO time in UTC is later than another; they may have milliseconds, microseconds or neither. */
function after(one: string, other: string): boolean {
  const digits = (time: string) => {
    const [seconds, fraction = ""] = time.replace(/Z$/, "").split(".");
    return `${seconds}.${fraction.padEnd(6, "0")}`;
  };
  return digits(one) > digits(other);
}
