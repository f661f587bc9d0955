import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { z } from "zod";
import { pointId, recoveryPoint } from "../../../domain/backup/recoveryPoint";
import { size } from "../../../domain/backup/words";
import { Catalog, type Contents } from "../catalog";
import { standardPaths, type Paths } from "../context";
import type { ToolContext } from "../progress";
import { openToRead } from "./repositories";
import { restoreFolder } from "./restore";
import { workFolder } from "./restoredReferences";
import { restic, type Repository } from "./restic";
import { countFiles, listSnapshots, type Counted, type Snapshot } from "./snapshots";

export const fetchRequest = z.strictObject({
  point: pointId.nullable(),
  /** Bytes that what is made of it will need on the same disk. */
  besideBytes: z.int().min(0).default(0),
});
export type FetchRequest = z.input<typeof fetchRequest>;

export interface Fetched {
  readonly bytes: number;
  readonly seconds: number;
  /** When what was fetched was copied; ISO. */
  readonly copiedAt: string;
}

/**
 * Tool `fetch`: brings the catalog and the database's repository of the second copy to `/scratch/points`, `/scratch/proofs` and
 * `/scratch/pgbackrest`. With a point, the newest copy of the repository that has its backup. What is there already is kept.
 *
 * @throws before the repository is fetched when the disk has not room for it and for what is made of it
 */
export async function fetchSecond(request: FetchRequest, tool: ToolContext, paths: Paths = standardPaths, work = workFolder): Promise<Fetched> {
  const started = performance.now();
  const { progress, signal } = tool;
  progress({ step: "open", text: "the second copy is opened" });
  const repository = await openToRead(paths, "second", signal);
  const snapshots = await listSnapshots(repository, { signal });
  const catalog = snapshots.filter(({ kind }) => kind === "catalog").at(-1);
  if (!catalog) throw new Error(`${repository.name} holds no catalog: no copy to it was ever ended`);
  await fs.mkdir(work, { recursive: true });
  await restoreCatalog(repository, catalog, work, paths, tool);
  const database = await databaseSnapshot(repository, snapshots, request.point === null ? null : path.join(work, "points", `${request.point}.json`), paths, signal);
  const target = path.join(work, "pgbackrest");
  await demandRoom(work, { repository: database.bytes, there: (await countThere(target)).bytes, beside: request.besideBytes ?? 0 });
  const bytes = await restoreFolder(repository, database.id, { folder: paths.pgbackrest, target, step: "fetch", text: "the database's repository is fetched" }, tool);
  const there = await countFiles(target);
  if (there.files !== database.files || there.bytes !== database.bytes) {
    throw new Error(`${repository.name}: of the database's repository ${there.files} files of ${there.bytes} bytes came back instead of ${database.files} of ${database.bytes}`);
  }
  return { bytes, seconds: (performance.now() - started) / 1000, copiedAt: database.time };
}

/** Of an earlier try. */
function countThere(folder: string): Promise<Counted> {
  return countFiles(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return { files: 0, bytes: 0 };
    throw error;
  });
}

async function demandRoom(folder: string, { repository, there, beside }: { readonly repository: number; readonly there: number; readonly beside: number }): Promise<void> {
  const { bavail, bsize } = await fs.statfs(folder);
  const [free, needed] = [bavail * bsize, Math.max(0, repository - there) + beside];
  if (needed <= free) return;
  throw new Error(`not enough room on the disk of the volumes: ${size(needed)} are needed, ${size(repository)} for the repository that is fetched (${size(there)} of it are there) and ${size(beside)} for what is restored of it, and ${size(free)} are free`);
}

/**
 * Recovery points and proofs as the second copy has them. Nothing is kept of it.
 * @param temporary folder that may be written
 */
export async function secondCatalog(tool: ToolContext, paths: Paths = standardPaths, temporary = os.tmpdir()): Promise<Contents & { readonly copiedAt: string }> {
  const repository = await openToRead(paths, "second", tool.signal);
  const catalog = (await listSnapshots(repository, { signal: tool.signal })).filter(({ kind }) => kind === "catalog").at(-1);
  if (!catalog) throw new Error(`${repository.name} holds no catalog: no copy to it was ever ended`);
  const folder = await fs.mkdtemp(path.join(temporary, "catalog-"));
  try {
    await restoreCatalog(repository, catalog, folder, paths, tool);
    const contents = await new Catalog({ points: path.join(folder, "points"), proofs: path.join(folder, "proofs") }).read();
    return { ...contents, copiedAt: catalog.time };
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

async function restoreCatalog(repository: Repository, catalog: Snapshot, target: string, paths: Paths, tool: ToolContext): Promise<void> {
  for (const [folder, name] of [
    [paths.points, "points"],
    [paths.proofs, "proofs"],
  ] as const) {
    await restoreFolder(repository, catalog.id, { folder, target: path.join(target, name), step: "catalog", text: "the catalog is fetched" }, tool);
    // Where it holds nothing, restic makes no folder.
    await fs.mkdir(path.join(target, name), { recursive: true });
  }
}

/** The newest copy of the database's repository, or the newest one that has a point's backup. */
async function databaseSnapshot(repository: Repository, snapshots: readonly Snapshot[], manifest: string | null, paths: Paths, signal: AbortSignal): Promise<Snapshot> {
  const newestFirst = snapshots.filter(({ kind }) => kind === "pgbackrest").reverse();
  if (newestFirst.length === 0) throw new Error(`${repository.name} holds no copy of the database's repository`);
  if (manifest === null) return newestFirst[0]!;
  const text = await fs.readFile(manifest, "utf8").catch(() => undefined);
  if (text === undefined) throw new Error(`${repository.name} holds no recovery point ${path.basename(manifest, ".json")}`);
  const { id, physical } = recoveryPoint.parse(JSON.parse(text));
  if (physical === null) return newestFirst[0]!;
  for (const snapshot of newestFirst) {
    const backups = path.posix.join(paths.pgbackrest, "backup", "trading");
    const { stdout } = await restic(repository, ["ls", "--json", "--no-lock", snapshot.id, backups], { signal });
    if (stdout.includes(JSON.stringify(path.posix.join(backups, physical.label)))) return snapshot;
  }
  throw new Error(`${repository.name}: no copy of the database's repository holds backup ${physical.label} of the recovery point ${id}`);
}
