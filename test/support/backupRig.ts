import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { build } from "esbuild";
import pg from "pg";
import { pgbackrestConfiguration } from "../../config/pgbackrestConfiguration";
import { Containers } from "./containers";
import { eventually, execute, PROJECT_ROOT } from "./throwAwayStack";

const databaseUser = "10002:10002";
const serviceUser = "10001:10001";

export interface BackupRigOptions {
  /** Begins every container, volume and network name; unique to one test. */
  readonly prefix: string;
  readonly report?: (line: string) => void;
  /** Bounds the volume of the backups; it is in memory then. */
  readonly backupsMegabytes?: number;
  /** Bounds the database's data volume; it is in memory then. */
  readonly dataMegabytes?: number;
  /** Memory of the containers that run tools; the service's standard unless given. */
  readonly toolMegabytes?: number;
}

/** How a tool's container differs from the ordinary. */
export interface ToolOptions {
  /** Docker arguments before the image, for example further volumes; a later mount of the same path wins over none: see `without`. */
  readonly arguments?: readonly string[];
  /** Paths of ordinary mounts that are left out. */
  readonly without?: readonly string[];
  /** Paths of ordinary mounts that may be written, beside /backups. */
  readonly writable?: readonly string[];
  readonly image?: string;
  /** Name part of the container, so that it can be killed. */
  readonly name?: string;
  readonly timeoutSeconds?: number;
}

export interface ToolProgress {
  readonly step: string;
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
}

/** What a tool said, told apart from whether it went well. */
export interface ToolOutcome {
  readonly code: number | null;
  readonly progress: readonly ToolProgress[];
  readonly result: Record<string, unknown> | undefined;
  readonly error: string | undefined;
  /** All it wrote, for messages. */
  readonly text: string;
}

/**
 * A real database whose log is archived, with the volumes a stack has, and containers of the backup image that run tools
 * or single functions on them; without Pulumi and without the service. Everything it makes begins with the prefix, and
 * `remove` takes all of it away.
 *
 *     const rig = new BackupRig({ prefix: `h3-${id}` });
 *     await rig.prepare();
 *     const point = await rig.call("takePoint", "20261121T120000Z");   // a function of backupDriver.ts, in the backup image
 *     const restored = await rig.tool("restore-cluster", { ... });      // a tool of the image's own program
 */
export class BackupRig extends Containers {
  readonly cipherPass = randomBytes(24).toString("base64url");
  private readonly passwords = new Map<string, string>();
  private driver: Promise<string> | undefined;
  private clients: pg.Client[] = [];

  constructor(private readonly options: BackupRigOptions) {
    super(options.prefix, options.report);
  }

  /** Builds what is missing, starts the database with its archive and brings it to its schema. */
  async prepare(): Promise<void> {
    await Promise.all((["base", "timescaledb", "migrate", "backup"] as const).map((name) => this.image(name)));
    await this.createNetwork();
    const { backupsMegabytes, dataMegabytes } = this.options;
    if (dataMegabytes !== undefined) await this.limitedVolume("data", { megabytes: dataMegabytes, owner: databaseUser });
    if (backupsMegabytes !== undefined) await this.limitedVolume("backups", { megabytes: backupsMegabytes, owner: databaseUser });
    await this.fill("secrets-timescaledb", databaseUser, { "superuser-password": this.password("postgres") });
    await this.fill("secrets-backup", databaseUser, this.configuration(1024));
    await this.boundArchiveQueue(1024);
    await this.startDatabase();
    await this.migrate();
  }

  /** How much of its log the database lets wait for the archive before it drops it. */
  async boundArchiveQueue(megabytes: number): Promise<void> {
    await this.fill("secrets-timescaledb", databaseUser, this.configuration(megabytes));
  }

  /** Starts a container of the database on the data volume; the one before has to be discarded. */
  async startDatabase(image?: string): Promise<void> {
    await this.run("timescaledb", image ?? (await this.image("timescaledb")), {
      user: databaseUser,
      memoryMegabytes: 512,
      volumes: { data: "/var/lib/postgresql/data", socket: "/sockets", backups: "/backups" },
      publish: 5432,
    });
    await this.databaseReady();
  }

  /** Waits until the database takes connections. */
  async databaseReady(): Promise<void> {
    await eventually("the database accepts connections", 90, async () => {
      const { code } = await execute("docker", ["exec", this.name("timescaledb"), "pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "postgres"]);
      if (code === 0) return true;
      const { stdout } = await execute("docker", ["inspect", "--format", "{{.State.Running}}", this.name("timescaledb")]);
      if (stdout.trim() !== "true") throw new Error(`the database ended: ${await this.logs("timescaledb")}`);
      return undefined;
    });
  }

  async migrate(): Promise<void> {
    const roles = [
      ...["livefeed", "broker", "performance", "gui", "mlflow"].map((name) => ({ name, kind: name })),
      { name: "bot_refstrat01", kind: "bot" },
    ];
    const passwords = roles.map(({ name }) => [`${name}-password`, this.password(name)]);
    await this.fill("secrets-migrate", serviceUser, { "superuser-password": this.password("postgres"), ...Object.fromEntries(passwords) });
    const environment = ["DATABASE_HOST=timescaledb", "DATABASE_PORT=5432", `SETTINGS=${JSON.stringify({ roles })}`];
    await this.runOnce(await this.image("migrate"), {
      arguments: [
        ...["--network", this.name("network"), "--volume", `${this.name("secrets-migrate")}:/secrets:ro`],
        ...environment.flatMap((line) => ["--env", line]),
      ],
    });
  }

  /** A superuser's connection, closed by `remove` at the latest. */
  async connect(database = "trading"): Promise<pg.Client> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: await this.publishedPort("timescaledb", 5432),
      user: "postgres",
      password: this.password("postgres"),
      database,
      options: "-c search_path=trading,public -c timezone=UTC",
    });
    client.on("error", () => undefined);
    await client.connect();
    this.clients.push(client);
    return client;
  }

  /** One statement as superuser. @returns its rows */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = [], database = "trading"): Promise<Row[]> {
    const client = await this.connect(database);
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      this.clients = this.clients.filter((other) => other !== client);
      await client.end();
    }
  }

  /** Calls a function of backupDriver.ts in a container of the backup image. @returns what it returned */
  async call<Result>(name: string, argument: unknown = null, options: ToolOptions = {}): Promise<Result> {
    return (await this.timedCall<Result>(name, argument, options)).value;
  }

  /** The same with the seconds that the function took, the start of container and program left out: in a service they run already. */
  async timedCall<Result>(name: string, argument: unknown = null, options: ToolOptions = {}): Promise<{ readonly value: Result; readonly seconds: number }> {
    const outcome = await this.attemptCall(name, argument, options);
    if (outcome.code !== 0 || outcome.result === undefined) throw new Error(`${name}: ${outcome.error ?? outcome.text}`);
    return { value: outcome.result["value"] as Result, seconds: outcome.result["seconds"] as number };
  }

  /** Calls such a function, whatever becomes of it. */
  async attemptCall(name: string, argument: unknown = null, options: ToolOptions = {}): Promise<ToolOutcome> {
    return this.attempt(["call", name, JSON.stringify(argument)], { ...options, arguments: [...(await this.driverMount()), ...(options.arguments ?? [])] });
  }

  /** Runs a tool of the image's own program. @throws when it fails, with what it said */
  async tool(name: string, request: object, options: ToolOptions = {}): Promise<Record<string, unknown>> {
    const outcome = await this.attemptTool(name, request, options);
    if (outcome.code !== 0 || outcome.result === undefined) throw new Error(`tool ${name}: ${outcome.error ?? outcome.text}`);
    return outcome.result;
  }

  /** Runs a tool of the image's own program, whatever becomes of it. */
  attemptTool(name: string, request: object, options: ToolOptions = {}): Promise<ToolOutcome> {
    return this.attempt(["tool", name, JSON.stringify(request)], options);
  }

  /** Writes a small file of the test's own into a volume, as any user. */
  async inVolume(volume: string, script: string): Promise<string> {
    const mount = ["--network", "none", "--user", "0", "--volume", `${this.name(volume)}:/volume`, "--workdir", "/volume", "--entrypoint", "/bin/sh"];
    return this.runOnce(await this.image("base"), { arguments: mount, words: ["-euc", script] });
  }

  override async remove(): Promise<void> {
    await Promise.allSettled(this.clients.map((client) => client.end()));
    this.clients = [];
    await super.remove();
    if (this.driver) await fs.rm(path.dirname(await this.driver), { recursive: true, force: true });
  }

  private async attempt(words: readonly string[], options: ToolOptions): Promise<ToolOutcome> {
    const { without = [], writable = [], timeoutSeconds = 600 } = options;
    const mounts = { data: "/data", socket: "/sockets", backups: "/backups", artifacts: "/artifacts", "secrets-backup": "/secrets", work: "/scratch" };
    const memory = `${this.options.toolMegabytes ?? 768}m`;
    const outcome = await execute(
      "docker",
      [
        ...["run", "--rm", "--interactive", "--init", "--user", "0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none", "--read-only", "--tmpfs", "/tmp"],
        ...["SETUID", "SETGID", "DAC_OVERRIDE", "CHOWN", "FOWNER", "KILL"].flatMap((capability) => ["--cap-add", capability]),
        ...["--memory", memory, "--memory-swap", memory, "--env", "TRADING_STACK=test", "--env", "TRADING_MODE=paper"],
        ...Object.entries(mounts)
          .filter(([, at]) => !without.includes(at))
          .flatMap(([volume, at]) => ["--volume", `${this.name(volume)}:${at}${["/backups", "/sockets", "/scratch", ...writable].includes(at) ? "" : ":ro"}`]),
        ...(options.name === undefined ? [] : ["--name", this.name(options.name)]),
        ...(options.arguments ?? []),
        options.image ?? (await this.image("backup")),
        ...words,
      ],
      { timeoutSeconds },
    );
    return readOutcome(outcome);
  }

  private async driverMount(): Promise<string[]> {
    this.driver ??= bundleDriver();
    return ["--volume", `${await this.driver}:/app/main.js:ro`];
  }

  private configuration(archiveQueueMegabytes: number): Record<string, string> {
    return { "pgbackrest.conf": pgbackrestConfiguration({ cipherPass: this.cipherPass, archiveQueueMegabytes }) };
  }

  private password(of: string): string {
    let password = this.passwords.get(of);
    if (password === undefined) this.passwords.set(of, (password = randomBytes(18).toString("base64url")));
    return password;
  }
}

function readOutcome({ code, stdout, text }: { code: number | null; stdout: string; text: string }): ToolOutcome {
  const progress: ToolProgress[] = [];
  let result: Record<string, unknown> | undefined;
  let error: string | undefined;
  for (const line of stdout.split("\n").filter((each) => each.startsWith("{"))) {
    const said = JSON.parse(line) as Record<string, unknown> & { kind?: string };
    if (said.kind === "progress") progress.push(said as unknown as ToolProgress);
    else if (said.kind === "result") result = said;
    else if (said.kind === "error") error = String(said["message"]);
  }
  return { code, progress, result, error, text: text.trim() };
}

async function bundleDriver(): Promise<string> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "backup-driver-"));
  const outfile = path.join(folder, "main.js");
  await build({
    ...{ entryPoints: [path.join(PROJECT_ROOT, "test/support/backupDriver.ts")], outfile, bundle: true, platform: "node", target: "node20", format: "cjs" },
    ...{ external: ["pg-native"], logLevel: "silent", absWorkingDir: PROJECT_ROOT },
  });
  await fs.chmod(folder, 0o755);
  return outfile;
}
