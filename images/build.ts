import { execFile, spawn } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { pack } from "tar-stream";
import { IMAGE_NAMES, IMAGES, type ImageName } from "./catalog";
import { ImageContexts, type ImageContext } from "./context";

const run = promisify(execFile);

/** Id of a local image, or undefined where there is none of that name. */
export async function imageId(tag: string): Promise<string | undefined> {
  try {
    const { stdout } = await run("docker", ["image", "inspect", "--format", "{{.Id}}", tag]);
    return stdout.trim();
  } catch (error) {
    const message = String((error as { stderr?: string }).stderr ?? error);
    if (/no such image/i.test(message)) return undefined;
    throw new Error(`docker image inspect ${tag}: ${message.trim()}`);
  }
}

/** Builds images of one project, each at most once, parents first. What is already there is not built again. */
export class ImageBuilder {
  private readonly contexts: ImageContexts;
  private readonly running = new Map<ImageName, Promise<string>>();

  constructor(
    root: string,
    private readonly report: (line: string) => void,
  ) {
    this.contexts = new ImageContexts(root);
  }

  /** @returns the image's id, `sha256:` and 64 hexadecimal digits */
  ensure(name: ImageName): Promise<string> {
    let id = this.running.get(name);
    if (!id) this.running.set(name, (id = this.build(name)));
    return id;
  }

  hash(name: ImageName): Promise<string> {
    return this.contexts.get(name).then((context) => context.hash);
  }

  private async build(name: ImageName): Promise<string> {
    const context = await this.contexts.get(name);
    const present = await imageId(context.tag);
    if (present) return present;
    const parent = IMAGES[name].parent;
    if (parent) await this.ensure(parent);
    const started = Date.now();
    this.report(`building ${context.tag}`);
    await dockerBuild(context, this.report);
    const built = await imageId(context.tag);
    if (!built) throw new Error(`${context.tag} is not there after it was built`);
    this.report(`built ${context.tag} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return built;
  }
}

/** Sends the context as a tar stream, so that what was hashed is what is built, and no file is written for it. */
async function dockerBuild(context: ImageContext, report: (line: string) => void): Promise<void> {
  const archive = pack();
  for (const { name, content } of context.files) {
    archive.entry({ name, mode: name.endsWith(".sh") || !path.posix.basename(name).includes(".") ? 0o755 : 0o644, mtime: new Date(0) }, await content());
  }
  archive.finalize();
  const child = spawn("docker", ["build", "--tag", context.tag, "--build-arg", `BASE=${context.parentTag}`, "--label", `trading.image=${context.name}`, "-"], {
    stdio: ["pipe", "pipe", "pipe"],
    // Attestations would give the same content another id at every build.
    env: { ...process.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" },
  });
  const tail: string[] = [];
  const collect = (chunk: Buffer) => {
    for (const line of chunk.toString().split("\n").filter((text) => text.trim() !== "")) {
      tail.push(line);
      if (tail.length > 40) tail.shift();
      if (process.env.TRADING_BUILD_LOG) report(line);
    }
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  // A build that ends early closes its input; its exit code and its last lines say why.
  child.stdin.on("error", () => undefined);
  archive.pipe(child.stdin);
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code !== 0) throw new Error(`building ${context.tag} failed:\n${tail.join("\n")}`);
}

async function main(): Promise<void> {
  const program = new Command("images/build")
    .description("Builds images by the hash of what they are made of; prints the id of each on standard output.")
    .argument("[names...]", `images: ${IMAGE_NAMES.join(", ")}`)
    .option("--all", "every image")
    .option("--hash <hash>", "refuse when the image's content does not have this hash")
    .parse();
  const { all, hash } = program.opts<{ all?: boolean; hash?: string }>();
  const names = all ? [...IMAGE_NAMES] : (program.args as ImageName[]);
  for (const name of names) if (!IMAGE_NAMES.includes(name)) program.error(`unknown image "${name}"; allowed: ${IMAGE_NAMES.join(", ")}`, { exitCode: 2 });
  if (names.length === 0) program.error(`no image named; allowed: ${IMAGE_NAMES.join(", ")}, or --all`, { exitCode: 2 });
  const builder = new ImageBuilder(path.resolve(__dirname, ".."), (line) => process.stderr.write(`${line}\n`));
  if (hash !== undefined && (await builder.hash(names[0]!)) !== hash) {
    throw new Error(`the files of image "${names[0]}" changed while the program ran: run it again`);
  }
  const ids = await Promise.all(names.map((name) => builder.ensure(name)));
  process.stdout.write(`${ids.join("\n")}\n`);
}

if (require.main === module) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
