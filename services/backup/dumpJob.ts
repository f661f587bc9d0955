import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { takeDump } from "./database/dump";
import { keepDump } from "./files/dump";
import { takeFiles } from "./filesPart";
import type { JobWork } from "./jobs";
import { begin } from "./manifest";

/** A logical dump of both databases, with the files that belong to it: for another version, and for hands without this program. Kept for years, where points leave after weeks. */
export const dumpJob: JobWork = async (context, { catalog, now }) => {
  const { stack, mode, paths, step } = context;
  const { id, startedAt, images, restic } = await begin(context, catalog, now);
  const folder = await mkdtemp(join(paths.temporary, "dump-"));
  try {
    step("dumping both databases");
    const { contents: made, snapshotAt, databases, databaseBytes, versions } = await takeDump(context, id, folder);
    step("keeping the dump");
    const { storedBytes, ...dump } = await keepDump(context, id, folder);
    const changed = Object.keys({ ...made, ...dump.contents }).filter((name) => made[name] !== dump.contents[name]);
    if (changed.length > 0) throw new Error(`the dump changed between being made and being stored: ${changed.join(", ")}`);
    const { artifacts, clone, storedBytes: ofFiles } = await takeFiles(context, id);
    step("writing the manifest");
    await catalog.add({
      ...{ format: 1, id, stack, mode, kind: "dump" },
      startedAt: new Date(startedAt).toISOString(),
      finishedAt: new Date(now()).toISOString(),
      ...{ snapshotAt, versions: { ...versions, restic }, images, databases, databaseBytes, storedBytes: storedBytes + ofFiles },
      ...{ dump, artifacts, clone, physical: null },
    });
    return { reason: `dumped ${Object.keys(made).join(", ")}`, bytes: dump.bytes, storedBytes: storedBytes + ofFiles, point: id };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
