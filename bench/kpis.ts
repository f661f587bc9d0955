import { readFile } from "node:fs/promises";
import { backtest, type BacktestResult } from "../domain/backtest";
import { parseCandles, type Candle } from "../domain/candles";
import { kpisOf, type Kpis } from "../domain/kpis/window";
import { compareRecords } from "../domain/parity/compare";
import { realCandlesFile } from "../test/support/candles";
import { median, type BenchResult } from "./result";

const hour = 3_600_000;
const year = 8760;
const warmupBars = 300;
const mostMilliseconds = 20;
const mostSeconds = 5;

/** Key figures of a year of hourly equity, and a year's record held against a replay of its candles. */
export async function benchKpis(say: (text: string) => void = () => undefined): Promise<BenchResult[]> {
  const candles = parseCandles(await readFile(await realCandlesFile(), "utf8")).slice(0, warmupBars + year + 1);
  const record = replay(candles);

  say("key figures of a year");
  const first = timed(() => kpisOfYear(record));
  const times = Array.from({ length: 50 }, () => timed(() => kpisOfYear(record)));

  say("parity of a year");
  const parities = Array.from({ length: 5 }, () =>
    timed(() => {
      const { decisions, first: difference } = compareRecords(record, replay(candles));
      if (decisions.compared !== year + 1 || difference !== null) throw new Error("the year does not come out as itself");
    }),
  );
  const seconds = median(parities) / 1000;
  return [
    { name: `key figures of ${year} hours of equity`, unit: "ms", value: median(times), comparedWith: { name: "the first time", value: first }, target: `at most ${mostMilliseconds} ms`, met: median(times) <= mostMilliseconds },
    { name: `parity of a year: replay of ${year} bars and comparison`, unit: "s", value: seconds, target: `at most ${mostSeconds} s`, met: seconds <= mostSeconds },
  ];
}

function replay(candles: readonly Candle[]): BacktestResult {
  return backtest(candles, { warmupBars });
}

function kpisOfYear({ equity, trades, fills }: BacktestResult): Kpis {
  const marks = equity.map((mark) => ({ ...mark, held: true }));
  const kpis = kpisOf({ windowBars: year, barMilliseconds: hour, marks, trades, fills, peakBefore: null, expectedTradesPer30Days: 6 });
  if (kpis.bars !== year || kpis.sharpe === undefined) throw new Error("the year has no figures");
  return kpis;
}

/** @returns milliseconds */
function timed(work: () => void): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}
