import { randomBytes } from "node:crypto";
import pg from "pg";
import { ImageBuilder } from "../../images/build";
import type { ImageName } from "../../images/catalog";
import { execute, PROJECT_ROOT } from "./throwAwayStack";

const serviceUser = "10001:10001";
const databaseUser = "10002:10002";

export interface ReplayOptions {
  /** Begins every container, volume and network name; unique to one test. */
  readonly prefix: string;
  /** Value of TRADING_STACK: begins every client order id. */
  readonly stack: string;
  readonly bots: readonly string[];
  /** Text of the recording, CSV. */
  readonly recording: string;
  readonly warmupBars: number;
  readonly startingCash: number;
  readonly strategy: string;
  readonly strategySettings: object;
  /** Market seconds a wall second, or "maximum". */
  readonly speed: number | "maximum";
  readonly report?: (line: string) => void;
}

/** The market that a replay trades. */
export const market = { symbol: "BTCUSD", interval: "1h" } as const;

/**
 * The feed, the broker and bots in containers of their real images on a real database, without Pulumi: the tests of what
 * the services do together. Everything it makes begins with the prefix, and `remove` takes all of it away.
 */
export class TradingProcesses {
  private readonly passwords = new Map<string, string>();
  private images: Partial<Record<ImageName, string>> = {};

  constructor(private readonly options: ReplayOptions) {}

  /** Builds what is missing, starts the database and brings it to its schema. */
  async prepare(): Promise<void> {
    const builder = new ImageBuilder(PROJECT_ROOT, this.options.report ?? (() => undefined));
    const names: ImageName[] = ["base", "timescaledb", "migrate", "livefeed", "broker", "bot"];
    const ids = await Promise.all(names.map((name) => builder.ensure(name)));
    this.images = Object.fromEntries(names.map((name, index) => [name, ids[index]]));
    await docker("network", "create", this.name("network"));
    const roles = [
      { name: "livefeed", kind: "livefeed" },
      { name: "broker", kind: "broker" },
      ...this.options.bots.map((bot) => ({ name: `bot_${bot}`, kind: "bot" })),
    ];
    const superuser = { "superuser-password": this.password("postgres") };
    await this.fill("secrets-timescaledb", databaseUser, superuser);
    await this.run("timescaledb", "timescaledb", {
      user: databaseUser,
      memoryMegabytes: 512,
      volumes: { data: "/var/lib/postgresql/data" },
      publish: 5432,
    });
    const passwords = roles.map(({ name }) => [`${name}-password`, this.password(name)]);
    await this.fill("secrets-migrate", serviceUser, { ...superuser, ...Object.fromEntries(passwords) });
    const environment = ["--env", "DATABASE_HOST=timescaledb", "--env", "DATABASE_PORT=5432", "--env", `SETTINGS=${JSON.stringify({ roles })}`];
    const secrets = ["--volume", `${this.name("secrets-migrate")}:/secrets:ro`];
    await docker("run", "--rm", "--network", this.name("network"), ...secrets, ...environment, this.images.migrate!);
  }

  async startFeed(): Promise<void> {
    const { recording, warmupBars, speed } = this.options;
    await this.fill("recording", serviceUser, { "candles.csv": recording });
    await this.service("livefeed", "livefeed", "livefeed", {
      source: { kind: "recording", file: "candles.csv", symbol: market.symbol },
      symbols: [market.symbol],
      interval: market.interval,
      warmupBars,
      speed,
    });
  }

  async startBroker(): Promise<void> {
    const { bots, startingCash, strategy, strategySettings } = this.options;
    const settings = {
      bots: bots.map((name) => ({ name, ...market, startingCash, strategy, strategySettings, configurationHash: "0123" })),
      execution: {},
      decisionGraceSeconds: 30,
    };
    const tokens = Object.fromEntries(bots.map((bot) => [`bot-${bot}-token`, this.password(`token ${bot}`)]));
    await this.service("broker", "broker", "broker", settings, tokens);
  }

  async startBot(bot: string, mlflowUrl: string | null = null): Promise<void> {
    const { strategy, strategySettings } = this.options;
    const settings = { bot, ...market, strategy, strategySettings, brokerUrl: "http://broker:8080", mlflowUrl };
    await this.service(`bot-${bot}`, "bot", `bot_${bot}`, settings, { "broker-token": this.password(`token ${bot}`) });
  }

  /** Ends a service as a power cut does. */
  async kill(service: string): Promise<void> {
    await docker("kill", "--signal", "KILL", this.name(service));
  }

  /** Starts a service again that was killed. */
  async start(service: string): Promise<void> {
    await docker("start", this.name(service));
  }

  /** SIGTERM, and SIGKILL after 10 s. @returns the exit code */
  async stop(service: string): Promise<number> {
    await docker("stop", "--time", "10", this.name(service));
    return Number(await docker("inspect", "--format", "{{.State.ExitCode}}", this.name(service)));
  }

  async logs(service: string): Promise<string> {
    return docker("logs", "--tail", "30", this.name(service));
  }

  /** Memory that a service uses, in MB. */
  async memoryMegabytes(service: string): Promise<number> {
    const text = await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", this.name(service));
    const [, value, unit] = /^([\d.]+)([KMG])iB/.exec(text) ?? [];
    return Number(value) * { K: 1 / 1024, M: 1, G: 1024 }[unit as "K" | "M" | "G"];
  }

  /** What a service's own endpoint answers, asked from inside its container. */
  async ask(service: string, path: string): Promise<string> {
    const url = `http://127.0.0.1:8080${path}`;
    return docker("exec", this.name(service), "curl", "--silent", "--max-time", "5", url);
  }

  /** An HTTP call to the broker with a bot's token: POST with a body, else GET. @returns status and body */
  async callBroker(bot: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const port = (await docker("port", this.name("broker"), "8080/tcp")).split(":").at(-1);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { "content-type": "application/json", authorization: `Bearer ${this.password(`token ${bot}`)}` },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** A superuser's connection to the trading database. */
  async connect(): Promise<pg.Client> {
    const port = (await docker("port", this.name("timescaledb"), "5432/tcp")).split(":").at(-1);
    const client = new pg.Client({
      host: "127.0.0.1",
      port: Number(port),
      user: "postgres",
      password: this.password("postgres"),
      database: "trading",
      options: "-c search_path=trading,public -c timezone=UTC",
    });
    await client.connect();
    return client;
  }

  /** Takes away every container, volume and network of this prefix. */
  async remove(): Promise<void> {
    const filter = ["--filter", `name=^${this.options.prefix}-`];
    const containers = await docker("ps", "--all", "--quiet", "--filter", `name=^/${this.options.prefix}-`);
    if (containers !== "") await docker("rm", "--force", "--volumes", ...containers.split("\n"));
    const volumes = await docker("volume", "ls", "--quiet", ...filter);
    if (volumes !== "") await docker("volume", "rm", "--force", ...volumes.split("\n"));
    const networks = await docker("network", "ls", "--quiet", ...filter);
    if (networks !== "") await docker("network", "rm", ...networks.split("\n"));
  }

  private name(part: string): string {
    return `${this.options.prefix}-${part}`;
  }

  private password(of: string): string {
    let password = this.passwords.get(of);
    if (password === undefined) this.passwords.set(of, (password = randomBytes(18).toString("base64url")));
    return password;
  }

  private async service(
    service: string,
    image: ImageName,
    role: string,
    settings: object,
    secrets: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.fill(`secrets-${service}`, serviceUser, { "database-password": this.password(role), ...secrets });
    await this.run(service, image, {
      user: serviceUser,
      memoryMegabytes: 192,
      volumes: service === "livefeed" ? { recording: "/recording" } : {},
      environment: {
        TRADING_STACK: this.options.stack,
        TRADING_MODE: "paper",
        DATABASE_HOST: "timescaledb",
        DATABASE_PORT: "5432",
        DATABASE_NAME: "trading",
        DATABASE_USER: role,
        LOG_LEVEL: "info",
        SETTINGS: JSON.stringify(settings),
      },
      ...(service === "broker" ? { publish: 8080 } : {}),
    });
  }

  /** A container under the house rules: read-only root, no capabilities, bounded memory. */
  private async run(
    service: string,
    image: ImageName,
    options: {
      user: string;
      memoryMegabytes: number;
      volumes?: Readonly<Record<string, string>>;
      environment?: Readonly<Record<string, string>>;
      publish?: number;
    },
  ): Promise<void> {
    const { user, memoryMegabytes, volumes = {}, environment = {}, publish } = options;
    const memory = `${memoryMegabytes}m`;
    await docker(
      ...["run", "--detach", "--name", this.name(service), "--network", this.name("network")],
      ...["--network-alias", service, "--user", user, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"],
      ...["--memory", memory, "--memory-swap", memory, "--init"],
      ...["--volume", `${this.name(`secrets-${service}`)}:/secrets:ro`],
      ...Object.entries(volumes).flatMap(([volume, path]) => ["--volume", `${this.name(volume)}:${path}`]),
      ...Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...(publish === undefined ? [] : ["--publish", `127.0.0.1::${publish}`]),
      this.images[image]!,
    );
  }

  private async fill(volume: string, user: string, files: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(files).map(([name, content]) => `${name}\t${Buffer.from(content).toString("base64")}\n`);
    await docker("volume", "create", this.name(volume));
    const target = ["--volume", `${this.name(volume)}:/target`];
    await dockerWithInput(lines.join(""), "run", "--rm", "--interactive", "--network", "none", "--user", "0", ...target, this.images.base!, "write-files", user);
  }
}

/** Runs the Docker client. @returns its output without the last line end @throws with what it said when it fails */
function docker(...words: string[]): Promise<string> {
  return dockerWithInput("", ...words);
}

async function dockerWithInput(input: string, ...words: string[]): Promise<string> {
  const outcome = await execute("docker", words, { input, timeoutSeconds: 120 });
  if (outcome.code !== 0) throw new Error(`docker ${words[0]} ${words[1] ?? ""}: ${outcome.text.trim()}`);
  return outcome.stdout.trim();
}
