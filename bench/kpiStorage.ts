import { createLogger } from "../services/shared/log";
import { openDatabase } from "../services/shared/database";
import { readPerformance } from "../services/gui/performanceReader";
import { ThrowAwayDatabase } from "../test/browser/database";
import { median, type BenchResult } from "./result";

const bots = Array.from({ length: 10 }, (_, index) => `bot${index}`);
/** Three years of hours. */
const hours = 26_280;
const rounds = 20;

/** What the page asks for every bot, of ten bots with three years of hourly figures; with the role and the code of the page. */
export async function benchKpiStorage(say: (text: string) => void): Promise<BenchResult[]> {
  const server = await ThrowAwayDatabase.start(bots);
  try {
    const client = await server.connect();
    say(`writing ${(bots.length * 5 * hours).toLocaleString("en")} rows of figures`);
    await client.query(`INSERT INTO accounts (bot, symbol, interval, strategy, strategy_settings, configuration_hash, starting_cash, cash, warmup_from, start_bar)
      SELECT bot, 'BTCUSDT', '1h', 'RefStrat_01', '{}', 'x', 10000, 10000, '2023-01-01Z', '2023-01-01Z' FROM unnest($1::text[]) AS bot`, [bots]);
    await client.query(
      `INSERT INTO kpis (bot, span, bar, from_bar, bars, equity, total_return, sharpe, sharpe_error, sharpe_probability, drawdown_max, drawdown_current, drawdown_from_peak,
         exposure, trades, wins, losses, hit_rate, profit_factor, average_profit, trade_rate, trades_expected, trades_verdict, fees, slippage_median, slippage_p95, tracking_error, decision_match)
       SELECT bot, span, bar, bar - interval '7 days', 168, 10000 + random(), random(), random(), random(), random(), random(), random(), random(),
         random(), 5, 3, 2, random(), random(), random(), 6, 6, 'as expected', random(), 5, 5, 0, 1
       FROM generate_series(timestamptz '2023-01-01Z', timestamptz '2023-01-01Z' + ($2 - 1) * interval '1 hour', '1 hour') AS bar, unnest($1::text[]) AS bot, unnest(ARRAY['7d', '30d', '90d', '365d', 'all']) AS span`,
      [bots, hours],
    );
    await client.query(`INSERT INTO parities (bot, configuration_hash, reference, decisions_compared, decisions_matched, trades_compared, trades_matched, refused, late, cause, verdict, frozen, reason, expected_trades, seconds)
      SELECT bot, 'x', 'image', 720, 720, 6, 6, 0, 0, 'none', 'equal', false, 'all the same', '{}', 1 FROM unnest($1::text[]) AS bot, generate_series(1, 1095)`, [bots]);
    await client.query("ANALYZE");
    const { rows } = await client.query<{ megabytes: number }>("SELECT (pg_total_relation_size('trading.kpis') / 1e6)::float8 AS megabytes");
    await client.end();
    const database = openDatabase(server.settings, { log: createLogger("bench", "silent"), applicationName: "bench" });
    const [one, all]: [number[], number[]] = [[], []];
    for (let round = 0; round <= rounds; round++) {
      const started = performance.now();
      for (const bot of bots) {
        const begun = performance.now();
        const { windows, parity } = await readPerformance(database.db, bot);
        if (windows.length !== 5 || parity === null) throw new Error(`${windows.length} windows of ${bot}, and ${parity === null ? "no" : "a"} comparison`);
        if (round > 0) one.push(performance.now() - begun);
      }
      // The first round connects, and reads from the disk what all others have in memory.
      if (round > 0) all.push(performance.now() - started);
    }
    await database.close();
    say(`the table of figures takes ${rows[0]!.megabytes.toFixed(0)} MB`);
    return [
      { name: `page's figures of one bot, of ${bots.length} bots over 3 years of hours, median`, unit: "ms", value: median(one), target: "-", met: true },
      { name: "the same of all bots one after the other, median", unit: "ms", value: median(all), target: "at most 100 ms", met: median(all) <= 100 },
    ];
  } finally {
    await server.remove();
  }
}
