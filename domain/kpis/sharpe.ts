import { hoursPerYear, momentsOf, returnsOf, type Moments } from "./returns";

/** A Sharpe ratio and what it is worth. */
export interface SharpeEstimate {
  /** Annualised, risk-free rate 0. */
  readonly sharpe: number;
  /** Of the annualised ratio: what another stretch of the same process would give lies within it two times out of three. */
  readonly standardError: number;
  /** Probability that the true ratio is above 0: the probabilistic Sharpe ratio PSR(0). */
  readonly probability: number;
  /** Returns that prove, at 95 %, that the true ratio is above 0 (the minimum track record length); undefined for a ratio of 0 or less, which no length proves. */
  readonly minimumReturns: number | undefined;
  /** Returns that it was computed from. */
  readonly returns: number;
}

/** One-sided 95 % of the standard normal distribution. */
const z95 = 1.6448536269514722;

/**
 * Annualised Sharpe ratio of a series of equity values: mean(r) / stdev(r) × √periods with r_t = E_t / E_{t−1} − 1,
 * flat periods included, risk-free rate 0 and the sample standard deviation (n − 1); Sharpe (1994).
 * @param periodsPerYear values per year; 8760 for hourly ones
 * @returns undefined with fewer than two returns or when they do not vary
 */
export function sharpe(equity: ArrayLike<number>, periodsPerYear = hoursPerYear): number | undefined {
  const moments = momentsOf(returnsOf(equity));
  return moments === undefined ? undefined : ratioOf(moments) * Math.sqrt(periodsPerYear);
}

/**
 * The Sharpe ratio with its standard error √((1 − g₃·SR + (g₄ − 1)/4·SR²) / (n − 1)), its probability and the minimum track
 * record length 1 + (1 − g₃·SR + (g₄ − 1)/4·SR²)·(z / SR)², all of the ratio per period; Mertens (2002), Bailey and López
 * de Prado, "The Sharpe ratio efficient frontier" (2012).
 *
 * @param equity mark-to-market, at the close of each bar, oldest first
 * @param options.periodsPerYear values per year; 8760 for hourly ones
 * @param options.fewest returns below which nothing is said; 2 unless given, half of the window for a rolling one
 * @returns undefined with fewer returns or when they do not vary
 */
export function estimateSharpe(equity: ArrayLike<number>, { periodsPerYear = hoursPerYear, fewest = 2 } = {}): SharpeEstimate | undefined {
  const moments = equity.length - 1 < fewest ? undefined : momentsOf(returnsOf(equity));
  if (moments === undefined) return undefined;
  const ratio = ratioOf(moments);
  const spread = 1 - moments.skewness * ratio + ((moments.kurtosis - 1) / 4) * ratio * ratio;
  const error = Math.sqrt(spread / (moments.count - 1));
  const year = Math.sqrt(periodsPerYear);
  return {
    sharpe: ratio * year,
    standardError: error * year,
    probability: normalDistribution(ratio / error),
    minimumReturns: ratio > 0 ? Math.ceil(1 + spread * (z95 / ratio) ** 2) : undefined,
    returns: moments.count,
  };
}

function ratioOf({ mean, deviation }: Moments): number {
  return mean / deviation;
}

/** Φ(x), exact to the last digits of a double: its Taylor series; Marsaglia, "Evaluating the normal distribution" (2004). */
export function normalDistribution(x: number): number {
  // Beyond this nothing is left that a double beside 1 could hold.
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let [sum, before, term] = [x, 0, x];
  for (let divisor = 3; sum !== before; divisor += 2) {
    before = sum;
    term *= (x * x) / divisor;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
