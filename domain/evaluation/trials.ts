import { backtest } from "../backtest";
import type { Candle } from "../candles";
import type { ExecutionParameters } from "../execution";
import type { Metrics } from "../metrics";
import type { Settings } from "./grid";

/** A stretch of candles that an account lives through, by their positions. */
export interface Window {
  /** First traded candle, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/** What every run of a sweep has in common. */
export interface TrialPlan {
  readonly strategy: string;
  readonly execution: ExecutionParameters;
  /** In the quote currency. */
  readonly startingCash: number;
  /** Candles right before a window that only warm the indicators. */
  readonly warmupBars: number;
  readonly sets: readonly Settings[];
  readonly windows: readonly Window[];
}

/** Runs of a plan: each set in each window. */
export function trialCount({ sets, windows }: TrialPlan): number {
  return sets.length * windows.length;
}

/** The figures of one run: number = window × sets + set. */
export function runTrial(candles: readonly Candle[], plan: TrialPlan, number: number): Metrics {
  const { strategy, execution, startingCash, warmupBars, sets, windows } = plan;
  const { from, to } = windows[Math.floor(number / sets.length)]!;
  const within = candles.slice(from - warmupBars, to);
  return backtest(within, { strategy, parameters: sets[number % sets.length], execution, startingCash, warmupBars, keepDecisions: false }).metrics;
}

/**
 * Positions of the sets from the best to the worst: by Sharpe ratio, those without one last; of equal ones the smaller
 * drawdown, then the one that comes first in the grid.
 */
export function ranked(figures: readonly Pick<Metrics, "sharpe" | "maxDrawdown">[]): number[] {
  const sharpe = (index: number) => figures[index]!.sharpe ?? Number.NEGATIVE_INFINITY;
  const drawdown = (index: number) => figures[index]!.maxDrawdown ?? Number.POSITIVE_INFINITY;
  const compare = (one: number, other: number) => (one === other ? 0 : one < other ? -1 : 1);
  return figures.map((_, index) => index).sort((one, other) => compare(sharpe(other), sharpe(one)) || compare(drawdown(one), drawdown(other)) || one - other);
}
