import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { build, type BuildOptions } from "esbuild";
import { IMAGES, OPERATING_SYSTEM_IMAGE, type ImageName } from "./catalog";

/** Everything an image is built from, in memory: what is hashed is what is sent to the Engine. */
export interface ImageContext {
  readonly name: ImageName;
  /** Path in the context (forward slashes) -> content. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** SHA-256 over the files and the parent's hash, in hexadecimal. */
  readonly hash: string;
  /** Tag that says the content, for example `trading-bot:0123456789abcdef`. */
  readonly tag: string;
  /** Tag of the image it is built on. */
  readonly parentTag: string;
}

/** Computes the contexts of images of one project; a shared parent is computed once. */
export class ImageContexts {
  private readonly known = new Map<ImageName, Promise<ImageContext>>();

  /** @param root folder of the project */
  constructor(private readonly root: string) {}

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
      definition.service ? bundleService(this.root, definition.service) : [],
      ...Object.entries(definition.include ?? {}).map(([prefix, folder]) => readFolder(path.join(this.root, folder), `${prefix}/`)),
    ]);
    const files = new Map([...own, ...included.flat()].sort(([a], [b]) => (a < b ? -1 : 1)));
    const parentTag = parent ? parent.tag : OPERATING_SYSTEM_IMAGE;
    const hash = contentHash(files, parentTag);
    return { name, files, hash, tag: `trading-${name}:${hash.slice(0, 16)}`, parentTag };
  }
}

/** SHA-256 over names, lengths and contents, so that no two different contexts run together into the same bytes. */
export function contentHash(files: ReadonlyMap<string, Buffer>, parentTag: string): string {
  const hash = createHash("sha256").update(`${parentTag}\n`);
  for (const [name, content] of files) hash.update(`${name}\n${content.length}\n`).update(content);
  return hash.digest("hex");
}

type Files = (readonly [string, Buffer])[];

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
      return [[`${prefix}${entry.name}`, Buffer.from((await fs.readFile(full, "latin1")).replaceAll("\r\n", "\n"), "latin1")]];
    }),
  );
  return parts.flat();
}

const SERVICE: BuildOptions = {
  platform: "node",
  target: "node20",
  format: "cjs",
  bundle: true,
  write: false,
  // Only what a service imports decides over its image: a comment with another path must not.
  legalComments: "none",
  logLevel: "silent",
  // A linked node_modules must give the same bytes as a real one.
  preserveSymlinks: true,
  // The native driver is an optional part of pg that no service uses.
  external: ["pg-native"],
};

/** The program of a service as one file and, where it has a page, the page's files. */
async function bundleService(root: string, service: string): Promise<Files> {
  const folder = path.join(root, "services", service);
  const bundle = async (entry: string, options: BuildOptions): Promise<Buffer> => {
    const result = await build({ ...options, absWorkingDir: root, entryPoints: [entry] });
    return Buffer.from(result.outputFiles![0]!.contents);
  };
  const page = path.join(folder, "page");
  const hasPage = await fs.stat(page).then(
    () => true,
    () => false,
  );
  const program = bundle(path.join("services", service, "main.ts"), SERVICE);
  if (!hasPage) return [["main.js", await program]];
  const script = bundle(path.join("services", service, "page", "main.ts"), { ...SERVICE, platform: "browser", target: "es2022", format: "iife", minify: true });
  const still = (await readFolder(page, "page/")).filter(([name]) => !name.endsWith(".ts"));
  return [["main.js", await program], ["page/page.js", await script], ...still];
}
