import type { Bounds } from "./candleRules";

/** Market seconds that pass in one second; "maximum" knows no durations. */
export type Speed = number | "maximum";

/** Most candles that are waited for by name; how late the feed is, is seen by the first of them. */
const mostExpected = 1000;
/** More than any allowed number of events an hour. */
const mostCounted = 10_001;

/**
 * Wall milliseconds that a duration of so many seconds takes at a market's speed. It shrinks with the speed, but not
 * below the floor, under which a wall clock only measures how busy the machine is.
 */
export function wallMilliseconds(seconds: number, speed: number, floorSeconds: number): number {
  return 1000 * Math.max(seconds / speed, Math.min(seconds, floorSeconds));
}

/** Bounds in seconds as bounds in wall milliseconds: a second at least for DEGRADED, three for DOWN. Null when there are none. */
export function wallBounds({ degraded, down }: Bounds, speed: Speed): Bounds | null {
  if (speed === "maximum") return null;
  const [first, second] = [wallMilliseconds(degraded, speed, 1), wallMilliseconds(down, speed, 3)];
  return { degraded: first, down: Math.max(first, second) };
}

/** A candle that is to arrive. */
export interface Due {
  readonly openTime: number;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

/** Candles that are to arrive and have not yet. */
export class Outstanding {
  /** Ascending by open time. */
  private dues: Due[] = [];

  /** The first time told for a candle counts, so that telling it again and again does not make it punctual. */
  expect(openTime: number, at: number): void {
    let index = this.dues.length;
    while (index > 0 && this.dues[index - 1]!.openTime > openTime) index--;
    if (index > 0 && this.dues[index - 1]!.openTime === openTime) return;
    this.dues.splice(index, 0, { openTime, at });
    if (this.dues.length > mostExpected) this.dues.pop();
  }

  arrived(openTime: number): void {
    if (this.dues.length > 0) this.dues = this.dues.filter((due) => due.openTime !== openTime);
  }

  /** Candles up to this one are no longer waited for. */
  passed(openTime: number): void {
    if (this.dues.length > 0 && this.dues[0]!.openTime <= openTime) {
      this.dues = this.dues.filter((due) => due.openTime > openTime);
    }
  }

  get first(): Due | null {
    return this.dues[0] ?? null;
  }
}

/** Counts what happened within the last so many milliseconds, just so long ago included. */
export class RateWindow {
  private times: number[] = [];

  constructor(private readonly milliseconds: number) {}

  add(time: number): void {
    this.times.push(time);
    if (this.times.length > mostCounted) this.times.shift();
  }

  count(now: number): number {
    if (this.times.length > 0 && now - this.times[0]! > this.milliseconds) {
      this.times = this.times.filter((time) => now - time <= this.milliseconds);
    }
    return this.times.length;
  }
}

/** Median of the newest five values, of all while there are fewer. */
export class MedianOfFive {
  private values: number[] = [];

  /** Takes a value in and returns the median; of an even number the one further from zero. */
  add(value: number): number {
    this.values = [...this.values, value].slice(-5);
    return this.median!;
  }

  /** Takes none of the values so far into account any more. */
  forget(): void {
    this.values = [];
  }

  get median(): number | null {
    const sorted = [...this.values].sort((one, other) => one - other);
    const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
    if (low === undefined || high === undefined) return null;
    return Math.abs(low) > Math.abs(high) ? low : high;
  }
}
