import type { Trade } from "./orders";

/** Hours of a year on a market that never closes: the factor of hourly Sharpe ratios. */
export const hoursPerYear = 8760;

/** Figures of one run. Fractions are plain numbers (0.1 = 10 %); what cannot be computed is undefined. */
export interface Metrics {
  /** Bars with an equity value. */
  readonly bars: number;
  readonly startingCash: number;
  readonly finalEquity: number;
  readonly totalReturn: number;
  /** Annualised from the returns of consecutive equity values, risk-free rate 0. */
  readonly sharpe: number | undefined;
  readonly maxDrawdown: number | undefined;
  /** Closed round trips. */
  readonly trades: number;
  readonly tradesPer30Days: number | undefined;
  readonly wins: number;
  readonly losses: number;
  /** Part of the trades that made money. */
  readonly hitRate: number | undefined;
  /** Money won divided by money lost; undefined while nothing was lost. */
  readonly profitFactor: number | undefined;
  readonly averageProfit: number | undefined;
  readonly fees: number;
}

/**
 * Annualised Sharpe ratio of a series of equity values: mean(r) / stdev(r) × √periods with r_t = E_t / E_{t−1} − 1,
 * flat periods included, risk-free rate 0 and the sample standard deviation (n − 1); Sharpe (1994).
 * @param periodsPerYear values per year; 8760 for hourly ones
 * @returns undefined with fewer than two returns or when they do not vary
 */
export function sharpe(equity: ArrayLike<number>, periodsPerYear = hoursPerYear): number | undefined {
  const count = equity.length - 1;
  if (count < 2) {
    return undefined;
  }
  let sum = 0;
  for (let index = 1; index <= count; index++) {
    sum += equity[index]! / equity[index - 1]! - 1;
  }
  const mean = sum / count;
  let squares = 0;
  for (let index = 1; index <= count; index++) {
    const difference = equity[index]! / equity[index - 1]! - 1 - mean;
    squares += difference * difference;
  }
  const deviation = Math.sqrt(squares / (count - 1));
  // Equal returns differ by rounding noise only, which is no variation.
  return deviation > Math.abs(mean) * 1e-9 && Number.isFinite(deviation)
    ? (mean / deviation) * Math.sqrt(periodsPerYear)
    : undefined;
}

/**
 * Maximum drawdown of a series of equity values as a fraction of the peak before it: max_t (1 − E_t / max_{s≤t} E_s).
 * @returns undefined for an empty series
 */
export function maxDrawdown(equity: ArrayLike<number>): number | undefined {
  if (equity.length === 0) {
    return undefined;
  }
  let peak = equity[0]!;
  let worst = 0;
  for (let index = 1; index < equity.length; index++) {
    const value = equity[index]!;
    if (value > peak) {
      peak = value;
    } else if (1 - value / peak > worst) {
      worst = 1 - value / peak;
    }
  }
  return worst;
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
  let won = 0;
  let lost = 0;
  let wins = 0;
  let losses = 0;
  let fees = 0;
  for (const trade of trades) {
    fees += trade.fees;
    if (trade.profit > 0) {
      wins++;
      won += trade.profit;
    } else if (trade.profit < 0) {
      losses++;
      lost -= trade.profit;
    }
  }
  const millisecondsPerDay = 86_400_000;
  return {
    bars,
    startingCash,
    finalEquity,
    totalReturn: finalEquity / startingCash - 1,
    sharpe: sharpe(equity, (365 * millisecondsPerDay) / barMilliseconds),
    maxDrawdown: maxDrawdown(equity),
    trades: trades.length,
    tradesPer30Days: bars > 0 ? trades.length / ((bars * barMilliseconds) / (30 * millisecondsPerDay)) : undefined,
    wins,
    losses,
    hitRate: trades.length > 0 ? wins / trades.length : undefined,
    profitFactor: lost > 0 ? won / lost : undefined,
    averageProfit: trades.length > 0 ? (won - lost) / trades.length : undefined,
    fees,
  };
}
