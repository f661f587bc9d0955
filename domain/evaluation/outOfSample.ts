import { backtest } from "../backtest";
import type { Candle } from "../candles";
import { estimateSharpe, type SharpeEstimate } from "../kpis/sharpe";
import { drawdown } from "../kpis/drawdown";
import { tradeFigures, tradesPer30Days, type TradeFigures } from "../kpis/trades";
import type { Trade } from "../orders";
import { bootstrapSharpe, type BootstrapOptions, type Interval } from "./bootstrap";
import type { Settings } from "./grid";
import type { TrialPlan, Window } from "./trials";

/** An account that begins anew with the fold and lives through what the fold is measured on. */
export interface FoldRun {
  readonly trades: readonly Trade[];
  /** Mark-to-market at the close of each bar; at the last one an open position is counted as sold, its costs paid. */
  readonly equity: readonly { readonly bar: number; readonly equity: number }[];
  /** Whether a position was open at the end. */
  readonly openAtEnd: boolean;
}

/** Runs settings over what a fold is measured on; the candles before it only warm the indicators. */
export function runFold(candles: readonly Candle[], plan: Omit<TrialPlan, "sets" | "windows">, settings: Settings, { from, to }: Window): FoldRun {
  const { strategy, execution, startingCash, warmupBars } = plan;
  const { trades, equity, account } = backtest(candles.slice(from - warmupBars, to), { strategy, parameters: settings, execution, startingCash, warmupBars, keepDecisions: false });
  const { position } = account;
  if (position === null) return { trades, equity, openAtEnd: false };
  const costs = position.quantity * candles[to - 1]!.close * (execution.feeRate + execution.slippageRate);
  const last = equity.at(-1)!;
  return { trades, equity: [...equity.slice(0, -1), { bar: last.bar, equity: last.equity - costs }], openAtEnd: true };
}

/**
 * One curve of the curves of several folds, by their returns: each fold begins with the same cash, so that its levels say
 * nothing where the one before it ended.
 * @returns the start, and the value at the close of each bar of all folds
 */
export function stitch(folds: readonly Pick<FoldRun, "equity">[], startingCash: number): number[] {
  const stitched = [startingCash];
  for (const { equity } of folds) {
    const begins = stitched.at(-1)!;
    for (const mark of equity) stitched.push(begins * (mark.equity / startingCash));
  }
  return stitched;
}

/** What was measured out of sample. */
export interface OutOfSample {
  readonly bars: number;
  /** Undefined when the curve does not move. */
  readonly sharpe: SharpeEstimate | undefined;
  /** Where the ratio lies nine times out of ten when the record is drawn again; undefined as well then. */
  readonly interval: Interval | undefined;
  /** The minimum track record length in days; undefined for a ratio that no length proves. */
  readonly minimumTrackRecordDays: number | undefined;
  readonly days: number;
  readonly maxDrawdown: number;
  readonly totalReturn: number;
  readonly trades: TradeFigures;
  readonly tradesPer30Days: number | undefined;
}

const day = 86_400_000;

/** The figures over all folds, of the curve that is stitched of them. */
export function measure(folds: readonly FoldRun[], { startingCash, barMilliseconds, ...bootstrap }: { readonly startingCash: number; readonly barMilliseconds: number } & BootstrapOptions): OutOfSample {
  const curve = stitch(folds, startingCash);
  const bars = curve.length - 1;
  const periodsPerYear = (365 * day) / barMilliseconds;
  const sharpe = estimateSharpe(curve, { periodsPerYear });
  const trades = tradeFigures(folds.flatMap((fold) => fold.trades));
  return {
    bars,
    sharpe,
    interval: bootstrapSharpe(curve, periodsPerYear, bootstrap),
    minimumTrackRecordDays: sharpe?.minimumReturns === undefined ? undefined : (sharpe.minimumReturns * barMilliseconds) / day,
    days: (bars * barMilliseconds) / day,
    maxDrawdown: drawdown(curve)!.max,
    totalReturn: curve.at(-1)! / startingCash - 1,
    trades,
    tradesPer30Days: tradesPer30Days(trades.trades, bars * barMilliseconds),
  };
}
