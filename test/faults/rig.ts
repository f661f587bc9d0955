import { expect } from "chai";
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { backtest } from "../../domain/backtest";
import type { Candle } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import type { Intent } from "../../domain/orders";
import { RandomMarket } from "../../domain/randomMarket";
import { CONTROL_MOUNT } from "../../control/folder";
import { Ledger } from "../support/ledger";
import { eventually, execute } from "../support/throwAwayStack";
import { market, TradingProcesses, type FeedOptions, type ReplayOptions, type ServiceOptions } from "../support/tradingProcesses";

export const stack = "faults";
export const startingCash = 10_000;
export const warmupBars = 60;
/** The bot that trades; the others are played by the test. */
export const trader = "trader";
export const strategy = "RefStrat_01";
/** Trades about every tenth bar and moves its stop on every third. */
export const busySettings = { emaFast: 2, emaSlow: 4, atrPeriod: 3, stopAtrMultiple: 3, riskFraction: 0.002 };
/** The market of these tests, from its first candle on. */
export const source = { kind: "synthetic", seed: 11, startTime: "2024-01-01T00:00:00Z" } as const;
export const sourceCandles = (count: number) => new RandomMarket({ seed: source.seed, symbol: market.symbol, startTime: Date.parse(source.startTime) }).candles(0, count);

export const faultOptions = (options: Partial<ReplayOptions>): ReplayOptions => ({
  prefix: `trading-test-${randomBytes(4).toString("hex")}`,
  ...{ stack, bots: [trader], warmupBars, startingCash, strategy, strategySettings: busySettings, speed: "maximum" },
  ...options,
});

/** Why an intent may be refused while services are away: nobody waits for ever, and nothing is entered without a lease. */
export const explained = /^too late: |^no entry without the feed's lease: /;

export interface Answer {
  readonly status: number;
  readonly body: { readonly status?: string; readonly reason?: string };
}

/** The answer to an intent that is taken in. */
export const accepted: Answer = { status: 201, body: { status: "accepted" } };

/** A database, a feed, a broker and a bot that trades, for tests of what becomes of them. */
export class FaultRig {
  readonly processes: TradingProcesses;
  readonly ledger: Ledger;
  private client: pg.Client | undefined;

  constructor(options: Partial<ReplayOptions>) {
    this.processes = new TradingProcesses(faultOptions(options));
    this.ledger = new Ledger(() => this.client!, trader);
  }

  /** Starts everything and waits until it trades. */
  async begin(options: { readonly database?: ServiceOptions; readonly services?: ServiceOptions; readonly mlflowUrl?: string } = {}): Promise<void> {
    await this.prepare(options.database);
    await this.start(options);
    await this.goesOn(60);
  }

  /** Starts the database alone. */
  async prepare(options: ServiceOptions = {}): Promise<void> {
    await this.processes.prepare({ restart: true, ...options });
    await this.connect();
  }

  /** Starts the services; feed and bot with options of their own when they have any. */
  async start(options: {
    readonly services?: ServiceOptions;
    readonly feed?: FeedOptions;
    readonly bot?: ServiceOptions;
    readonly mlflowUrl?: string;
  }): Promise<void> {
    const services = { restart: true, ...options.services };
    await this.processes.startFeed({ ...services, source, ...options.feed });
    await this.processes.startBroker(services);
    await this.processes.startBot(trader, { ...services, ...options.bot, mlflowUrl: options.mlflowUrl ?? null });
  }

  /** Connects to the database anew, as soon as it answers. */
  async connect(): Promise<void> {
    const old = this.client;
    this.client = undefined;
    await old?.end().catch(() => undefined);
    this.client = await eventually("the database answers", 60, () => this.processes.connect().catch(() => undefined));
  }

  /** Waits until the bot has decided, not late, on some more bars than now. */
  async goesOn(seconds: number, bars = 10): Promise<void> {
    const decided = async () => (await this.ledger.rows("SELECT count(*)::int AS count FROM decisions WHERE NOT late"))[0].count as number;
    const before = await decided();
    await eventually("the bot decides on", seconds, async () => (await decided()) >= before + bars);
  }

  /** What a service's readiness says. */
  async readiness(service: string): Promise<{ ready: boolean; reason: string }> {
    return JSON.parse(await this.processes.ask(service, "/readyz")) as { ready: boolean; reason: string };
  }

  /** Waits until every service is ready. */
  async allReady(seconds: number): Promise<void> {
    for (const service of ["livefeed", "broker", `bot-${trader}`]) {
      await eventually(`${service} is ready`, seconds, async () => (await this.readiness(service).catch(() => undefined))?.ready);
    }
  }

  /** Registers a bot that the test plays, so that it has an account. */
  async register(bot: string): Promise<void> {
    const { status } = await this.processes.callBroker(bot, "/v1/register", { warmupBars: 0 });
    expect(status).to.equal(200);
  }

  /**
   * Decides as a bot on the account's last bar and hands the intent in; again when the account went on meanwhile.
   * @returns the broker's answer
   */
  async submit(bot: string, intent: Intent): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const bar = (await this.ledger.rows("SELECT processed_bar AS bar FROM accounts WHERE bot = $1", bot))[0].bar as Date;
      const id = clientOrderId(stack, bot, bar.getTime(), intent.action);
      await this.ledger.rows(
        `INSERT INTO decisions (bot, bar, action, reason, indicators, intent, client_order_id, late)
         VALUES ($1, $2, $3, 'the test', '{}', $4, $5, false) ON CONFLICT DO NOTHING`,
        ...[bot, bar, intent.action, JSON.stringify(intent), id],
      );
      const answer = (await this.processes.callBroker(bot, "/v1/intents", { clientOrderId: id, bar: bar.getTime(), ...intent })) as Answer;
      if (attempt === 20 || !answer.body.reason?.startsWith("too late")) return answer;
    }
  }

  /** Submits an entry of 0.01 with a stop that is far enough below not to be hit soon. */
  async enter(bot: string): Promise<Answer> {
    const [{ close }] = (await this.ledger.rows("SELECT close::float FROM candles ORDER BY open_time DESC LIMIT 1")) as [{ close: number }];
    return this.submit(bot, { action: "enter", quantity: 0.01, stopPrice: Math.floor(close * 60) / 100 });
  }

  /** What the feed says of its state and its lease, by the database's clock. */
  async feed(): Promise<{ state: string; reason: string; left: number; renewals: number }> {
    const [row] = await this.ledger.rows(
      "SELECT state, reason, extract(epoch FROM lease_until - clock_timestamp())::float AS left, renewals::int FROM feed_status",
    );
    return row;
  }

  /** Stops the feed and waits until everything it gave is worked. */
  async settle(): Promise<void> {
    await this.processes.stop("livefeed");
    await this.ledger.settled(60);
  }

  /** Every candle of the source in order, none twice, none made up. */
  async expectCandles(): Promise<void> {
    const candles = await this.ledger.candles("warmup_from");
    expect(candles).to.deep.equal(sourceCandles(candles.length));
  }

  /** The trader's decisions, fills, trades and equity are those of a backtest over these candles, none of them late. */
  async expectBacktest(candles: readonly Candle[]): Promise<void> {
    const expected = backtest(candles, { strategy, parameters: busySettings, startingCash, startBar: candles[warmupBars]!.openTime });
    const { fills, trades, equity } = await this.ledger.book();
    expect(fills).to.deep.equal(expected.fills.map((fill) => ({ ...fill, clientOrderId: fill.clientOrderId.replace(/^backtest-bot-/, `${stack}-${trader}-`) })));
    expect(trades).to.deep.equal(expected.trades);
    expect(equity).to.deep.equal(expected.equity);
    expect(await this.ledger.decisions()).to.deep.equal(expected.decisions.map((decision) => ({ ...decision, late: false })));
  }

  /** Starts one more container of a service, with its settings and its secrets. */
  async startSecond(service: string, name: string): Promise<void> {
    const { processes } = this;
    const inspected = await execute("docker", ["inspect", "--format", "{{json .Config}}", processes.name(service)]);
    const { Env, Image } = JSON.parse(inspected.stdout) as { Env: string[]; Image: string };
    // What kills the first one at its points is not for the second.
    const environment = Env.filter((line) => !line.startsWith("NODE_OPTIONS=")).flatMap((line) => ["--env", line]);
    const place = ["--network", processes.name("network"), "--user", "10001:10001", "--volume", `${processes.name(`secrets-${service}`)}:/secrets:ro`, "--volume", `${processes.control}:${CONTROL_MOUNT}`];
    const { code, text } = await execute("docker", ["run", "--detach", "--init", "--name", processes.name(name), ...place, ...environment, Image]);
    expect(code, text).to.equal(0);
  }

  async tellLogs(lines = 15): Promise<void> {
    for (const service of ["timescaledb", "livefeed", "broker", `bot-${trader}`]) {
      process.stderr.write(`--- ${service}\n${await this.processes.logs(service, lines).catch(String)}\n`);
    }
  }

  async end(): Promise<void> {
    await this.client?.end().catch(() => undefined);
    await this.processes.remove();
  }
}
