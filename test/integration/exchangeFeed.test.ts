import { expect } from "chai";
import { build } from "esbuild";
import { randomBytes } from "node:crypto";
import path from "node:path";
import type pg from "pg";
import { FakeClock } from "../support/fakeClock";
import { eventually, execute, PROJECT_ROOT } from "../support/throwAwayStack";
import { TradingProcesses } from "../support/tradingProcesses";

const minute = 60_000;
const warmupBars = 50;
const symbol = "BTCUSDT";

/** A running exchange, the livefeed that asks it, and another livefeed of another stack that asks the first one. */
describe("the feed of an exchange, and a feed of that feed", function () {
  this.timeout(500_000);
  const prefix = `trading-test-${randomBytes(4).toString("hex")}`;
  const make = (stack: string) =>
    new TradingProcesses({ prefix: `${prefix}-${stack}`, stack, bots: [], warmupBars, startingCash: 1, strategy: "none", strategySettings: {}, speed: 1 });
  const [first, second] = [make("first"), make("second")];
  /** Of the second stack's feed, which is one of live. */
  const clock = new FakeClock(second);
  let database: pg.Client;
  let other: pg.Client;

  const settingsOf = (source: object, environment: Readonly<Record<string, string>> = {}) => ({
    environment: {
      ...environment,
      SETTINGS: JSON.stringify({
        ...{ source, symbols: [symbol], interval: "1m", warmupBars, speed: 1 },
        // Minutes instead of hours: what blocks for long would make the test long.
        quality: { silenceSeconds: { degraded: 25, down: 600 }, lateSeconds: { degraded: 30, down: 600 }, recoveryCandles: 1 },
      }),
    },
  });
  /** Lets an entry be taken in that was decided on a bar and waits for the next candle. */
  async function addPendingEntry(client: pg.Client, bar: number): Promise<void> {
    await client.query(
      `INSERT INTO accounts (bot, symbol, interval, strategy, strategy_settings, configuration_hash, starting_cash, cash, warmup_from, start_bar, processed_bar)
       VALUES ('one', $1, '1m', 'none', '{}', '', 1, 1, $2, $2, $2)`,
      [symbol, new Date(bar)],
    );
    await client.query("INSERT INTO orders (client_order_id, bot, bar, action, side, type, quantity, status) VALUES ('entry', 'one', $1, 'enter', 'buy', 'market', 1, 'accepted')", [new Date(bar)]);
  }
  const docker = async (...words: string[]) => {
    const outcome = await execute("docker", words, { timeoutSeconds: 60 });
    if (outcome.code !== 0) throw new Error(`docker ${words[0]}: ${outcome.text}`);
    return outcome.stdout.trim();
  };
  /** Changes what goes wrong at the exchange. */
  const script = (query: string) => first.execute("exchange", "curl", "--silent", "--fail", `http://127.0.0.1:8080/control?${query}`);
  const countOf = async (client: pg.Client) => Number((await client.query("SELECT count(*) FROM candles")).rows[0].count);
  const statusOf = async (client: pg.Client) =>
    (await client.query("SELECT state, reason, lease_until > now() AS leased, measures FROM feed_status")).rows[0] as { state: string; reason: string; leased: boolean | null; measures: Record<string, unknown> };
  const newestOf = async (client: pg.Client) => ((await client.query("SELECT max(open_time) AS newest FROM candles")).rows[0].newest as Date).getTime();
  const readiness = async () => JSON.parse(await first.ask("livefeed", "/readyz")) as { ready: boolean; reason: string };

  /** The exchange's stand-in, in a container beside the feed that asks it. */
  async function startExchange(): Promise<void> {
    const entry = path.join(PROJECT_ROOT, "test", "support", "exchangeServer.ts");
    const bundle = await build({ entryPoints: [entry], bundle: true, platform: "node", format: "cjs", write: false, logLevel: "silent" });
    await first.fill("exchange", "10001:10001", { "server.js": bundle.outputFiles[0]!.text });
    await docker(
      ...["run", "--detach", "--init", "--name", first.name("exchange"), "--network", first.name("network"), "--network-alias", "exchange"],
      ...["--user", "10001:10001", "--volume", `${first.name("exchange")}:/exchange:ro`, "--env", "EXCHANGE_PORT=8080"],
      ...["--entrypoint", "node", await first.image("node"), "/exchange/server.js"],
    );
  }

  before(async () => {
    await first.prepare();
    await second.prepare();
    await clock.prepare();
    [database, other] = await Promise.all([first.connect(), second.connect()]);
  });
  after(async () => {
    await Promise.all([database?.end(), other?.end()]);
    await first.remove();
    await second.remove();
  });

  it("is not ready, and says why, while the exchange cannot be reached", async () => {
    await first.startFeed(settingsOf({ kind: "exchange", exchange: "binance", address: "http://exchange:8080" }));
    const answer = await eventually("the failure is told", 60, async () => {
      const told = await readiness().catch(() => undefined);
      return told !== undefined && /binance/.test(told.reason) ? told : undefined;
    });
    expect(answer.ready).to.equal(false);
    expect(answer.reason).to.match(/^binance does not give its markets: /);
    expect(await countOf(database)).to.equal(0);
  });

  it("fetches the warm-up, closed candles only, and trades from then on in real time", async () => {
    await startExchange();
    await eventually("the warm-up is written", 60, async () => (await countOf(database)) >= warmupBars);
    const [session] = (await database.query("SELECT source, replay, warmup_from, trade_from FROM feed_sessions")).rows;
    expect(session).to.include({ source: "exchange binance", replay: false });
    expect(session.trade_from - session.warmup_from).to.equal(warmupBars * minute);
    expect((await newestOf(database)) + minute).to.be.at.most(Date.now());
    const status = await statusOf(database);
    expect(status).to.include({ state: "HEALTHY", leased: true });
    await eventually("it is ready", 20, async () => (await readiness()).ready);
  });

  it("is a source for another stack's feed", async () => {
    const source = { kind: "external", address: "http://upstream:8080" };
    await second.startFeed({ ...clock.options, ...settingsOf(source, { ...clock.options.environment, TRADING_MODE: "live" }) });
    await docker("network", "connect", "--alias", "upstream", second.name("network"), first.name("livefeed"));
    await eventually("the other feed has the warm-up", 60, async () => (await countOf(other)) >= warmupBars);
    const [session] = (await other.query("SELECT source, replay FROM feed_sessions")).rows;
    expect(session).to.deep.equal({ source: "external", replay: false });
    expect((await statusOf(other)).state).to.equal("HEALTHY");
  });

  it("writes the next candle seconds after it has closed, and so does the other feed", async () => {
    const before = await newestOf(database);
    for (const client of [database, other]) {
      await eventually("the next candle", 90, async () => (await newestOf(client)) > before);
      const [row] = (await client.query("SELECT feed_state, extract(epoch FROM received_at - open_time)::float AS age FROM candles WHERE open_time = $1", [new Date(before + minute)])).rows;
      expect(row.feed_state).to.equal("HEALTHY");
      expect(row.age).to.be.greaterThan(60);
    }
  });

  it("lets no entry through while the exchange is out of order, and catches up without a gap", async () => {
    await script("outage=503");
    const down = await eventually("the outage is noticed", 90, async () => {
      const status = await statusOf(database);
      return status.state === "HEALTHY" ? undefined : status;
    });
    expect(down.reason).to.match(/^nothing heard of the source for|late/);
    expect(down.leased).to.not.equal(true);
    expect((await readiness()).reason).to.match(/binance does not give its time/);
    await script("outage=0");
    await eventually("the feed is trusted again", 150, async () => (await statusOf(database)).state === "HEALTHY");
    const kinds = (await database.query("SELECT DISTINCT kind FROM feed_findings")).rows.map(({ kind }) => kind as string);
    expect(kinds).to.include("silence");
    expect(kinds).to.not.include("gap");
    expect((await statusOf(database)).measures["reconnectsPerHour"]).to.be.greaterThan(0);
  });

  it("gave both databases the same candles, in a row", async () => {
    await eventually("the other feed is up with it", 90, async () => (await newestOf(other)) >= (await newestOf(database)));
    // The second feed's warm-up begins a minute later when it was started after the turn of one.
    const [{ oldest }] = (await other.query("SELECT min(open_time) AS oldest FROM candles")).rows;
    const query = "SELECT open_time, open, high, low, close, volume FROM candles WHERE open_time >= $1 ORDER BY open_time LIMIT 51";
    const tables = await Promise.all([database, other].map(async (client) => (await client.query(query, [oldest])).rows));
    expect(tables[0]).to.have.length(51);
    expect(tables[1]).to.deep.equal(tables[0]);
    const [gaps] = (await database.query("SELECT count(*)::int FROM (SELECT open_time - lag(open_time) OVER (ORDER BY open_time) AS step FROM candles) s WHERE step <> interval '1 minute'")).rows;
    expect(gaps.count).to.equal(0);
  });

  it("is DOWN when a candle is revised that an order was decided on, though the order is not filled yet", async () => {
    const bar = await newestOf(database);
    await addPendingEntry(database, bar);
    await script(`revised=${bar}`);
    const status = await eventually("the revision is found", 150, async () => {
      const told = await statusOf(database);
      return told.state === "DOWN" ? told : undefined;
    });
    const reason = `candle of ${new Date(bar).toISOString().slice(0, 16).replace("T", " ")} UTC was revised after it was traded on`;
    expect(status).to.include({ reason });
    expect(status.leased).to.not.equal(true);
    const { rows } = await database.query("SELECT severity, reason FROM feed_findings WHERE kind = 'revision' AND open_time = $1 ORDER BY id", [new Date(bar)]);
    expect(rows.map(({ severity }) => severity as string)).to.deep.equal(["DEGRADED", "DOWN"]);
    expect(rows[0].reason).to.match(/came again with other values/);
    expect(rows[1].reason).to.equal(reason);
  });

  it("lets no entry through with its clock an hour ahead, asks in live to be looked at because of a waiting entry, and comes back with the clock", async () => {
    await eventually("the feed is trusted", 150, async () => (await statusOf(other)).state === "HEALTHY");
    await addPendingEntry(other, await newestOf(other));
    await clock.set(3600);
    const down = await eventually("the clock is noticed", 20, async () => {
      const status = await statusOf(other);
      return status.state === "HEALTHY" ? undefined : status;
    });
    expect(down).to.include({ state: "DOWN", leased: null });
    // A candle that closes in that very second ends the jump, not the difference of the clocks.
    expect(down.measures["unacknowledged"]).to.match(/^(clock jumped by 3600 s|local clock is 3\d{6} ms ahead)/);
    const before = await newestOf(other);
    await eventually("a candle is taken all the same", 100, async () => (await newestOf(other)) > before);
    const [row] = (await other.query("SELECT feed_state FROM candles WHERE open_time = $1", [new Date(before + minute)])).rows;
    expect(row.feed_state).to.equal("DOWN");
    await other.query("UPDATE orders SET status = 'cancelled'");
    const post = ["curl", "--silent", "--json", '{"by": "test"}', "http://127.0.0.1:8080/v1/acknowledge"];
    expect(await second.execute("livefeed", ...post)).to.equal(`{"acknowledged":["${symbol}"]}`);
    await clock.set(0);
    await eventually("the feed is trusted again", 200, async () => (await statusOf(other)).state === "HEALTHY");
  });

  it("goes on after it was killed, with one session, and does not find again what it found", async () => {
    await eventually("it is trusted again", 150, async () => (await statusOf(database)).state === "HEALTHY");
    const found = async () => (await database.query("SELECT count(*)::int FROM feed_states WHERE state = 'DOWN' AND reason LIKE '%revised%'")).rows[0].count as number;
    expect(await found()).to.equal(1);
    await first.kill("livefeed");
    const renewals = async () => Number((await database.query("SELECT renewals FROM feed_status")).rows[0].renewals);
    const before = await renewals();
    await first.start("livefeed");
    await eventually("it is ready again", 60, async () => (await readiness().catch(() => undefined))?.ready);
    await eventually("the lease is renewed again", 60, async () => (await renewals()) > before);
    expect((await database.query("SELECT count(*)::int FROM feed_sessions")).rows[0].count).to.equal(1);
    expect(await found()).to.equal(1);
    expect(await first.memoryMegabytes("livefeed")).to.be.below(160);
  });
});
