import { expect } from "chai";
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { parseCandles } from "../../domain/candles";
import { RandomMarket } from "../../domain/randomMarket";
import { eventually } from "../support/throwAwayStack";
import { market, TradingProcesses } from "../support/tradingProcesses";

const hour = 3_600_000;
const start = Date.UTC(2024, 0, 1);
const warmupBars = 300;
const count = 900;
const [missing, inconsistent, twice, early] = [350, 400, 450, 500];

/** A recording with one fault of each kind. */
function recording(): { text: string; good: number[] } {
  const made = new RandomMarket({ seed: 7, symbol: market.symbol, startTime: start }).candles(0, count);
  const rows = made.map(({ openTime, open, high, low, close, volume }, index) =>
    [openTime, open, index === inconsistent ? low : high, low, close, volume].join(","),
  );
  const ordered = rows.flatMap((row, index) => (index === missing ? [] : index === twice ? [row, row] : [row]));
  const place = ordered.indexOf(rows[early] as string);
  ordered.splice(place, 0, ...ordered.splice(place + 3, 1));
  const good = made.flatMap((candle, index) => (index === missing || index === inconsistent ? [] : [candle.openTime]));
  return { text: ["open_time_ms,open,high,low,close,volume", ...ordered, ""].join("\n"), good };
}

/** The feed's container and a real database, through what happens to them. */
describe("the feed of a recording", function () {
  this.timeout(180_000);
  const { text, good } = recording();
  const processes = new TradingProcesses({
    prefix: `trading-test-${randomBytes(4).toString("hex")}`,
    ...{ stack: "feed", bots: [], recording: text, warmupBars, startingCash: 1, strategy: "none", strategySettings: {} },
    // 40 candles a second.
    speed: 40 * 3600,
  });
  let database: pg.Client;

  const single = async <T>(query: string): Promise<T> => (await database.query(query)).rows[0] as T;
  const written = async () => Number((await single<{ count: string }>("SELECT count(*) FROM candles")).count);
  const status = () => single<{ state: string; reason: string; leased: boolean; left: number }>(
    "SELECT state, reason, lease_until > now() AS leased, extract(epoch FROM lease_until - now())::float AS left FROM feed_status",
  );
  const reaches = (bars: number) => eventually(`${bars} candles`, 60, async () => (await written()) >= bars);

  const readiness = async () => JSON.parse(await processes.ask("livefeed", "/readyz")) as { ready: boolean; reason: string };

  before(async () => {
    await processes.prepare();
    database = await processes.connect();
  });
  after(async () => {
    await database?.end();
    await processes.remove();
  });

  it("writes nothing while another feed writes to the database", async () => {
    await database.query("SELECT pg_advisory_lock(hashtext('trading.feed'), 0)");
    await processes.startFeed();
    const locked = await eventually("the other feed is noticed", 30, async () => {
      const answer = await readiness().catch(() => undefined);
      return answer !== undefined && /another livefeed/.test(answer.reason) ? answer : undefined;
    });
    expect(locked).to.deep.equal({ ready: false, reason: "another livefeed writes to this database; waiting until it is gone" });
    expect(await written()).to.equal(0);
    await database.query("SELECT pg_advisory_unlock(hashtext('trading.feed'), 0)");
  });

  it("writes the warm-up at once and tells from which bar on is traded", async () => {
    await reaches(warmupBars);
    const session = await single<Record<string, unknown>>("SELECT source, replay, warmup_from, trade_from FROM feed_sessions");
    expect(session).to.deep.equal({
      source: "recording candles.csv",
      replay: true,
      warmup_from: new Date(start),
      trade_from: new Date(start + warmupBars * hour),
    });
    const { state, leased, left } = await status();
    expect({ state, leased }).to.deep.equal({ state: "HEALTHY", leased: true });
    expect(left).to.be.within(45, 60);
  });

  it("goes on after it was killed, and after it was stopped", async () => {
    await reaches(warmupBars + 20);
    await processes.kill("livefeed");
    await processes.start("livefeed");
    await reaches((await written()) + 20);
    expect(await processes.stop("livefeed")).to.equal(0);
    expect(await status()).to.include({ state: "DOWN", reason: "feed stopped" });
    const standing = await written();
    expect(standing).to.be.below(good.length);
    await processes.start("livefeed");
    await reaches(standing + 1);
  });

  it("has written every good candle once, as it was recorded", async () => {
    await reaches(good.length);
    const { rows } = await database.query("SELECT open_time, open::float, high::float, low::float, close::float, volume::float FROM candles ORDER BY open_time");
    const candles = rows.map(({ open_time, ...prices }) => ({ openTime: (open_time as Date).getTime(), ...prices }));
    const expected = parseCandles(text).filter(({ openTime }) => good.includes(openTime));
    expect(candles).to.deep.equal(expected);
    expect(await single("SELECT count(*)::int FROM feed_sessions")).to.deep.equal({ count: 1 });
  });

  it("has reported each fault once, and says why it is one", async () => {
    const { rows } = await database.query("SELECT kind, open_time FROM feed_findings ORDER BY open_time, kind");
    const reasons = await database.query("SELECT DISTINCT reason FROM feed_findings WHERE kind = 'duplicate' OR reason = ''");
    expect(reasons.rows.map(({ reason }) => reason as string)).to.have.length(1);
    expect(reasons.rows[0].reason).to.match(/^line \d+ of the recording: the candle came again$/);
    const at = (index: number) => new Date(start + index * hour);
    expect(rows).to.deep.equal([
      { kind: "gap", open_time: at(missing) },
      { kind: "gap left open", open_time: at(missing) },
      { kind: "gap", open_time: at(inconsistent) },
      { kind: "gap left open", open_time: at(inconsistent) },
      { kind: "inconsistent", open_time: at(inconsistent) },
      { kind: "duplicate", open_time: at(twice) },
      ...[0, 1, 2].map((index) => ({ kind: "out of order", open_time: at(early + index) })),
    ]);
  });

  it("was trusted with each candle as if nothing had happened to it", async () => {
    // Warming up, then DOWN while a gap is within the warm-up and 24 candles more.
    const { rows } = await database.query(
      "SELECT feed_state, count(*)::int, min(open_time) AS first FROM (SELECT *, count(*) FILTER (WHERE changed) OVER (ORDER BY open_time) AS stretch FROM (SELECT *, feed_state IS DISTINCT FROM lag(feed_state) OVER (ORDER BY open_time) AS changed FROM candles) c) s GROUP BY stretch, feed_state ORDER BY first",
    );
    expect(rows.map(({ feed_state, first }) => [feed_state, ((first as Date).getTime() - start) / hour])).to.deep.equal([
      ["DEGRADED", 0],
      ["HEALTHY", warmupBars - 1],
      ["DOWN", missing + 1],
      ["DEGRADED", inconsistent + warmupBars + 24],
      ["HEALTHY", inconsistent + warmupBars + 25],
    ]);
    const states = await database.query("SELECT state FROM feed_states WHERE reason <> 'feed stopped' ORDER BY id");
    expect(states.rows.map(({ state }) => state as string)).to.include.members(["DEGRADED", "HEALTHY", "DOWN"]);
    const told = await single<{ since: Date; renewals: number; repairs: number }>("SELECT since, renewals::int, repairs::int FROM feed_status");
    expect(told.repairs).to.equal(0);
    expect(told.renewals).to.be.greaterThan(1);
  });

  it("shows what it wrote by its contract, and takes an acknowledgement from its own container only, and in paper there is nothing to acknowledge", async () => {
    const url = `/v1/candles?symbol=${market.symbol}&interval=1h&from=${start + 348 * hour}&limit=3`;
    const { now, candles } = JSON.parse(await processes.ask("livefeed", url)) as { now: number; candles: number[][] };
    expect(now).to.be.within(Date.now() - 60_000, Date.now() + 60_000);
    expect(candles.map(([openTime]) => ((openTime as number) - start) / hour)).to.deep.equal([348, 349, 351]);
    const post = ["curl", "--silent", "--json", '{"by": "test"}'];
    expect(await processes.execute("livefeed", ...post, "http://127.0.0.1:8080/v1/acknowledge")).to.equal('{"acknowledged":[]}');
    expect(await processes.execute("livefeed", ...post, "http://livefeed:8080/v1/acknowledge")).to.include("only from inside the feed's container");
  });

  it("keeps its lease until the bots have come to the end, and then is down and ready", async () => {
    await eventually("the end is told", 30, async () => (await status()).reason === "recording written to its end, bots have yet to work through it");
    expect(await status()).to.include({ state: "HEALTHY", leased: true });
    await database.query(
      `INSERT INTO accounts (bot, symbol, interval, strategy, strategy_settings, configuration_hash, starting_cash, cash, warmup_from, start_bar, processed_bar)
       VALUES ('one', '${market.symbol}', '${market.interval}', 'none', '{}', '', 1, 1, $1, $1, $2)`,
      [new Date(start), new Date(good.at(-1) as number)],
    );
    await eventually("the recording has ended", 30, async () => (await status()).state === "DOWN");
    expect(await status()).to.include({ reason: "recording ended" });
    expect(JSON.parse(await processes.ask("livefeed", "/readyz"))).to.deep.equal({ ready: true, reason: `${market.symbol}: DOWN, recording ended` });
    expect(await processes.ask("livefeed", "/metrics")).to.include(`feed_state{symbol="${market.symbol}",state="DOWN"} 1`);
  });

  it("says that it is not ready while the database is away, and comes back by itself", async () => {
    await database.end();
    await processes.kill("timescaledb");
    const lost = await eventually("the loss is noticed", 30, async () => {
      const answer = await readiness();
      return answer.ready ? undefined : answer;
    });
    expect(lost.reason).to.match(/^database: /);
    await processes.start("timescaledb");
    await eventually("the feed is back", 60, async () => (await readiness()).ready);
    database = await processes.connect();
  });

  it("takes little memory", async () => {
    expect(await processes.memoryMegabytes("livefeed")).to.be.below(160);
  });
});
