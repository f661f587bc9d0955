import { fullsToKeep, keptPoints, mayPrune } from "../../domain/backup/retention";
import { newestTime, provedIds } from "./catalog";
import { expire } from "./database/expire";
import { repositoryInfo } from "./database/pgbackrest";
import { forgetSnapshots, listSnapshots, pruneRepository, type Snapshot } from "./files/snapshots";
import { workOnFirst } from "./files/repositories";
import type { JobWork } from "./jobs";
import { deployedImages } from "./manifest";
import { requireMounts } from "./required";

/** Kinds of snapshots that belong to one recovery point each, and go with it. */
const ofPoints = new Set(["artifacts", "clone", "dump"]);

/** Archives of images are kept for so long at least, so that a release that is not deployed can be gone back to. */
const imageMilliseconds = 90 * 86_400_000;
/** What somebody may be storing this moment. */
const freshMilliseconds = 86_400_000;

/**
 * Removes what retention no longer wants. Manifests go first: a crash then leaves data without a manifest, which counts as
 * nothing and goes at the next time, and never a manifest whose data has gone.
 */
export const pruneJob: JobWork = async (context, { settings, catalog, journal, now }) => {
  const { step, signal, paths } = context;
  step("looking at what is needed");
  await requireMounts(context);
  const { points, proofs, broken } = await catalog.read();
  // What belongs to a manifest that cannot be read would look as if it belonged to none.
  if (broken.length > 0) throw new Error(`nothing is removed while ${broken.length} files of the catalog cannot be understood: ${broken.map(({ file }) => file).join(", ")}`);
  const permission = mayPrune({ now: now(), newestPoint: newestTime(points), jump: journal.current.jump, unwatched: journal.unwatched });
  if (!permission.allowed) throw new Error(permission.reason);
  await journal.forgetJump();

  const proved = provedIds(proofs);
  const { keep, remove } = keptPoints(points.map(({ id, kind }) => ({ id, kind, proved: proved.has(id) })), settings.retention, now());
  step(`removing ${remove.length} of ${points.length} manifests`);
  for (const id of remove) await catalog.remove(id);

  step("removing files that no manifest names");
  const repository = await workOnFirst(context);
  const snapshots = await listSnapshots(repository, { signal });
  const kept = points.filter(({ id }) => keep.has(id));
  const images = new Set([...Object.values(await deployedImages(paths)), ...kept.flatMap(({ images }) => Object.values(images))]);
  const orphans = snapshots.filter((snapshot) => isOrphan(snapshot, { points: keep, images, now: now() }));
  const left = await forgetSnapshots(repository, orphans.map(({ id }) => id), { signal });
  if (left.length > 0) throw new Error(`restic did not remove ${left.length} snapshots: ${left.join(", ")}`);
  await pruneRepository(repository, { signal });

  step("removing backups of the database that no manifest needs");
  const { backups } = await repositoryInfo(context);
  const labels = new Set(kept.flatMap(({ physical }) => (physical === null ? [] : [physical.label])));
  const fulls = fullsToKeep(backups, labels);
  if (backups.length > 0) await expire(context, fulls);
  return {
    reason: `removed ${remove.length} recovery points and ${orphans.length} snapshots of files; ${keep.size} points and ${fulls} full backups stay`,
    ...{ bytes: null, storedBytes: null, point: null },
  };
};

/** Whether nothing needs a snapshot: no point that stays, and no service that is or was deployed with one. Snapshots of unknown kinds are somebody else's. */
export function isOrphan({ kind, point, tags, time }: Pick<Snapshot, "kind" | "point" | "tags" | "time">, needed: { points: { has(id: string): boolean }; images: ReadonlySet<string>; now: number }): boolean {
  if (kind !== undefined && ofPoints.has(kind)) return point === undefined || !needed.points.has(point);
  const age = needed.now - Date.parse(time);
  if (kind === "image") return age > imageMilliseconds && !tags.some((tag) => tag.startsWith("image:") && needed.images.has(tag.slice("image:".length)));
  // An archive that was not read back counts as nothing.
  return kind === "image-unproved" && age > freshMilliseconds;
}
