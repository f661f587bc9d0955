/** How far equity lies below its highest value so far, as fractions of that value. */
export interface Drawdown {
  /** max_t (1 − E_t / max_{s≤t} E_s) */
  readonly max: number;
  /** The same at the last value alone: 0 at a new high. */
  readonly current: number;
}

/**
 * Drawdown of mark-to-market equity.
 * @param equity at the close of each bar, oldest first
 * @param peak a high from before the first value, which counts as well
 * @returns undefined for an empty series
 */
export function drawdown(equity: ArrayLike<number>, peak = Number.NEGATIVE_INFINITY): Drawdown | undefined {
  if (equity.length === 0) return undefined;
  let [highest, max, current] = [peak, 0, 0];
  for (let index = 0; index < equity.length; index++) {
    highest = Math.max(highest, equity[index]!);
    current = 1 - equity[index]! / highest;
    max = Math.max(max, current);
  }
  return { max, current };
}
