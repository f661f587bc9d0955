import { drawdown } from "./kpis/drawdown";
import { sharpe } from "./kpis/sharpe";
import { tradeFigures, tradesPer30Days, type TradeFigures } from "./kpis/trades";
import type { Trade } from "./orders";

/** Figures of one run. Fractions are plain numbers (0.1 = 10 %); what cannot be computed is undefined. */
export interface Metrics extends TradeFigures {
  /** Bars with an equity value. */
  readonly bars: number;
  readonly startingCash: number;
  readonly finalEquity: number;
  readonly totalReturn: number;
  /** Annualised from the returns of consecutive equity values, risk-free rate 0. */
  readonly sharpe: number | undefined;
  readonly maxDrawdown: number | undefined;
  readonly tradesPer30Days: number | undefined;
}

/**
 * The figures of a run.
 * @param equity mark-to-market equity at the close of each bar, oldest first
 * @param barMilliseconds length of a bar
 */
export function summarize(
  run: { readonly startingCash: number; readonly equity: ArrayLike<number>; readonly trades: readonly Trade[] },
  barMilliseconds = 3_600_000,
): Metrics {
  const { startingCash, equity, trades } = run;
  const bars = equity.length;
  const finalEquity = bars > 0 ? equity[bars - 1]! : startingCash;
  const millisecondsPerDay = 86_400_000;
  return {
    bars,
    startingCash,
    finalEquity,
    totalReturn: finalEquity / startingCash - 1,
    sharpe: sharpe(equity, (365 * millisecondsPerDay) / barMilliseconds),
    maxDrawdown: drawdown(equity)?.max,
    tradesPer30Days: tradesPer30Days(trades.length, bars * barMilliseconds),
    ...tradeFigures(trades),
  };
}
