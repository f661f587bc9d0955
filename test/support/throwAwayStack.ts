import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import { IMAGE_NAMES } from "../../images/catalog";
import { ImageContexts } from "../../images/context";

export const PROJECT_ROOT = path.resolve(__dirname, "../..");

/** What a program said and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as they came. */
  readonly text: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly timeoutSeconds?: number;
  /** Told of each piece of output as it comes. */
  readonly onText?: (text: string) => void;
}

/** Runs a program to its end; a program that does not end in time is killed and its outcome has no exit code. */
export function execute(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ["pipe", "pipe", "pipe"] });
    let [stdout, stderr, text] = ["", "", ""];
    const take = (chunk: Buffer, isError: boolean) => {
      if (isError) stderr += chunk;
      else stdout += chunk;
      text += chunk;
      options.onText?.(String(chunk));
    };
    child.stdout.on("data", (chunk: Buffer) => take(chunk, false));
    child.stderr.on("data", (chunk: Buffer) => take(chunk, true));
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    const timer = setTimeout(() => child.kill("SIGKILL"), (options.timeoutSeconds ?? 240) * 1000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr, text, seconds: (Date.now() - started) / 1000 });
    });
  });
}

export interface ThrowAwayOptions {
  /** Keys of the stack's configuration that differ from the defaults of the tests. */
  readonly configuration?: Record<string, unknown>;
  /** Environment of everything that is run, for example DOCKER_HOST of a private daemon. */
  readonly env?: NodeJS.ProcessEnv;
  /** Further files of the temporary project: path -> content. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

/** Limits that no order of the tests comes near. */
export const wideLimits = { orderQuantity: 1000, orderNotional: 1_000_000 };

/** The widest that policy/bounds.ts lets a live stack have. */
export const widestInLive = { orderQuantity: 1000, orderNotional: 20_000 };

/** What a checkout holds that a throw-away project must not copy. */
const NOT_COPIED = new Set(["node_modules", ".git", ".tools", ".trading"]);

/**
 * A copy of the project in a temporary folder with its own state, key, passphrase, names and ports; tools and packages
 * are those of the checkout. Nothing of it touches the owner's stacks. `remove` takes everything away again.
 */
export class ThrowAwayStack {
  /** Further stacks of the same folder; they go with this one. */
  private readonly others: ThrowAwayStack[] = [];

  private constructor(
    readonly root: string,
    readonly name: string,
    readonly portBase: number,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  static async make(options: ThrowAwayOptions = {}): Promise<ThrowAwayStack> {
    const name = `test${randomBytes(3).toString("hex")}`;
    const root = fs.mkdtempSync(path.join(os.tmpdir(), `trading-${name}-`));
    for (const entry of fs.readdirSync(PROJECT_ROOT)) {
      if (!NOT_COPIED.has(entry)) fs.cpSync(path.join(PROJECT_ROOT, entry), path.join(root, entry), { recursive: true });
    }
    for (const entry of ["node_modules", ".tools"]) fs.symlinkSync(path.join(PROJECT_ROOT, entry), path.join(root, entry), "junction");
    const clone = path.join(root, ".trading");
    fs.mkdirSync(path.join(clone, "state"), { recursive: true });
    fs.writeFileSync(path.join(clone, "passphrase"), randomBytes(16).toString("hex"));
    fs.writeFileSync(path.join(clone, "owner"), randomBytes(8).toString("hex"));
    const stack = new ThrowAwayStack(root, name, await freePortBase(), await environment(root, options.env));
    for (const [file, content] of Object.entries(options.files ?? {})) stack.write(file, content);
    await stack.init(options.configuration ?? {});
    return stack;
  }

  /** Makes another stack of the same clone: one folder, one state, one owner. It goes when this one goes. */
  async beside(configuration: Record<string, unknown>): Promise<ThrowAwayStack> {
    const stack = new ThrowAwayStack(this.root, `test${randomBytes(3).toString("hex")}`, await freePortBase(), this.env);
    this.others.push(stack);
    await stack.init(configuration);
    return stack;
  }

  private async init(configuration: Record<string, unknown>): Promise<void> {
    this.write(`.trading/stacks/${this.name}/key`, randomBytes(32).toString("hex"));
    this.configure(configuration);
    const init = await this.pulumi(["stack", "init", this.name]);
    if (init.code !== 0) throw new Error(`the throw-away stack could not be made:\n${init.text}`);
  }

  /** Writes the stack's file; keys given replace those of the tests' defaults, null leaves one out. */
  configure(configuration: Record<string, unknown>): void {
    const file = path.join(this.root, `Pulumi.${this.name}.yaml`);
    const values: Record<string, unknown> = {
      mode: "paper",
      portBase: this.portBase,
      feed: { source: "synthetic", seed: 7, speed: 3600 },
      bots: [{ name: "refstrat01", limits: configuration["mode"] === "live" ? widestInLive : wideLimits }],
      // Tests of other things do without; live cannot.
      ...(configuration["mode"] === "live" ? {} : { backup: { enabled: false }, guard: { enabled: false } }),
      ...configuration,
    };
    const salt = fs.existsSync(file) ? /^encryptionsalt:.*$/m.exec(fs.readFileSync(file, "utf8"))?.[0] : undefined;
    const config = Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value === null ? [] : [[`trading:${key}`, value]])));
    fs.writeFileSync(file, `${salt ? `${salt}\n` : ""}${stringify({ config })}`);
  }

  write(file: string, content: string | Buffer): void {
    const full = path.join(this.root, file);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, content);
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  /** Runs the Pulumi CLI on this stack. */
  pulumi(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const onStack = args[0] === "stack" && args[1] === "init" ? args : [...args, "--stack", this.name];
    return execute("pulumi", [...onStack, "--non-interactive", "--color", "never"], { cwd: this.root, env: this.env, ...options });
  }

  up(args: readonly string[] = [], options: RunOptions = {}): Promise<Outcome> {
    return this.pulumi(["up", "--yes", "--skip-preview", ...args], options);
  }

  /** Runs `npx trading` on this stack, without npx's own start-up. */
  trading(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return execute(process.execPath, [path.join(this.root, "operations", "trading.mjs"), ...args, "--stack", this.name], { cwd: this.root, env: this.env, ...options });
  }

  /** Runs git in the folder; anything but success is an error. @returns what it said */
  async git(...words: string[]): Promise<string> {
    const { code, stdout, text } = await execute("git", words, { cwd: this.root, env: this.env });
    if (code !== 0) throw new Error(`git ${words.join(" ")}: ${text}`);
    return stdout.trim();
  }

  /** Makes the folder a repository, as the owner has it, with everything in a commit. */
  async beginRepository(): Promise<void> {
    await this.git("init", "--quiet", "--initial-branch=main");
    await this.git("config", "user.name", "Owner");
    await this.git("config", "user.email", "owner@example.com");
    // Links here, and a folder where the benchmarks write.
    fs.appendFileSync(path.join(this.root, ".git", "info", "exclude"), "node_modules\n.tools\ncompose\n");
    await this.commit();
  }

  async commit(message = "A change"): Promise<void> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message", message);
  }

  docker(args: readonly string[]): Promise<Outcome> {
    return execute("docker", args, { env: this.env });
  }

  container(service: string): string {
    return `trading-${this.name}-${service}`;
  }

  /** Ids of the stack's containers by service, stopped ones included. */
  async containerIds(): Promise<Record<string, string>> {
    const { stdout } = await this.docker(["ps", "--all", "--no-trunc", "--filter", `label=trading.stack=${this.name}`, "--format", '{{.Label "trading.service"}}\t{{.ID}}']);
    return Object.fromEntries(lines(stdout).map((line) => line.split("\t") as [string, string]));
  }

  /** Rows of a query of the trading database, as text, columns separated by |. */
  async query(sql: string): Promise<string[]> {
    const { code, stdout, text } = await this.docker(["exec", this.container("timescaledb"), "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--username", "postgres", "--dbname", "trading", "--command", sql]);
    if (code !== 0) throw new Error(text);
    return lines(stdout);
  }

  /** Takes away containers, volumes, networks, changed images and the folder; safe after any failure. */
  async remove(): Promise<void> {
    for (const stack of [...this.others, this]) await stack.removeObjects();
    await this.removeChangedImages();
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Takes its containers, volumes and networks away, which is what is gone after Docker was reset. */
  async removeObjects(): Promise<void> {
    const label = ["--filter", `label=trading.stack=${this.name}`];
    // One after another: an Engine before version 23 can stop answering when two leave a network at once (setup/steps/docker.mjs).
    for (const container of lines((await this.docker(["ps", "--all", "--quiet", ...label])).stdout)) await this.docker(["rm", "--force", "--volumes", container]);
    const volumes = lines((await this.docker(["volume", "ls", "--quiet", ...label])).stdout);
    if (volumes.length > 0) await this.docker(["volume", "rm", "--force", ...volumes]);
    const networks = lines((await this.docker(["network", "ls", "--quiet", ...label])).stdout);
    if (networks.length > 0) await this.docker(["network", "rm", ...networks]);
  }

  /** Tags of images this stack's changed files were built into. */
  readonly changedImages = new Set<string>();

  /** Remembers the images of the files as they are now, where they differ from the checkout's. */
  async noteChangedImages(): Promise<void> {
    const [ours, theirs] = [new ImageContexts(this.root), new ImageContexts(PROJECT_ROOT)];
    for (const name of IMAGE_NAMES) {
      const [own, original] = await Promise.all([ours.get(name), theirs.get(name)]);
      if (own.tag !== original.tag) this.changedImages.add(own.tag);
    }
  }

  private async removeChangedImages(): Promise<void> {
    await this.noteChangedImages().catch(() => undefined);
    if (this.changedImages.size > 0) await this.docker(["image", "rm", ...this.changedImages]);
  }
}

async function environment(root: string, more: NodeJS.ProcessEnv = {}): Promise<NodeJS.ProcessEnv> {
  const { pulumiEnvironment } = await import("../../setup/environment.mjs");
  return { ...pulumiEnvironment({ root, base: process.env }), ...more };
}

/** Four ports in a row that nobody listens on, from a range that is not handed out to clients. */
async function freePortBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 2_000) * 4;
    const free = await Promise.all([0, 1, 2, 3].map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** Waits until a condition holds; says what was waited for when it does not in time. */
export async function eventually<T>(what: string, seconds: number, condition: () => Promise<T | undefined | false>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let reason = "";
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      reason = `: ${(error as Error).message}`;
    }
    if (Date.now() > end) throw new Error(`${what} did not happen within ${seconds} s${reason}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

