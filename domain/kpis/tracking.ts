import { hoursPerYear, momentsOf } from "./returns";

/** Equity of a bot and of what it is compared with, at the close of the same bars. */
export interface PairedEquity {
  readonly own: ArrayLike<number>;
  readonly reference: ArrayLike<number>;
}

/** How far a bot is from what it is compared with; fractions a year. */
export interface Tracking {
  /**
   * stdev(d) × √periods with d_t = r_t − r_ref,t and n − 1; Roll (1992). It hides a constant difference: see the next one.
   * 0 when the returns differ nowhere, or always by the same.
   */
  readonly trackingError: number;
  /** mean(d) × periods */
  readonly meanDifference: number;
  /** (E_last / E_first) / (E_ref,last / E_ref,first) − 1, a fraction of the whole stretch. */
  readonly equityGap: number;
  /** Pairs of returns. */
  readonly returns: number;
}

/**
 * @param periodsPerYear values per year; 8760 for hourly ones
 * @returns undefined with fewer than two pairs of returns, or with one that is not finite
 * @throws RangeError when the series differ in length
 */
export function track({ own, reference }: PairedEquity, periodsPerYear = hoursPerYear): Tracking | undefined {
  if (own.length !== reference.length) throw new RangeError(`The series have ${own.length} and ${reference.length} values; allowed: the same bars in both`);
  const count = own.length - 1;
  if (count < 2) return undefined;
  const differences = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const difference = own[index + 1]! / own[index]! - reference[index + 1]! / reference[index]!;
    differences[index] = difference;
    sum += difference;
  }
  if (!Number.isFinite(sum)) return undefined;
  return {
    trackingError: (momentsOf(differences)?.deviation ?? 0) * Math.sqrt(periodsPerYear),
    meanDifference: (sum / count) * periodsPerYear,
    equityGap: own[count]! / own[0]! / (reference[count]! / reference[0]!) - 1,
    returns: count,
  };
}
