/** Hours of a year on a market that never closes: the factor of what is annualised from hourly returns. */
export const hoursPerYear = 8760;

/**
 * Returns of consecutive values of equity, r_t = E_t / E_{t−1} − 1, flat periods included.
 * @param equity mark-to-market, at the close of each bar, oldest first
 * @returns one fewer than there are values
 */
export function returnsOf(equity: ArrayLike<number>): Float64Array {
  const returns = new Float64Array(Math.max(0, equity.length - 1));
  for (let index = 0; index < returns.length; index++) returns[index] = equity[index + 1]! / equity[index]! - 1;
  return returns;
}

/** What a series of numbers is like. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Of a sample: divided by n − 1. */
  readonly deviation: number;
  /** g₃ = m₃ / m₂^1.5, of the population; 0 for the normal distribution. */
  readonly skewness: number;
  /** g₄ = m₄ / m₂², of the population, not in excess: 3 for the normal distribution. */
  readonly kurtosis: number;
}

/** Below this a deviation of returns is what is left of rounding values of equity. */
const roundingNoise = 1e-12;

/**
 * @param values returns, or differences of them
 * @returns undefined with fewer than two values, with one that is not finite, or when they do not vary
 */
export function momentsOf(values: ArrayLike<number>): Moments | undefined {
  const count = values.length;
  if (count < 2) return undefined;
  let sum = 0;
  for (let index = 0; index < count; index++) sum += values[index]!;
  const mean = sum / count;
  let [second, third, fourth] = [0, 0, 0];
  for (let index = 0; index < count; index++) {
    const difference = values[index]! - mean;
    const square = difference * difference;
    second += square;
    third += square * difference;
    fourth += square * square;
  }
  const deviation = Math.sqrt(second / (count - 1));
  // Equal values differ by rounding noise only, which is no variation.
  if (!Number.isFinite(deviation) || deviation <= Math.max(roundingNoise, Math.abs(mean) * 1e-9)) return undefined;
  const variance = second / count;
  return { count, mean, deviation, skewness: third / count / variance ** 1.5, kurtosis: fourth / count / variance ** 2 };
}
