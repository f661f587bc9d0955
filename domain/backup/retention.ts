import { jumpText, trustedFrom, type ClockJump } from "./clock";
import { timeOfPoint, type RecoveryPoint } from "./recoveryPoint";
import { isInFuture } from "./schedule";

const day = 86_400_000;

/** How long recovery points are kept. */
export interface RetentionPolicy {
  /** Any second of these last days can be restored. */
  readonly pointInTimeDays: number;
  /** The newest dump of each of so many days, weeks (from Monday) and months, in UTC. */
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

/** A good recovery point: others have no manifest, and do not count. */
export interface KeepablePoint {
  readonly id: string;
  readonly kind: RecoveryPoint["kind"];
  /** Whether a restore test brought it back and found it right. */
  readonly proved: boolean;
}

interface TimedPoint extends KeepablePoint {
  readonly time: number;
}

/**
 * Which good recovery points stay, and why. Days, weeks and months are counted only where there is a good point, never
 * from today: nothing goes because time passes while no new ones come, or because the clock was set ahead. Of each kind
 * the newest and the newest proved one always stay. While a point lies in the future all stay.
 * @param now epoch milliseconds
 * @returns keep: id -> reasons, remove: ids, oldest first
 * @throws RangeError for an id that names no time: what cannot be understood is not removed
 */
export function keptPoints(points: readonly KeepablePoint[], policy: RetentionPolicy, now: number): { keep: Map<string, string[]>; remove: string[] } {
  const newestFirst = points.map((point) => ({ ...point, time: checkedTime(point.id) })).sort((one, other) => other.time - one.time);
  const keep = new Map<string, string[]>();
  const add = (point: KeepablePoint | undefined, reason: string) => {
    if (point !== undefined) keep.set(point.id, [...(keep.get(point.id) ?? []), reason]);
  };

  if (newestFirst.some(({ time }) => isInFuture(time, now))) for (const point of newestFirst) add(point, "a point lies in the future");
  for (const kind of ["point", "dump"] as const) {
    const ofKind = newestFirst.filter((point) => point.kind === kind);
    add(ofKind[0], `newest ${kind}`);
    add(ofKind.find(({ proved }) => proved), `newest proved ${kind}`);
    if (kind === "point") keepWindow(ofKind, policy.pointInTimeDays, add);
    else keepGenerations(ofKind, policy, add);
  }
  return { keep, remove: newestFirst.filter(({ id }) => !keep.has(id)).map(({ id }) => id).reverse() };
}

type Add = (point: TimedPoint | undefined, reason: string) => void;

/**
 * All points from the newest back over so many days, and the one before them that a restore to their first second
 * begins with. Days without a point do not count.
 */
function keepWindow(newestFirst: readonly TimedPoint[], days: number, add: Add): void {
  const newest = newestFirst[0];
  if (newest === undefined) return;
  const daysWithPoints = [...new Set(newestFirst.map(({ time }) => Math.floor(time / day)))];
  const firstDay = daysWithPoints[days - 1];
  const start = firstDay === undefined ? Number.NEGATIVE_INFINITY : Math.min(newest.time - days * day, firstDay * day);
  for (const point of newestFirst.filter(({ time }) => time > start)) add(point, `within ${days} days`);
  add(newestFirst.find(({ time }) => time <= start), `beginning of ${days} days`);
}

function keepGenerations(newestFirst: readonly TimedPoint[], policy: RetentionPolicy, add: Add): void {
  const generations: [name: string, count: number, of: (time: number) => string][] = [
    ["day", policy.daily, (time) => isoDate(time)],
    // Weeks are named by their Monday; 1970-01-01 was a Thursday.
    ["week from", policy.weekly, (time) => isoDate((Math.floor((time / day + 3) / 7) * 7 - 3) * day)],
    ["month", policy.monthly, (time) => isoDate(time).slice(0, 7)],
  ];
  for (const [name, count, of] of generations) {
    const seen = new Set<string>();
    for (const point of newestFirst) {
      const generation = of(point.time);
      if (seen.has(generation)) continue;
      if (seen.size >= count) break;
      seen.add(generation);
      add(point, `${name} ${generation}`);
    }
  }
}

const isoDate = (time: number) => new Date(time).toISOString().slice(0, 10);

function checkedTime(id: string): number {
  const time = timeOfPoint(id);
  if (!Number.isFinite(time)) throw new RangeError(`Recovery point "${id}" names no time; nothing is removed while it is there`);
  return time;
}

/** A backup in pgBackRest's repository: its label, and the label of the full backup its chain begins with (its own when it is full). */
export interface ChainedBackup {
  readonly label: string;
  readonly full: string;
}

/**
 * N for `pgbackrest expire --repo1-retention-full=N`, which keeps the newest N full backups, good or not, with all that
 * build on them and the log since: so many that the full backup of each kept label is among them.
 * @param backups all that the repository has, bad ones too
 * @param keptLabels physical labels of the points that stay. While there are none, or one that the repository does not
 * have, every full backup stays
 * @returns at least 1
 */
export function fullsToKeep(backups: readonly ChainedBackup[], keptLabels: ReadonlySet<string>): number {
  const newestFirst = [...new Set(backups.map(({ full }) => full))].sort().reverse();
  const fullOf = new Map(backups.map(({ label, full }) => [label, full]));
  const needed = [...keptLabels].map((label) => fullOf.get(label));
  const places = needed.map((full) => (full === undefined ? newestFirst.length : newestFirst.indexOf(full) + 1));
  return Math.max(1, ...(places.length === 0 ? [newestFirst.length] : places));
}

export interface PruneFacts {
  /** Epoch milliseconds by the wall clock. */
  readonly now: number;
  /** Time of the newest good point, in epoch milliseconds. */
  readonly newestPoint: number | null;
  /** The clock's jump that is not forgotten yet. */
  readonly jump: ClockJump | null;
  /** Whether nobody watched the clock since pruning was last allowed, because the service did not run. */
  readonly unwatched: boolean;
}

/**
 * Whether anything may be removed now; then the caller may forget the jump.
 * @returns reason: words for the owner
 */
export function mayPrune({ now, newestPoint, jump, unwatched }: PruneFacts): { allowed: boolean; reason: string } {
  const refused = (reason: string) => ({ allowed: false, reason: `nothing is removed: ${reason}` });
  if (newestPoint === null) return refused("there is no good recovery point");
  const made = `the newest good recovery point is of ${iso(newestPoint)}`;
  if (isInFuture(newestPoint, now)) return refused(`${made}, in the future by this clock (${iso(now)}); one of the two is wrong`);
  if (jump !== null && now < trustedFrom(jump)) return refused(`the clock jumped ${jumpText(jump)}; it is trusted again at ${iso(trustedFrom(jump))} if it does not jump until then`);
  if ((jump !== null || unwatched) && now - newestPoint >= day) return refused(`the clock jumped, and ${made}, a day old or older; a new one has to be made first`);
  return { allowed: true, reason: made };
}

const iso = (time: number) => new Date(time).toISOString();
