import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { RandomMarket } from "../domain/randomMarket";
import { strategySettingsSchema } from "../domain/strategies";
import { recordingOf } from "../test/support/candles";
import { market, TradingProcesses } from "../test/support/tradingProcesses";
import { FirstReaction, percentile } from "./firstReaction";
import type { BenchResult } from "./result";

const strategy = "RefStrat_01";
const warmupBars = 300;
/** Bars at the beginning of trading that are left out: bots ask the broker for their account every few seconds until it has one. */
const settlingBars = 60;
/** Wall milliseconds from bar to bar. */
const barMilliseconds = 500;
const hour = 3_600_000;

/** Bots at a time, and what the slowest of a hundred decisions may take in milliseconds. */
const CASES: readonly { readonly bots: number; readonly bound: number }[] = [
  { bots: 1, bound: 250 },
  { bots: 20, bound: 500 },
];

/** Milliseconds from the commit of a candle to the commit of what came of it. */
interface Latencies {
  readonly decisions: readonly number[];
  /** A bot that asks the database once a second, and one that does nothing but answer a notification. */
  readonly polling: readonly number[];
  readonly listening: readonly number[];
}

/**
 * Candle written to decision written, through feed, database, broker and bots in their containers, one bar every half
 * second. Beside it, on the same candles in the same database: a bot that polls once a second, which is what one would
 * write first, and a bare LISTEN, which is the floor.
 */
export async function benchLatency(say: (text: string) => void, bars = 300, cases = CASES): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const { bots, bound } of cases) {
    const { decisions, polling, listening } = await measure(bots, bars);
    say(`${bots} bots: ${summary("decisions", decisions)}; ${summary("polling", polling)}; ${summary("listening", listening)}`);
    const name = `candle written to decision written, ${bots} bot${bots === 1 ? "" : "s"}, ${decisions.length} decisions`;
    const target = `p99 at most ${bound} ms`;
    const p99 = percentile(decisions, 0.99);
    results.push(
      { name: `${name}, p99`, unit: "ms", value: p99, comparedWith: { name: "a bot that polls every second, p99", value: percentile(polling, 0.99) }, target, met: p99 <= bound },
      { name: `${name}, median`, unit: "ms", value: percentile(decisions, 0.5), comparedWith: { name: "a bare LISTEN, median", value: percentile(listening, 0.5) }, target: "-", met: true },
      { name: `${name}, late or missing`, unit: "decisions", value: bots * bars - decisions.length, target: "none", met: decisions.length === bots * bars },
    );
  }
  return results;
}

function summary(name: string, values: readonly number[]): string {
  const [median, p99, most] = [0.5, 0.99, 1].map((share) => percentile(values, share).toFixed(1));
  return `${name} ${values.length}, median ${median} ms, p99 ${p99} ms, most ${most} ms`;
}

async function measure(botCount: number, bars: number): Promise<Latencies> {
  const bots = Array.from({ length: botCount }, (_, index) => `bot${index + 1}`);
  const candles = new RandomMarket({ seed: 11, symbol: market.symbol, startTime: Date.UTC(2024, 0, 1) }).candles(0, warmupBars + settlingBars + bars);
  const processes = new TradingProcesses({
    prefix: `trading-bench-${randomBytes(4).toString("hex")}`,
    stack: "bench",
    bots,
    recording: recordingOf(candles),
    warmupBars,
    startingCash: 10_000,
    strategy,
    strategySettings: strategySettingsSchema(strategy).parse({}) as object,
    speed: hour / barMilliseconds,
  });
  const connections: pg.Client[] = [];
  const connect = async (): Promise<pg.Client> => {
    const connection = await processes.connect();
    connections.push(connection);
    return connection;
  };
  try {
    await processes.prepare();
    await keepCommitTimes(processes);
    const database = await connect();
    const polling = await FirstReaction.polling(await connect(), 1000);
    const listening = await FirstReaction.listening(await connect());
    await processes.startBroker();
    // Bots before the feed: what is measured is the bars, not the starts.
    for (const bot of bots) await processes.startBot(bot);
    await processes.startFeed();
    const from = candles[warmupBars + settlingBars]!.openTime;
    const to = candles.at(-1)!.openTime;
    await decidedUpTo(database, to, bots, processes);
    await Promise.all([polling.close(), listening.close()]);
    return {
      decisions: await latencies(database, "decisions", "bar", from, "AND NOT late"),
      polling: await latencies(database, polling.table, "open_time", from),
      listening: await latencies(database, listening.table, "open_time", from),
    };
  } finally {
    await Promise.all(connections.map((connection) => connection.end().catch(() => undefined)));
    // An Engine under load lets go of a network a little later than of its containers.
    await processes.remove().catch(() => delay(3000).then(() => processes.remove()));
  }
}

/** Lets the database keep the time of every commit: now() is the time at which a transaction began, not ended. */
async function keepCommitTimes(processes: TradingProcesses): Promise<void> {
  const database = await processes.connect();
  await database.query("ALTER SYSTEM SET track_commit_timestamp = on");
  await database.end();
  await processes.stop("timescaledb");
  await processes.start("timescaledb");
  for (let attempt = 1; ; attempt++) {
    try {
      await (await processes.connect()).end();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await delay(100);
    }
  }
}

/** Waits until every bot has decided on the last bar. @throws when nothing is decided any more for a minute */
async function decidedUpTo(database: pg.Client, last: number, bots: readonly string[], processes: TradingProcesses): Promise<void> {
  let [seen, since] = ["", Date.now()];
  for (;;) {
    const { rows } = await database.query<{ bar: Date | null; done: number }>("SELECT max(bar) AS bar, count(*) FILTER (WHERE bar = $1)::int AS done FROM decisions", [new Date(last)]);
    const { bar, done } = rows[0]!;
    if (done === bots.length) return;
    const now = `${bar?.getTime()} ${done}`;
    if (now !== seen) [seen, since] = [now, Date.now()];
    if (Date.now() - since > 60_000) {
      throw new Error(`no decision for a minute, the last one on ${bar?.toISOString() ?? "no bar"}\n${await processes.logs("broker")}\n${await processes.logs(`bot-${bots[0]}`)}`);
    }
    await delay(5000);
  }
}

/** From the commit of each candle from a time on to the commit of the row about it, in milliseconds. */
async function latencies(database: pg.Client, table: string, column: string, from: number, condition = ""): Promise<number[]> {
  const { rows } = await database.query<{ milliseconds: number }>(
    `SELECT extract(epoch FROM pg_xact_commit_timestamp(r.xmin) - pg_xact_commit_timestamp(c.xmin))::float8 * 1000 AS milliseconds
     FROM candles AS c JOIN ${table} AS r ON r.${column} = c.open_time
     WHERE c.open_time >= $1 ${condition}`,
    [new Date(from)],
  );
  return rows.map(({ milliseconds }) => milliseconds);
}
