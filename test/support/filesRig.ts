import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { finished } from "node:stream/promises";
import { build } from "esbuild";
import { Containers } from "./containers";
import { execute, PROJECT_ROOT } from "./throwAwayStack";

const databaseUser = "10002:10002";

export interface CallOptions {
  /** Mount point -> volume without the prefix, or absolute path on this machine; null leaves an ordinary one out. */
  readonly mounts?: Readonly<Record<string, string | null>>;
  /** Name part of the container, so that it can be killed. */
  readonly name?: string;
  readonly hostname?: string;
  /** Network without the prefix, where a server is; none unless given. */
  readonly network?: string;
  /** Files given as standard input. */
  readonly input?: string;
  /** File that standard output goes to; the result is on the error output then. */
  readonly output?: string;
  readonly logLevel?: string;
}

/**
 * Containers of the backup image in which single functions of it are called, on the volumes a stack has; without a
 * database. Everything it makes begins with the prefix, and `remove` takes all of it away.
 */
export class FilesRig extends Containers {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-files-"));
  readonly password = randomBytes(18).toString("base64url");
  readonly recoveryKey = randomBytes(18).toString("base64url");
  private driver: Promise<string> | undefined;

  async prepare(): Promise<void> {
    await Promise.all([this.image("backup"), this.image("base")]);
    await this.createNetwork();
    await this.secrets();
    // A folder that a container may write to and this test may look into.
    fs.chmodSync(this.folder, 0o755);
  }

  /** Writes the secret files; those given replace the ordinary ones. */
  async secrets(files: Readonly<Record<string, string>> = {}, volume = "secrets"): Promise<void> {
    const ordinary = { "restic-password": this.password, "second-copy-password": this.recoveryKey, "second-copy-address": "/second-copy" };
    await this.fill(volume, databaseUser, { ...ordinary, ...files });
  }

  /** Calls a function of filesDriver.ts. @returns what it returned @throws with what it threw */
  async call<Result>(name: string, argument: unknown = null, options: CallOptions = {}): Promise<Result> {
    const { code, stdout, stderr } = await this.attempt(name, argument, options);
    const said = `${stdout}\n${stderr}`.split("\n").filter((line) => line.startsWith('{"value"') || line.startsWith('{"error"'));
    const last = JSON.parse(said.at(-1) ?? "{}") as { value?: Result; error?: string };
    if (code !== 0 || !("value" in last)) throw new Error(last.error ?? `${name} ended with ${code}: ${stderr.slice(-2000)}`);
    return last.value as Result;
  }

  /** What a call throws. @throws when it does not */
  async failure(name: string, argument: unknown = null, options: CallOptions = {}): Promise<string> {
    const outcome = await this.call(name, argument, options).then(
      (value) => ({ value }),
      (error: Error) => ({ error }),
    );
    if ("error" in outcome) return outcome.error.message;
    throw new Error(`${name} went well: ${JSON.stringify(outcome.value)}`);
  }

  /** Runs a script as any user in a volume, or in several: mount point -> volume. @returns what it printed */
  async script(volumes: Readonly<Record<string, string>>, script: string, image?: string): Promise<string> {
    const mounts = Object.entries(volumes).flatMap(([at, volume]) => ["--volume", `${this.source(volume)}:${at}`]);
    return this.runOnce(image ?? (await this.image("base")), { arguments: ["--network", "none", "--user", "0", "--entrypoint", "/bin/sh", ...mounts], words: ["-euc", script] });
  }

  /** The words after `docker run` of a call's container. */
  async words(name: string, argument: unknown, { mounts = {}, hostname = "trading-test-backup", ...options }: CallOptions): Promise<string[]> {
    const standard: Record<string, string | null> = { "/backups": "backups", "/artifacts": "artifacts", "/secrets": "secrets", "/scratch": "work", "/project": null, "/second-copy": null };
    const all = Object.entries({ ...standard, ...mounts }).filter((entry): entry is [string, string] => entry[1] !== null);
    const readOnly = new Set(["/secrets", "/project"]);
    return [
      ...["--rm", "--interactive", "--init", "--user", "0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp"],
      ...["SETUID", "SETGID", "DAC_OVERRIDE", "CHOWN", "FOWNER", "KILL"].flatMap((capability) => ["--cap-add", capability]),
      ...["--memory", "768m", "--memory-swap", "768m", "--hostname", hostname, "--network", options.network === undefined ? "none" : this.name(options.network)],
      ...all.flatMap(([at, from]) => ["--volume", `${this.source(from)}:${at}${readOnly.has(at) ? ":ro" : ""}`]),
      ...["--volume", `${await (this.driver ??= this.bundle())}:/app/main.js:ro`],
      ...(options.name === undefined ? [] : ["--name", this.name(options.name)]),
      ...(options.logLevel === undefined ? [] : ["--env", `LOG_LEVEL=${options.logLevel}`]),
      await this.image("backup"),
      ...[name, JSON.stringify(argument)],
    ];
  }

  private async attempt(name: string, argument: unknown, options: CallOptions) {
    const words = ["run", ...(await this.words(name, argument, options))];
    if (options.input === undefined && options.output === undefined) return execute("docker", words, { timeoutSeconds: 300 });
    const child = spawn("docker", words, { stdio: [options.input === undefined ? "ignore" : fs.openSync(options.input, "r"), "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk));
    const written = options.output === undefined ? undefined : child.stdout!.pipe(fs.createWriteStream(options.output));
    if (!written) child.stdout!.on("data", (chunk: Buffer) => (stdout += chunk));
    const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
    if (written) await finished(written);
    return { code, stdout, stderr };
  }

  private source(volume: string): string {
    return volume.startsWith("/") ? volume : this.name(volume);
  }

  private async bundle(): Promise<string> {
    const outfile = path.join(this.folder, "main.js");
    await build({
      ...{ entryPoints: [path.join(PROJECT_ROOT, "test/support/filesDriver.ts")], outfile, bundle: true, platform: "node", target: "node20", format: "cjs" },
      ...{ external: ["pg-native"], logLevel: "silent", absWorkingDir: PROJECT_ROOT },
    });
    return outfile;
  }

  override async remove(): Promise<void> {
    await super.remove();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
