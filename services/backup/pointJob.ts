import { takePoint } from "./database/point";
import { takeFiles } from "./filesPart";
import type { JobWork } from "./jobs";
import { begin } from "./manifest";

/**
 * Database, then MLflow's artifacts, then the clone as one recovery point. MLflow writes what it says of a run before the
 * run's files, which only ever come anew: files that are taken after the database hold all that it refers to.
 */
export const pointJob: JobWork = async (context, { catalog, now }) => {
  const { stack, mode, step } = context;
  const { id, startedAt, images, restic } = await begin(context, catalog, now);

  step("taking the database");
  const { physical, snapshotAt, databases, databaseBytes, versions, storedBytes: ofDatabase, reason } = await takePoint(context, id);
  const { artifacts, clone, storedBytes: ofFiles } = await takeFiles(context, id);

  step("writing the manifest");
  const storedBytes = ofDatabase + ofFiles;
  await catalog.add({
    ...{ format: 1, id, stack, mode, kind: "point" },
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(now()).toISOString(),
    ...{ snapshotAt, versions: { ...versions, restic }, images, databases, databaseBytes, storedBytes },
    ...{ physical, artifacts, clone, dump: null },
  });
  return { reason: `${physical.type} backup, ${reason}`, bytes: databaseBytes + artifacts.bytes + clone.bytes, storedBytes, point: id };
};
