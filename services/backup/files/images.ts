import { PassThrough, type Readable, type Writable } from "node:stream";
import { z } from "zod";
import type { BackupContext, Paths } from "../context";
import { standardPaths } from "../context";
import type { ToolContext } from "../progress";
import { readImageArchive } from "./imageArchive";
import { firstRepository, openToRead, workOnFirst } from "./repositories";
import { restic, type Repository } from "./restic";
import { forgetSnapshots, listSnapshots, takeSnapshot, type Snapshot } from "./snapshots";

const imageId = z.string().regex(/^sha256:[0-9a-f]{64}$/, "allowed: an image id, sha256: and 64 hexadecimal digits");

/** Images that the archive on standard input has to hold. */
export const storeImagesRequest = z.strictObject({ images: z.array(imageId).min(1) });
export type StoreImagesRequest = z.infer<typeof storeImagesRequest>;

export const loadImageRequest = z.strictObject({ from: z.enum(["first", "second"]), image: imageId });
export type LoadImageRequest = z.infer<typeof loadImageRequest>;

/** Name of the archive in its snapshot. */
const archiveName = "/images.tar";
/** Until it was read back, an archive counts as nothing. */
const unproved = "image-unproved";

export interface StoredImages {
  readonly snapshot: string;
  readonly bytes: number;
  readonly storedBytes: number;
}

/**
 * Tool `store-images`: stores what `docker save` writes, reads it back and holds it against the ids that were asked for.
 * Only then it counts. Under the mutex.
 */
export async function storeImages(context: BackupContext, { images }: StoreImagesRequest, { progress, signal }: ToolContext, input: Readable): Promise<StoredImages> {
  const repository = await workOnFirst(context);
  const host = `trading-${context.stack}`;
  await forgetSnapshots(repository, (await listSnapshots(repository, { signal })).filter(({ kind }) => kind === unproved).map(({ id }) => id), { signal });
  progress({ step: "store", text: "the images are stored" });
  const taken = await takeSnapshot(repository, { host, tags: [`kind:${unproved}`], paths: [], words: ["--stdin", "--stdin-filename", archiveName], input, signal });
  progress({ step: "verify", text: "the stored images are read back" });
  try {
    const { ids, bytes } = await readStored(repository, taken.snapshot, signal);
    const missing = images.filter((image) => !ids.includes(image));
    if (missing.length > 0) throw new Error(`the archive of images does not hold ${missing.join(", ")}`);
    if (bytes !== taken.bytes) throw new Error(`the archive of images: ${bytes} bytes came back instead of ${taken.bytes}`);
  } catch (error) {
    await forgetSnapshots(repository, [taken.snapshot], {});
    throw error;
  }
  const tags = ["kind:image", ...images.map((image) => `image:${image}`)];
  await restic(repository, ["tag", "--json", ...tags.flatMap((tag) => ["--set", tag]), taken.snapshot], { signal });
  const kept = newestWith(await listSnapshots(repository, { signal }), images[0]!);
  if (kept?.origin !== taken.snapshot) throw new Error(`${repository.name}: the images that were stored cannot be found again`);
  return { snapshot: kept.id, bytes: taken.bytes, storedBytes: taken.storedBytes };
}

/** Tool `load-image`: writes the archive that holds an image, for `docker load`. It may hold others as well. */
export async function loadImage({ from, image }: LoadImageRequest, { progress, signal }: ToolContext, output: Writable, paths: Paths = standardPaths): Promise<{ bytes: number }> {
  const repository = await openToRead(paths, from, signal);
  const snapshot = newestWith(await listSnapshots(repository, { signal }), image);
  if (!snapshot) throw new Error(`${repository.name} holds no archive of image ${image}`);
  progress({ step: "load", text: "the image is read", done: 0, total: snapshot.bytes });
  await restic(repository, ["dump", "--no-lock", snapshot.id, archiveName], { output, signal });
  return { bytes: snapshot.bytes };
}

/** Services whose deployed image is in no archive. @param deployed service -> image id */
export async function imagesNotArchived({ paths, signal }: Pick<BackupContext, "paths" | "signal">, deployed: Readonly<Record<string, string>>): Promise<string[]> {
  const stored = storedImages(await listSnapshots(firstRepository(paths), { signal }));
  return Object.entries(deployed)
    .filter(([, image]) => !stored.has(image))
    .map(([service]) => service)
    .sort();
}

/** Ids of the images that are in an archive that was read back. */
export function storedImages(snapshots: readonly Snapshot[]): Set<string> {
  return new Set(snapshots.filter(({ kind }) => kind === "image").flatMap(imagesOf));
}

function imagesOf({ tags }: Snapshot): string[] {
  return tags.filter((tag) => tag.startsWith("image:")).map((tag) => tag.slice("image:".length));
}

function newestWith(snapshots: readonly Snapshot[], image: string): Snapshot | undefined {
  return snapshots.filter((snapshot) => snapshot.kind === "image" && imagesOf(snapshot).includes(image)).at(-1);
}

async function readStored(repository: Repository, snapshot: string, signal: AbortSignal) {
  const output = new PassThrough();
  const read = readImageArchive(output);
  read.catch(() => output.destroy());
  const dumped = restic(repository, ["dump", "--no-lock", snapshot, archiveName], { output, signal });
  const [archive, ended] = await Promise.allSettled([read, dumped]);
  // What is wrong with the archive says more than that its reader gave up.
  if (archive.status === "rejected") throw archive.reason;
  if (ended.status === "rejected") throw ended.reason;
  return archive.value;
}
