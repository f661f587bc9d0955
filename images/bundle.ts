import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { BuildOptions, Metafile } from "esbuild";

/** A bundled file: its path in the image's context, and its content. */
export type BundledFile = readonly [string, Buffer];

const SERVICE: BuildOptions = {
  platform: "node",
  target: "node20",
  format: "cjs",
  bundle: true,
  write: false,
  metafile: true,
  // Only what a service imports decides over its image: a comment with another path must not.
  legalComments: "none",
  logLevel: "silent",
  // A linked node_modules must give the same bytes as a real one.
  preserveSymlinks: true,
  // The native driver is an optional part of pg that no service uses.
  external: ["pg-native"],
};
const PAGE: BuildOptions = { ...SERVICE, platform: "browser", target: "es2022", format: "iife", minify: true };

/** What is kept of a bundling, so that an `up` without change does not bundle again. */
interface Kept {
  /** SHA-256 over the names and contents of all inputs, and over what else decides. */
  readonly key: string;
  /** Every file that went into the bundles, relative to the project. */
  readonly inputs: readonly string[];
  /** Path in the context -> content. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** What decides over a bundle besides its inputs: which packages are there, how TypeScript is read, and these options. */
const DECIDING = ["package-lock.json", "tsconfig.json", path.join("images", "bundle.ts")];

/**
 * The program of a service as `main.js` and, where it has a page, the page's script. Kept in `.tools` by the content of
 * everything that went in: the same inputs are not bundled twice.
 */
export async function bundleService(root: string, service: string, hashes: InputHashes): Promise<BundledFile[]> {
  const file = path.join(root, ".tools", "bundles", `${service}.json`);
  const kept = await readKept(file);
  if (kept && kept.key === (await hashes.over(kept.inputs))) return asFiles(kept.outputs);
  const started = Date.now();
  const { inputs, outputs } = await bundle(root, service);
  const key = await new InputHashes(root).over(inputs);
  if (!(await changedSince(root, inputs, started))) await keep(file, { key, inputs, outputs });
  return asFiles(outputs);
}

async function bundle(root: string, service: string): Promise<Omit<Kept, "key">> {
  // Loaded only when there is something to bundle: starting it costs more than a look at what was kept.
  const { build } = await import("esbuild");
  const page = path.join("services", service, "page", "main.ts");
  const hasPage = await fs.stat(path.join(root, page)).then(
    () => true,
    () => false,
  );
  const entries: [string, string, BuildOptions][] = [["main.js", path.join("services", service, "main.ts"), SERVICE], ...(hasPage ? [["page/page.js", page, PAGE] as [string, string, BuildOptions]] : [])];
  const results = await Promise.all(entries.map(([, entry, options]) => build({ ...options, absWorkingDir: root, entryPoints: [entry] })));
  const inputs = [...new Set(results.flatMap((result) => Object.keys((result.metafile as Metafile).inputs)))].sort();
  return {
    inputs,
    outputs: Object.fromEntries(entries.map(([name], index) => [name, Buffer.from(results[index]!.outputFiles![0]!.contents).toString("utf8")])),
  };
}

/** Reads every file at most once for one look at a project: services share most of their inputs. */
export class InputHashes {
  private readonly known = new Map<string, Promise<string>>();

  constructor(private readonly root: string) {}

  /** SHA-256 over names and contents, those included that decide over every bundle; an absent file counts as such. */
  async over(inputs: readonly string[]): Promise<string> {
    const names = [...DECIDING, ...inputs];
    const hashes = await Promise.all(names.map((name) => this.of(name)));
    const hash = createHash("sha256");
    names.forEach((name, index) => hash.update(`${name}\n${hashes[index]}\n`));
    return hash.digest("hex");
  }

  private of(name: string): Promise<string> {
    let hash = this.known.get(name);
    if (!hash) this.known.set(name, (hash = this.read(name)));
    return hash;
  }

  private async read(name: string): Promise<string> {
    try {
      return createHash("sha256").update(await fs.readFile(path.join(this.root, name))).digest("hex");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "absent";
      throw error;
    }
  }
}

/** Whether a file was written after a moment: what was bundled may then be older than what is there now. */
async function changedSince(root: string, inputs: readonly string[], moment: number): Promise<boolean> {
  const times = await Promise.all(inputs.map((input) => fs.stat(path.join(root, input)).then((stat) => stat.mtimeMs, () => Infinity)));
  return times.some((time) => time >= moment);
}

async function readKept(file: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, "utf8")) as Kept;
  } catch {
    // Absent, or damaged: it can be made again at any time.
    return undefined;
  }
}

/** Replaced in one step, since other processes may read it; a folder that cannot be written costs only the time. */
async function keep(file: string, kept: Kept): Promise<void> {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(aside, JSON.stringify(kept));
    await fs.rename(aside, file);
  } catch {
    await fs.rm(aside, { force: true });
  }
}

function asFiles(outputs: Kept["outputs"]): BundledFile[] {
  return Object.entries(outputs).map(([name, content]) => [name, Buffer.from(content, "utf8")] as const);
}
