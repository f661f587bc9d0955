import { readFile } from "node:fs/promises";
import { backtest } from "../domain/backtest";
import { parseCandles } from "../domain/candles";
import { realCandlesFile } from "../test/support/candles";

/** Milliseconds of one backtest of RefStrat_01 over the real candles in a warm process. */
export interface BacktestBench {
  readonly candles: number;
  readonly trades: number;
  readonly runs: number;
  /** Without and with the decision of every bar kept; the best run is the one least disturbed by other programs. */
  readonly best: number;
  readonly median: number;
  readonly bestWithDecisions: number;
  readonly medianWithDecisions: number;
  /** The first run in this process, before the code is compiled. */
  readonly first: number;
}

/** Measures the backtest; takes a few seconds. */
export async function benchBacktest(runs = 100): Promise<BacktestBench> {
  const candles = parseCandles(await readFile(await realCandlesFile(), "utf8"));
  const time = (keepDecisions: boolean): number => {
    const start = performance.now();
    backtest(candles, { keepDecisions });
    return performance.now() - start;
  };
  const first = time(false);
  const warm = (keepDecisions: boolean): number[] => {
    for (let run = 0; run < 20; run++) {
      time(keepDecisions);
    }
    return Array.from({ length: runs }, () => time(keepDecisions)).sort((one, other) => one - other);
  };
  const without = warm(false);
  const withDecisions = warm(true);
  const middle = Math.floor(runs / 2);
  return {
    candles: candles.length,
    trades: backtest(candles, { keepDecisions: false }).metrics.trades,
    runs,
    best: without[0]!,
    median: without[middle]!,
    bestWithDecisions: withDecisions[0]!,
    medianWithDecisions: withDecisions[middle]!,
    first,
  };
}

if (require.main === module) {
  void benchBacktest().then((result) => console.table(result));
}
