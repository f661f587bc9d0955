import * as fs from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";
import { Catalog, provedIds, type Contents } from "../catalog";
import type { BackupContext, Paths } from "../context";
import { writeDurably } from "../durableFile";
import { demandMounted } from "../mounts";
import { firstRepository, identity, secondRepository, workOnFirst, workOnSecond } from "./repositories";
import { restic, sourceWords, type Repository } from "./restic";
import { forgotten, passingCopies } from "./secondRetention";
import { countFiles, forgetSnapshots, isWhole, listSnapshots, pruneRepository, takeSnapshot, type Snapshot } from "./snapshots";

export interface CopyState {
  /** Newest recovery point in it; null without any. */
  readonly newestPoint: string | null;
  /** Snapshots that came anew, beside the database's repository. */
  readonly copied: number;
  /** Bytes of the database's repository, and what this copy added of it. */
  readonly bytes: number;
  readonly storedBytes: number;
  /** Snapshots that retention no longer wants and that the server does not let go, for example since it only takes. */
  readonly kept: number;
}

/** What was copied from this volume of backups. */
const copiedSchema = z.strictObject({
  /** Points that were copied: one of them that is gone from the catalog was removed by retention. */
  points: z.array(z.string()),
  prunedAt: z.iso.datetime().nullable(),
});
type Copied = z.infer<typeof copiedSchema>;

/** A look at a server that does not answer. */
const lookSeconds = 20;
const pruneMilliseconds = 24 * 3_600_000;
/** pgBackRest writes archived log under such a name first; it is nothing until it was renamed. */
const unfinishedArchive = "*.pgbackrest.tmp";

/**
 * Brings the second copy up to date: snapshots of good points and images that it does not have, then the database's
 * repository, then the catalog; so that a point that is in its catalog is whole. Under the mutex, which keeps backups of
 * the database out; archived log may come in meanwhile, and only ever adds files that no manifest of this moment needs.
 */
export async function copyToSecond(context: BackupContext): Promise<CopyState> {
  const { paths, signal, step } = context;
  step("the second copy is opened");
  const first = await workOnFirst(context);
  const second = await workOnSecond(context, first);
  const options = { signal, ...cacheOf(second, paths) };
  const contents = await readCatalog(paths);
  const [mine, there] = [await listSnapshots(first, { signal }), await listSnapshots(second, options)];
  const wanted = wantedSnapshots(contents, mine);
  const missing = wanted.filter(({ origin }) => !there.some((snapshot) => snapshot.origin === origin));
  if (missing.length > 0) {
    step(`${missing.length} snapshots are copied`);
    await restic(second, ["copy", ...sourceWords(first), ...missing.map(({ id }) => id)], { ...options, onLine: () => undefined });
  }
  step("the database's repository is copied");
  const database = await takeDatabaseRepository(context, second);
  step("the catalog is copied");
  const host = `trading-${context.stack}`;
  const catalog = await takeSnapshot(second, { ...options, host, tags: ["kind:catalog"], paths: [paths.points, paths.proofs] });
  const after = await listSnapshots(second, options);
  const lost = [...wanted.map(({ origin }) => origin), database.snapshot, catalog.snapshot].filter((origin) => !after.some((snapshot) => snapshot.origin === origin));
  if (lost.length > 0) throw new Error(`the second copy: ${lost.length} snapshots did not arrive, ${lost[0]} among them`);
  const kept = await thinOut(context, second, contents, after);
  step("the second copy is checked");
  await restic(second, ["check", "--json"], { ...options, onLine: () => undefined });
  return { newestPoint: contents.points.at(-1)?.id ?? null, copied: missing.length, bytes: database.bytes, storedBytes: database.storedBytes + catalog.storedBytes, kept };
}

/**
 * A look at the second copy, without the mutex.
 * @returns `initialised`: there is a repository at its place; `missing`: why its place cannot be reached, or null
 */
export async function secondState(context: BackupContext): Promise<{ sameDisk: boolean; initialised: boolean; missing: string | null }> {
  const { paths, signal } = context;
  let sameDisk = false;
  try {
    const repository = await secondRepository(paths);
    const { place } = repository;
    if (place.kind === "folder") {
      await demandMounted(repository.name, place.path);
      sameDisk = await onSameDisk(paths.backups, place.path);
    }
    return { sameDisk, initialised: (await identity(repository, signal, lookSeconds)) !== null, missing: null };
  } catch (error) {
    return { sameDisk, initialised: false, missing: (error as Error).message };
  }
}

/** Whether two folders lie on one file system, so that one broken disk takes both. */
export async function onSameDisk(one: string, other: string): Promise<boolean> {
  return (await fs.stat(one)).dev === (await fs.stat(other)).dev;
}

/**
 * Reads a part of what the second copy stores, and compares.
 *
 * @param part which part of how many, for example 3 of 10: all of them in turn read everything
 * @throws ResticFailure naming what is damaged
 */
export async function checkSecond(context: BackupContext, part: { readonly number: number; readonly of: number }): Promise<void> {
  const second = await workOnSecond(context, firstRepository(context.paths));
  context.step(`part ${part.number} of ${part.of} of the second copy is read`);
  await restic(second, ["check", "--json", `--read-data-subset=${part.number}/${part.of}`], { signal: context.signal, ...cacheOf(second, context.paths), onLine: () => undefined });
}

/** Snapshots of every point in the catalog and all images. @throws when the first copy itself lacks one */
function wantedSnapshots({ points }: Contents, mine: readonly Snapshot[]): Snapshot[] {
  // One that came back from a second copy has another id than its manifest names.
  const byId = new Map(mine.flatMap((snapshot) => [[snapshot.id, snapshot] as const, [snapshot.origin, snapshot] as const]));
  const ofPoints = points.flatMap(({ id, dump, artifacts, clone }) =>
    [dump, artifacts, clone].flatMap((part) => {
      if (part === null) return [];
      const found = byId.get(part.snapshot);
      if (!found) throw new Error(`the first copy: snapshot ${part.snapshot} of the recovery point ${id} is missing`);
      return [found];
    }),
  );
  return [...ofPoints, ...mine.filter(({ kind }) => kind === "image")];
}

async function takeDatabaseRepository(context: BackupContext, second: Repository) {
  const { paths, stack, signal } = context;
  const skip = (file: string) => file.endsWith(unfinishedArchive.slice(1));
  const before = await countFiles(paths.pgbackrest, skip);
  const taken = await takeSnapshot(second, {
    ...{ host: `trading-${stack}`, tags: ["kind:pgbackrest"], paths: [paths.pgbackrest], excludes: [unfinishedArchive], signal },
    // It is encrypted: nothing of it becomes smaller.
    ...{ words: ["--compression", "off"], ...cacheOf(second, paths) },
  });
  if (!isWhole(taken, before, await countFiles(paths.pgbackrest, skip))) throw new Error(`the second copy: of the database's repository it took ${taken.files} files, and there are ${before.files}`);
  if (before.files === 0) throw new Error(`the second copy: the database's repository ${paths.pgbackrest} is empty`);
  return taken;
}

/** Removes what the first copy's retention removed, and copies of the database's repository beyond the newest few. */
async function thinOut(context: BackupContext, second: Repository, contents: Contents, there: readonly Snapshot[]): Promise<number> {
  const { paths, signal, step } = context;
  const options = { signal, ...cacheOf(second, paths) };
  const copied = await readCopied(paths);
  const current = contents.points.map(({ id }) => id);
  const known = new Set([...copied.points, ...current]);
  const remove = [...forgotten(there, { current: contents.broken.length > 0 ? null : current, known, proved: provedIds(contents.proofs) }), ...passingCopies(there)];
  step(`${remove.length} snapshots of the second copy are no longer wanted`);
  const left = remove.length === 0 ? [] : await forgetSnapshots(second, remove, options);
  if (left.length > 0) context.log.warn({ snapshots: left.length }, "the second copy keeps what retention does not want any more: its server lets nothing be removed");
  const now = new Date();
  const due = copied.prunedAt === null || Math.abs(now.getTime() - Date.parse(copied.prunedAt)) >= pruneMilliseconds;
  if (due && left.length === 0) await pruneRepository(second, options);
  await writeDurably(copiedFile(paths), JSON.stringify({ points: [...known], prunedAt: due && left.length === 0 ? now.toISOString() : copied.prunedAt } satisfies Copied));
  return left.length;
}

/** The catalog, whose folders may not be there yet. */
async function readCatalog(paths: Paths): Promise<Contents> {
  for (const folder of [paths.points, paths.proofs]) await fs.mkdir(folder, { recursive: true });
  return new Catalog(paths).read();
}

/** What is read of a server is kept for the next read. */
function cacheOf({ place }: Repository, paths: Paths): { cache?: string } {
  return place.kind === "server" ? { cache: path.join(paths.temporary, "restic-cache") } : {};
}

function copiedFile(paths: Paths): string {
  return path.join(paths.journal, "second-copy.json");
}

async function readCopied(paths: Paths): Promise<Copied> {
  try {
    return copiedSchema.parse(JSON.parse(await fs.readFile(copiedFile(paths), "utf8")));
  } catch {
    // Absent, or damaged: then nothing counts as removed by retention.
    return { points: [], prunedAt: null };
  }
}

