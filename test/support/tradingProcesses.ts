import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import pg from "pg";
import { CONTROL_MOUNT, ensureControlFolder } from "../../control/folder";
import type { ImageName } from "../../images/catalog";
import { Containers } from "./containers";

const serviceUser = "10001:10001";
const databaseUser = "10002:10002";

export interface ReplayOptions {
  /** Begins every container, volume and network name; unique to one test. */
  readonly prefix: string;
  /** Value of TRADING_STACK: begins every client order id. */
  readonly stack: string;
  readonly bots: readonly string[];
  /** Text of the recording, CSV; needed unless the feed is started with another source. */
  readonly recording?: string;
  readonly warmupBars: number;
  readonly startingCash: number;
  readonly strategy: string;
  readonly strategySettings: object;
  /** Market seconds a wall second, or "maximum". */
  readonly speed: number | "maximum";
  /** Upper bounds of every bot's orders, over generous ones. */
  readonly limits?: object;
  /** Upper bounds over all bots, over generous ones. */
  readonly stackLimits?: object;
  /** Bounds the database's data volume; it is in memory then. */
  readonly databaseMegabytes?: number;
  readonly report?: (line: string) => void;
}

/** What a service's container can be given beside the ordinary; names of volumes go without the prefix. */
export interface ServiceOptions {
  /** Id of another image. */
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Volume -> path in the container. */
  readonly volumes?: Readonly<Record<string, string>>;
  /** Started again by Docker whenever it ends, as in a stack; not unless asked for. */
  readonly restart?: boolean;
}

export interface FeedOptions extends ServiceOptions {
  /** `source` of the feed's SETTINGS; the recording unless given. A synthetic one takes its `faults` here. */
  readonly source?: object;
  readonly speed?: number | "maximum";
  /** Bounds of the feed's quality that differ from the defaults. */
  readonly quality?: object;
}

export interface BrokerOptions extends ServiceOptions {
  /** Keys of the broker's SETTINGS that differ. */
  readonly settings?: object;
}

export interface BotOptions extends ServiceOptions {
  readonly mlflowUrl?: string | null;
  /** Keys of the bot's SETTINGS that differ. */
  readonly settings?: object;
}

/** The market that a replay trades. */
export const market = { symbol: "BTCUSD", interval: "1h" } as const;

/** Limits that no order of the tests comes near. */
export const generousLimits = {
  bot: {
    ...{ orderQuantity: 1e6, orderNotional: 1e9, positionQuantity: 1e6, positionNotional: 1e9 },
    ...{ ordersPerHour: 1000, ordersPerDay: 10_000, secondsBetweenEntries: 0 },
  },
  stack: { exposureNotional: 1e9, ordersPerHour: 10_000, ordersPerDay: 100_000 },
} as const;

/**
 * The feed, the broker and bots in containers of their real images on a real database, without Pulumi: the tests of what
 * the services do together. Everything it makes begins with the prefix, and `remove` takes all of it away.
 */
export class TradingProcesses extends Containers {
  private readonly passwords = new Map<string, string>();
  private control_: string | undefined;

  constructor(private readonly options: ReplayOptions) {
    super(options.prefix, options.report);
  }

  /** Builds what is missing, starts the database and brings it to its schema. */
  async prepare(database: ServiceOptions = {}): Promise<void> {
    const names: ImageName[] = ["base", "timescaledb", "migrate", "livefeed", "broker", "bot"];
    const [, timescaledb, migrate] = await Promise.all(names.map((name) => this.image(name)));
    await this.createNetwork();
    const { bots, databaseMegabytes } = this.options;
    const roles = [
      ...["livefeed", "broker", "guard", "mlflow"].map((name) => ({ name, kind: name })),
      ...bots.map((bot) => ({ name: `bot_${bot}`, kind: "bot" })),
    ];
    const superuser = { "superuser-password": this.password("postgres") };
    await this.fill("secrets-timescaledb", databaseUser, superuser);
    if (databaseMegabytes !== undefined) await this.limitedVolume("data", { megabytes: databaseMegabytes, owner: databaseUser });
    await this.run("timescaledb", database.image ?? timescaledb!, {
      ...database,
      user: databaseUser,
      memoryMegabytes: 512,
      volumes: { data: "/var/lib/postgresql/data", ...database.volumes },
      publish: 5432,
    });
    const passwords = roles.map(({ name }) => [`${name}-password`, this.password(name)]);
    await this.fill("secrets-migrate", serviceUser, { ...superuser, ...Object.fromEntries(passwords) });
    const environment = ["DATABASE_HOST=timescaledb", "DATABASE_PORT=5432", `SETTINGS=${JSON.stringify({ roles })}`];
    await this.runOnce(migrate!, {
      arguments: [
        ...["--network", this.name("network"), "--volume", `${this.name("secrets-migrate")}:/secrets:ro`],
        ...environment.flatMap((line) => ["--env", line]),
      ],
    });
  }

  async startFeed(options: FeedOptions = {}): Promise<void> {
    const { recording, warmupBars, speed } = this.options;
    const file = "candles.csv";
    const { source = { kind: "recording", file, symbol: market.symbol }, quality = {} } = options;
    if (recording !== undefined) await this.fill("recording", serviceUser, { [file]: recording });
    const settings = { source, symbols: [market.symbol], interval: market.interval, warmupBars, speed: options.speed ?? speed, quality };
    await this.service("livefeed", "livefeed", "livefeed", settings, {}, {
      ...options,
      volumes: { ...(recording === undefined ? {} : { recording: "/recording" }), ...options.volumes },
    });
  }

  async startBroker(options: BrokerOptions = {}): Promise<void> {
    const { bots, startingCash, strategy, strategySettings } = this.options;
    const limits = { ...generousLimits.bot, ...this.options.limits };
    const settings = {
      bots: bots.map((name) => ({ name, ...market, startingCash, strategy, strategySettings, configurationHash: "0123", limits })),
      limits: { ...generousLimits.stack, ...this.options.stackLimits },
      execution: {},
      decisionGraceSeconds: 30,
      guard: false,
      ...options.settings,
    };
    const tokens = Object.fromEntries(bots.map((bot) => [`bot-${bot}-token`, this.password(`token ${bot}`)]));
    await this.service("broker", "broker", "broker", settings, tokens, options);
  }

  /** The control folder of these services, on the machine; made when it is first asked for. */
  get control(): string {
    if (this.control_ === undefined) {
      this.control_ = path.join(fs.mkdtempSync(path.join(os.tmpdir(), `${this.prefix}-`)), "control");
      ensureControlFolder(this.control_, this.options.stack, "the test");
    }
    return this.control_;
  }

  override async remove(): Promise<void> {
    await super.remove();
    if (this.control_ !== undefined) fs.rmSync(path.dirname(this.control_), { recursive: true, force: true });
  }

  /** @param options what differs from the ordinary bot; an address alone is MLflow's */
  async startBot(bot: string, options: BotOptions | string | null = {}): Promise<void> {
    const { strategy, strategySettings } = this.options;
    const given = typeof options === "string" ? { mlflowUrl: options } : (options ?? {});
    const settings = {
      ...{ bot, ...market, strategy, strategySettings, brokerUrl: "http://broker:8080", mlflowUrl: given.mlflowUrl ?? null },
      ...given.settings,
    };
    await this.service(`bot-${bot}`, "bot", `bot_${bot}`, settings, { "broker-token": this.password(`token ${bot}`) }, given);
  }

  /**
   * Starts MLflow's server, which bots reach at the address that is returned; its port 5000 is published.
   * @param options `artifactMegabytes` bounds the volume of its artifacts, which is in memory then
   */
  async startMlflow(options: ServiceOptions & { readonly artifactMegabytes?: number } = {}): Promise<string> {
    await this.fill("secrets-mlflow", serviceUser, { "database-password": this.password("mlflow") });
    const megabytes = options.artifactMegabytes;
    if (megabytes !== undefined) await this.limitedVolume("artifacts", { megabytes, owner: serviceUser });
    await this.run("mlflow", options.image ?? (await this.image("mlflow")), {
      ...options,
      user: serviceUser,
      memoryMegabytes: 640,
      volumes: { artifacts: "/artifacts", ...options.volumes },
      environment: { DATABASE_HOST: "timescaledb", DATABASE_PORT: "5432", DATABASE_NAME: "mlflow", DATABASE_USER: "mlflow", ...options.environment },
      publish: 5000,
    });
    return "http://mlflow:5000";
  }

  /** An HTTP call to the broker with a bot's token: POST with a body, else GET. @returns status and body */
  async callBroker(bot: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const port = await this.publishedPort("broker", 8080);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { "content-type": "application/json", authorization: `Bearer ${this.password(`token ${bot}`)}` },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** A superuser's connection to the trading database; its loss shows in the next query. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: await this.publishedPort("timescaledb", 5432),
      user: "postgres",
      password: this.password("postgres"),
      database: "trading",
      options: "-c search_path=trading,public -c timezone=UTC",
    });
    client.on("error", () => undefined);
    await client.connect();
    return client;
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
    secrets: Readonly<Record<string, string>>,
    options: ServiceOptions,
  ): Promise<void> {
    await this.fill(`secrets-${service}`, serviceUser, { "database-password": this.password(role), ...secrets });
    const id = options.image ?? (await this.image(image));
    await this.run(service, id, {
      ...options,
      user: serviceUser,
      memoryMegabytes: 192,
      environment: {
        TRADING_STACK: this.options.stack,
        TRADING_MODE: "paper",
        TRADING_IMAGE: id,
        DATABASE_HOST: "timescaledb",
        DATABASE_PORT: "5432",
        DATABASE_NAME: "trading",
        DATABASE_USER: role,
        LOG_LEVEL: "info",
        SETTINGS: JSON.stringify(settings),
        ...options.environment,
      },
      ...(service === "broker" ? { publish: 8080, folders: { [this.control]: CONTROL_MOUNT } } : {}),
    });
  }
}
