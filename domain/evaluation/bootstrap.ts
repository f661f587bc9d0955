import { momentsOf, returnsOf } from "../kpis/returns";
import { randomNumbers } from "../randomNumbers";

export interface BootstrapOptions {
  /** The same seed draws the same. */
  readonly seed: number;
  /** Records that are drawn. */
  readonly resamples: number;
  /** Mean length of the stretches that a record is drawn of, in returns: long enough to hold a trade. */
  readonly blockBars: number;
}

export interface Interval {
  /** 5th and 95th percentile. */
  readonly low: number;
  readonly high: number;
}

/**
 * Where an annualised Sharpe ratio lies nine times out of ten when its returns are drawn again, in stretches of random
 * length so that what follows on each other stays together: the stationary bootstrap of Politis and Romano (1994). Unlike
 * the standard error it takes no returns to be independent.
 * @param equity at the close of each bar, oldest first
 * @returns undefined when the returns do not vary
 */
export function bootstrapSharpe(equity: ArrayLike<number>, periodsPerYear: number, { seed, resamples, blockBars }: BootstrapOptions): Interval | undefined {
  const returns = returnsOf(equity);
  if (momentsOf(returns) === undefined) return undefined;
  const random = randomNumbers(seed);
  const count = returns.length;
  const drawn = new Float64Array(count);
  const ratios: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    let position = 0;
    for (let index = 0; index < count; index++) {
      position = index === 0 || random() < 1 / blockBars ? Math.floor(random() * count) : (position + 1) % count;
      drawn[index] = returns[position]!;
    }
    const moments = momentsOf(drawn);
    // A record without any variation has made nothing.
    ratios.push(moments === undefined ? 0 : (moments.mean / moments.deviation) * Math.sqrt(periodsPerYear));
  }
  ratios.sort((one, other) => one - other);
  const quantile = (part: number) => ratios[Math.min(resamples - 1, Math.floor(part * resamples))]!;
  return { low: quantile(0.05), high: quantile(0.95) };
}
