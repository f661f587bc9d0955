import { beyond, type Bounds } from "./candleRules";
import type { Ledger } from "./Ledger";
import type { FeedQualitySettings } from "./settings";
import { clockTime, dateTime, isoTime, seconds } from "./text";
import { MedianOfFive, Outstanding, RateWindow, wallBounds, type Speed } from "./timeRules";

const hour = 3_600_000;

/** Watches what a source shows beside its candles: signs of life, punctuality, clocks, connections. */
export class SourceWatch {
  readonly outstanding = new Outstanding();
  private readonly silence: Bounds | null;
  private readonly late: Bounds | null;
  private readonly skew = new MedianOfFive();
  private readonly reconnects = new RateWindow(hour);
  private readonly outOfOrder = new RateWindow(hour);
  private readonly duplicates = new RateWindow(hour);
  private lastHeard: number | null = null;
  private now = Number.NEGATIVE_INFINITY;

  /** @param lastCandle open time of the newest candle, null before there is any */
  constructor(
    private readonly settings: FeedQualitySettings,
    private readonly speed: Speed,
    private readonly ledger: Ledger,
    private readonly lastCandle: () => number | null,
  ) {
    this.silence = wallBounds(settings.silenceSeconds, speed);
    this.late = wallBounds(settings.lateSeconds, speed);
  }

  /** Time has passed; however much, it is judged once. */
  advance(at: number): void {
    this.now = Math.max(this.now, at);
    this.lastHeard ??= this.now;
    this.judgeSilence();
    this.judgeLateness();
    this.judgeReconnects();
    this.judgeOutOfOrder(null);
  }

  /** A candle was released: all up to it are no longer waited for, and the market's clock has moved. */
  released(openTime: number): void {
    this.outstanding.passed(openTime);
    this.judgeLateness();
    this.judgeReconnects();
    this.judgeOutOfOrder(null);
  }

  heard(): void {
    this.lastHeard = this.now;
    this.judgeSilence();
  }

  clockSkew(milliseconds: number): void {
    const limits = this.settings.clockSkewMilliseconds;
    const median = this.skew.add(milliseconds);
    const state = beyond(Math.abs(median), limits);
    const limit = state === "DOWN" ? limits.down : limits.degraded;
    const side = median > 0 ? "ahead of" : "behind";
    this.ledger.judge("clock skew", {
      state,
      lasting: "standing",
      reason: `local clock is ${Math.abs(Math.round(median))} ms ${side} the source's (limit ${limit} ms)`,
      openTime: null,
      details: { milliseconds: Math.round(median), limit, ...this.when() },
    });
  }

  clockJump(milliseconds: number): void {
    const limits = this.settings.clockJumpSeconds;
    const size = Math.abs(milliseconds) / 1000;
    const state = beyond(size, limits);
    const limit = state === "DOWN" ? limits.down : limits.degraded;
    // What was compared before was another clock: with it, the median would not see for a minute that this one is wrong.
    if (state !== "HEALTHY") this.skew.forget();
    this.ledger.judge("clock jump", {
      state,
      lasting: "event",
      each: true,
      reason: `clock jumped by ${seconds(milliseconds)} s (limit ${limit} s)`,
      openTime: null,
      details: { seconds: seconds(milliseconds), limit, ...this.when() },
    });
  }

  reconnected(): void {
    this.reconnects.add(this.hourClock());
    this.judgeReconnects();
  }

  droppedOutOfOrder(openTime: number): void {
    this.outOfOrder.add(this.hourClock());
    if (this.outOfOrder.count(this.hourClock()) > this.settings.outOfOrderPerHour) this.judgeOutOfOrder(openTime);
    else this.ledger.note("out of order", openTime, `candle of ${dateTime(openTime)} came after newer ones`, {});
  }

  /** Counted each time, though only a candle's first repetition is a finding. */
  droppedDuplicate(): void {
    this.duplicates.add(this.hourClock());
  }

  /** Tells findings without a candle apart: they come again with the same numbers. */
  when(): Record<string, number | string | null> {
    return { lastCandle: isoTime(this.lastCandle()), monotonicMilliseconds: Math.round(this.now) };
  }

  measures(): Record<string, number | string | null> {
    const { first } = this.outstanding;
    return {
      silenceSeconds: this.lastHeard === null ? null : seconds(this.now - this.lastHeard),
      lateSeconds: first === null ? 0 : Math.max(0, seconds(this.now - first.at)),
      clockSkewMilliseconds: this.skew.median,
      reconnectsPerHour: this.reconnects.count(this.hourClock()),
      outOfOrderPerHour: this.outOfOrder.count(this.hourClock()),
      duplicatesPerHour: this.duplicates.count(this.hourClock()),
    };
  }

  private judgeSilence(): void {
    if (this.silence === null || this.lastHeard === null) return;
    const age = this.now - this.lastHeard;
    const state = beyond(age, this.silence);
    if (state === "HEALTHY") {
      this.ledger.end("silence");
      return;
    }
    const limit = seconds(state === "DOWN" ? this.silence.down : this.silence.degraded);
    this.ledger.judge("silence", {
      state,
      lasting: "standing",
      reason: `nothing heard of the source for ${seconds(age)} s (limit ${limit} s)`,
      openTime: null,
      details: { seconds: seconds(age), limit, ...this.when() },
    });
  }

  private judgeLateness(): void {
    const { first } = this.outstanding;
    const age = first === null ? 0 : this.now - first.at;
    const state = this.late === null ? "HEALTHY" : beyond(age, this.late);
    if (first === null || this.late === null || state === "HEALTHY") {
      this.ledger.end("late");
      return;
    }
    const limit = seconds(state === "DOWN" ? this.late.down : this.late.degraded);
    this.ledger.judge("late", {
      state,
      lasting: "standing",
      reason: `candle of ${clockTime(first.openTime)} is ${seconds(age)} s late (limit ${limit} s)`,
      openTime: first.openTime,
      details: { seconds: seconds(age), limit },
    });
  }

  private judgeReconnects(): void {
    const limits = this.settings.reconnectsPerHour;
    const count = this.reconnects.count(this.hourClock());
    const state = beyond(count, limits);
    if (state === "HEALTHY") {
      this.ledger.end("reconnects");
      return;
    }
    const limit = state === "DOWN" ? limits.down : limits.degraded;
    this.ledger.judge("reconnects", {
      state,
      lasting: "standing",
      reason: `${count} reconnects within an hour (limit ${limit})`,
      openTime: null,
      details: { perHour: count, limit, ...this.when() },
    });
  }

  /** @param dropped open time of a candle that was just dropped */
  private judgeOutOfOrder(dropped: number | null): void {
    const limit = this.settings.outOfOrderPerHour;
    const count = this.outOfOrder.count(this.hourClock());
    if (count <= limit) {
      this.ledger.end("out of order");
      return;
    }
    this.ledger.judge("out of order", {
      state: "DEGRADED",
      lasting: "standing",
      each: dropped !== null,
      reason: `${count} candles out of order within an hour (limit ${limit})`,
      openTime: dropped,
      details: { perHour: count, limit },
    });
  }

  /** The clock that hours are counted by: the market's own in a replay, so that its speed changes nothing. */
  private hourClock(): number {
    return this.speed === 1 ? this.now : (this.lastCandle() ?? 0);
  }
}
