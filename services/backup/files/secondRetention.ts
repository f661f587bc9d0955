import type { Snapshot } from "./snapshots";

/** Newest copies of the database's repository and of the catalog that are kept whatever their day, and days with one each. */
const newestCopies = 4;
const days = 7;

export interface PointsOfFirst {
  /** Points in the first copy's catalog; null when the catalog cannot be read whole. */
  readonly current: readonly string[] | null;
  /** Points that were once copied from this volume of backups. */
  readonly known: ReadonlySet<string>;
  /** Points that a restore test proved. */
  readonly proved: ReadonlySet<string>;
}

/**
 * Snapshots of the second copy whose point retention removed from the first. A point that this volume of backups never
 * had is not among them: the volume may be a new one after a loss, and the second copy all there is.
 *
 * @returns ids, never one of the newest proven point, nor the newest of its kind, and none while the catalog is empty or damaged
 */
export function forgotten(there: readonly Snapshot[], { current, known, proved }: PointsOfFirst): string[] {
  if (current === null || current.length === 0) return [];
  const ofPoints = there.filter(({ kind, point }) => point !== undefined && (kind === "artifacts" || kind === "clone" || kind === "dump"));
  const points = ofPoints.map(({ point }) => point!).sort();
  const safe = new Set(current);
  const newestProved = points.filter((point) => proved.has(point)).at(-1);
  if (newestProved !== undefined) safe.add(newestProved);
  for (const kind of ["artifacts", "clone", "dump"]) {
    const newest = ofPoints.filter((snapshot) => snapshot.kind === kind).map(({ point }) => point!).sort().at(-1);
    if (newest !== undefined) safe.add(newest);
  }
  return ofPoints.filter(({ point }) => known.has(point!) && !safe.has(point!)).map(({ id }) => id);
}

/**
 * Copies of the database's repository, and of the catalog, that newer ones replace: the newest few stay, and the newest
 * of each of the newest seven days that have one.
 */
export function passingCopies(there: readonly Snapshot[]): string[] {
  return ["pgbackrest", "catalog"].flatMap((kind) => {
    const newestFirst = there.filter((snapshot) => snapshot.kind === kind).sort((one, other) => other.time.localeCompare(one.time));
    const seen = new Set<string>();
    return newestFirst.flatMap(({ id, time }, index) => {
      const day = time.slice(0, 10);
      const isNewestOfDay = !seen.has(day);
      seen.add(day);
      return index < newestCopies || (isNewestOfDay && seen.size <= days) ? [] : [id];
    });
  });
}
