import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { BuildOptions, Metafile } from "esbuild";

/** A file of an image's context: its hash is known at once, its content is read when an image is built. */
export interface ContextFile {
  /** Path in the context, with forward slashes. */
  readonly name: string;
  /** SHA-256 of the content, in hexadecimal. */
  readonly digest: string;
  content(): Promise<Buffer>;
}

export function digestOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

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
  // Optional parts that no service uses: pg's native driver, and what one exchange of ccxt needs to sign orders.
  external: ["pg-native", "protobufjs/*"],
};
const PAGE: BuildOptions = { ...SERVICE, platform: "browser", target: "es2022", format: "iife", minify: true };

/** What is kept of a bundling, so that an `up` without change does not bundle again. */
interface Kept {
  /** SHA-256 over the names and contents of all inputs, and over what else decides. */
  readonly key: string;
  /** Every file that went into the bundles, relative to the project. */
  readonly inputs: readonly string[];
  /** Path in the context -> SHA-256 of the content, which lies beside this under that name. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** What decides over a bundle besides its inputs: which packages are there, how TypeScript is read, and these options. */
const DECIDING = ["package-lock.json", "tsconfig.json", path.join("images", "bundle.ts")];

/**
 * The program of a service as `main.js` and, where it has them, its threads' program and its page's script. Kept in `.tools` by the content of
 * everything that went in: the same inputs are not bundled twice.
 */
export async function bundleService(root: string, service: string, hashes: InputHashes): Promise<ContextFile[]> {
  const folder = path.join(root, ".tools", "bundles");
  const kept = await readKept(path.join(folder, `${service}.json`));
  if (kept && kept.key === (await hashes.over(kept.inputs))) {
    const there = await Promise.all(Object.values(kept.outputs).map((digest) => exists(path.join(folder, digest))));
    if (there.every(Boolean)) return Object.entries(kept.outputs).map(([name, digest]) => ({ name, digest, content: () => readOutput(folder, digest) }));
  }
  const started = Date.now();
  const { inputs, outputs } = await bundle(root, service);
  const key = await new InputHashes(root).over(inputs);
  const files = outputs.map(([name, content]) => ({ name, digest: digestOf(content), content: async () => content }));
  if (!(await changedSince(root, inputs, started))) await keep(folder, service, { key, inputs }, files);
  return files;
}

/** @throws when what was kept is not what its name says */
async function readOutput(folder: string, digest: string): Promise<Buffer> {
  const content = await fs.readFile(path.join(folder, digest));
  if (digestOf(content) !== digest) throw new Error(`${path.join(".tools", "bundles", digest)} is damaged: delete the folder .tools/bundles and run it again`);
  return content;
}

function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}

async function bundle(root: string, service: string): Promise<{ inputs: string[]; outputs: [string, Buffer][] }> {
  // Loaded only when there is something to bundle: starting it costs more than a look at what was kept.
  const { build } = await import("esbuild");
  const possible: [string, string, BuildOptions][] = [
    ["main.js", path.join("services", service, "main.ts"), SERVICE],
    // What a service does in threads of their own is a program of its own, which loads no more than it needs.
    ["worker.js", path.join("services", service, "worker.ts"), SERVICE],
    ["page/page.js", path.join("services", service, "page", "main.ts"), PAGE],
  ];
  const there = await Promise.all(possible.map(([, entry]) => exists(path.join(root, entry))));
  const entries = possible.filter(([name], index) => name === "main.js" || there[index]);
  const results = await Promise.all(entries.map(([, entry, options]) => build({ ...options, absWorkingDir: root, entryPoints: [entry] })));
  const inputs = [...new Set(results.flatMap((result) => Object.keys((result.metafile as Metafile).inputs)))].sort();
  return {
    inputs,
    outputs: entries.map(([name], index) => [name, Buffer.from(results[index]!.outputFiles![0]!.contents)]),
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
    const file = path.join(this.root, name);
    try {
      // Packages are what the lock file says, which is among what decides: their content need not be read each time.
      if (name.startsWith("node_modules/")) return await fs.stat(file).then(({ size, mtimeMs }) => `${size} ${mtimeMs}`);
      return digestOf(await fs.readFile(file));
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

/** Each file is replaced in one step, since other processes may read it; a folder that cannot be written costs only time. */
async function keep(folder: string, service: string, { key, inputs }: Omit<Kept, "outputs">, files: readonly ContextFile[]): Promise<void> {
  const replace = async (name: string, content: Buffer | string) => {
    const aside = path.join(folder, `.${randomBytes(8).toString("hex")}.tmp`);
    await fs.writeFile(aside, content);
    await fs.rename(aside, path.join(folder, name));
  };
  const outputs = Object.fromEntries(files.map(({ name, digest }) => [name, digest]));
  try {
    await fs.mkdir(folder, { recursive: true });
    for (const file of files) await replace(file.digest, await file.content());
    await replace(`${service}.json`, JSON.stringify({ key, inputs, outputs } satisfies Kept));
    await removeOld(folder, Object.values(outputs));
  } catch {
    // It is bundled again the next time.
  }
}

/** What nobody can be reading any more goes; what is still wanted of it is made again. */
async function removeOld(folder: string, wanted: readonly string[]): Promise<void> {
  for (const name of await fs.readdir(folder)) {
    if (name.endsWith(".json") || wanted.includes(name)) continue;
    const { mtimeMs } = await fs.stat(path.join(folder, name));
    if (Date.now() - mtimeMs > 86_400_000) await fs.rm(path.join(folder, name), { force: true });
  }
}
