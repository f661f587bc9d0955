import type { Candle } from "../candles";
import type { FeedState } from "../feedState";

/** A bound beyond which something counts as DEGRADED, and one beyond which it counts as DOWN. */
export interface Bounds {
  readonly degraded: number;
  readonly down: number;
}

/** The largest time that a date can hold, epoch ms. */
const latestTime = 8.64e15;

/** How bad a measured value is: beyond a bound means more than it. */
export function beyond(value: number, bounds: Bounds): FeedState {
  return value > bounds.down ? "DOWN" : value > bounds.degraded ? "DEGRADED" : "HEALTHY";
}

/** How bad a count is: a bound counts as reached with that very number. */
export function reached(value: number, bounds: Bounds): FeedState {
  return value >= bounds.down ? "DOWN" : value >= bounds.degraded ? "DEGRADED" : "HEALTHY";
}

/** Low <= open, close <= high, all of them positive and finite, volume not negative and finite. */
export function isConsistent({ open, high, low, close, volume }: Candle): boolean {
  return (
    [open, high, low, close, volume].every(Number.isFinite) &&
    low > 0 &&
    volume >= 0 &&
    low <= Math.min(open, close) &&
    high >= Math.max(open, close)
  );
}

/** Whether a candle can begin at this time: a multiple of the interval that is a date. */
export function isOnInterval(openTime: number, interval: number): boolean {
  return Math.abs(openTime) <= latestTime && openTime % interval === 0;
}

/** No range, or nothing was traded: a source that repeats its last price looks like this. */
export function isFlat({ high, low, volume }: Candle): boolean {
  return high === low || volume === 0;
}

/** Change of a price against the close before, as a fraction to twelve decimals: 110 after 100 is 0.1 and not above it. */
export function change(price: number, closeBefore: number): number {
  return Math.round((price / closeBefore - 1) * 1e12) / 1e12;
}
