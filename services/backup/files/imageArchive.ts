import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { extract } from "tar-stream";
import { z } from "zod";

const manifestSchema = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) }));
const indexSchema = z.object({ manifests: z.array(z.object({ digest: z.string() })) });

/** Largest file of JSON in an archive that is read whole. */
const longestJson = 16 * 1024 * 1024;
const blobName = /^blobs\/sha256\/([0-9a-f]{64})$/;

/** What an archive of `docker save` holds. */
export interface ImageArchive {
  /** Ids of the images in it, `sha256:` and 64 hexadecimal digits. */
  readonly ids: readonly string[];
  readonly bytes: number;
}

/**
 * Reads an archive that `docker save` wrote to its end, and holds it against itself: it must end as an archive does, have
 * every layer and configuration it names, and each of those must have the content its name says.
 *
 * @throws saying what is wrong with it
 */
export async function readImageArchive(input: Readable): Promise<ImageArchive> {
  const archive = extract();
  let bytes = 0;
  let tail = Buffer.alloc(0);
  input.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    tail = Buffer.concat([tail, chunk]).subarray(-1024);
  });
  input.on("error", (error) => archive.destroy(error));
  input.pipe(archive);
  const names = new Set<string>();
  const json = new Map<string, unknown>();
  for await (const entry of archive) {
    const { name, type, size = 0 } = entry.header;
    if (type !== "file") {
      if (type === "symlink" || type === "link") names.add(name);
      entry.resume();
      continue;
    }
    names.add(name);
    const keep = name === "manifest.json" || name === "index.json";
    if (keep && size > longestJson) throw new Error(`the archive of images: ${name} is too large`);
    const hash = createHash("sha256");
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (keep) chunks.push(chunk);
    }
    const named = blobName.exec(name)?.[1];
    if (named !== undefined && hash.digest("hex") !== named) throw new Error(`the archive of images: ${name} does not have the content that its name says`);
    if (keep) json.set(name, JSON.parse(Buffer.concat(chunks).toString("utf8")));
  }
  // An archive that was cut off between two files has no end.
  if (tail.length < 1024 || tail.some((byte) => byte !== 0)) throw new Error("the archive of images is cut off");
  const manifest = manifestSchema.safeParse(json.get("manifest.json"));
  if (!manifest.success) throw new Error("the archive of images has no manifest.json");
  const missing = manifest.data.flatMap(({ Config, Layers }) => [Config, ...Layers]).filter((name) => !names.has(name));
  if (missing.length > 0) throw new Error(`the archive of images lacks ${missing.slice(0, 3).join(", ")}`);
  return { ids: [...new Set([...manifest.data.map(({ Config }) => idOf(Config)), ...(indexSchema.safeParse(json.get("index.json")).data?.manifests ?? []).map(({ digest }) => digest)])], bytes };
}

/** A configuration is called by its hash, below `blobs/sha256/` or, by older engines, with `.json` after it. */
function idOf(config: string): string {
  return `sha256:${config.replace(/^blobs\/sha256\//, "").replace(/\.json$/, "")}`;
}
