import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { bundleService, digestOf, InputHashes, type ContextFile } from "./bundle";
import { IMAGES, imageTag, OPERATING_SYSTEM_IMAGE, type ImageName } from "./catalog";

/** Everything an image is built from: what is hashed is what is sent to the Engine. */
export interface ImageContext {
  readonly name: ImageName;
  /** Sorted by name. */
  readonly files: readonly ContextFile[];
  /** SHA-256 over the files and the parent's hash, in hexadecimal. */
  readonly hash: string;
  /** See {@link imageTag}. */
  readonly tag: string;
  /** Tag of the image it is built on. */
  readonly parentTag: string;
}

/** Computes the contexts of images of one project; a shared parent is computed once. */
export class ImageContexts {
  private readonly known = new Map<ImageName, Promise<ImageContext>>();

  private readonly inputs: InputHashes;

  /** @param root folder of the project */
  constructor(private readonly root: string) {
    this.inputs = new InputHashes(root);
  }

  get(name: ImageName): Promise<ImageContext> {
    let context = this.known.get(name);
    if (!context) this.known.set(name, (context = this.compute(name)));
    return context;
  }

  private async compute(name: ImageName): Promise<ImageContext> {
    const definition = IMAGES[name];
    const [parent, own, ...included] = await Promise.all([
      definition.parent && this.get(definition.parent),
      readFolder(path.join(this.root, "images", definition.folder), ""),
      definition.service ? this.serviceFiles(definition.service) : [],
      ...Object.entries(definition.include ?? {}).map(([prefix, folder]) => readFolder(path.join(this.root, folder), `${prefix}/`)),
    ]);
    const files = [...own, ...included.flat()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const parentTag = parent ? parent.tag : OPERATING_SYSTEM_IMAGE;
    const hash = contentHash(files, parentTag);
    return { name, files, hash, tag: imageTag(name, hash), parentTag };
  }

  /** The program of a service as one file and, where it has a page, the page's files. */
  private async serviceFiles(service: string): Promise<Files> {
    const page = path.join(this.root, "services", service, "page");
    const [bundles, still] = await Promise.all([bundleService(this.root, service, this.inputs), readFolder(page, "page/")]);
    return [...bundles, ...still.filter(({ name }) => !name.endsWith(".ts"))];
  }
}

/** SHA-256 over the names and the contents' hashes, so that no two different contexts run together into the same bytes. */
export function contentHash(files: readonly Pick<ContextFile, "name" | "digest">[], parentTag: string): string {
  const hash = createHash("sha256").update(`${parentTag}\n`);
  for (const { name, digest } of files) hash.update(`${name}\n${digest}\n`);
  return hash.digest("hex");
}

type Files = ContextFile[];

/** All files below a folder; a missing folder holds none. Line ends are LF, whatever the checkout made of them. */
async function readFolder(folder: string, prefix: string): Promise<Files> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const parts = await Promise.all(
    entries.map(async (entry): Promise<Files> => {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) return readFolder(full, `${prefix}${entry.name}/`);
      const content = Buffer.from((await fs.readFile(full, "latin1")).replaceAll("\r\n", "\n"), "latin1");
      return [{ name: `${prefix}${entry.name}`, digest: digestOf(content), content: async () => content }];
    }),
  );
  return parts.flat();
}
