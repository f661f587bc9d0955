import type { Candle } from "../../../../domain/candles";
import { defaultFeedQuality, FeedQuality, type FeedFinding, type FeedQualityOptions, type FeedQualitySettings, type JudgedCandle } from "../../../../domain/feedQuality";

export const hour = 3_600_000;
export const start = Date.parse("2026-01-01T00:00:00Z");

/** A calm candle: number `index` from the start, closing where it opened. */
export function calm(index: number, changes: Partial<Candle> = {}): Candle {
  return { openTime: start + index * hour, open: 100, high: 101, low: 99, close: 100, volume: 5, ...changes };
}

export function calmCandles(from: number, count: number): Candle[] {
  return Array.from({ length: count }, (_, offset) => calm(from + offset));
}

type Options = Omit<Partial<FeedQualityOptions>, "settings"> & { readonly settings?: Partial<FeedQualitySettings> };

/**
 * A feed under test at its own clock (milliseconds, from 0): two candles of warm-up, one of recovery, and a gap window
 * of 2 + 3 candles, unless it is given otherwise.
 */
export class Trial {
  readonly quality: FeedQuality;
  readonly written: JudgedCandle[] = [];
  readonly findings: FeedFinding[] = [];
  now = 0;

  constructor({ settings = {}, ...options }: Options = {}) {
    this.quality = new FeedQuality({
      interval: hour,
      settings: { ...defaultFeedQuality, gapWindowCandles: 3, ...settings },
      speed: 1,
      recoveryCandles: 1,
      warmupCandles: 2,
      acknowledgeDown: false,
      ...options,
    });
    this.take();
  }

  /** Anything that happens to the feed, so many milliseconds later. */
  do(happening: (quality: FeedQuality, at: number) => void, later = 0): this {
    this.now += later;
    happening(this.quality, this.now);
    this.take();
    return this;
  }

  /** Candles arrive, all at this time. */
  give(...candles: readonly Candle[]): this {
    for (const candle of candles) this.do((quality, at) => quality.candle(candle, at));
    return this;
  }

  /** A feed that is HEALTHY after the candles 0 to `count` - 1. */
  healthy(count = 4): this {
    return this.give(...calmCandles(0, count));
  }

  get state(): string {
    return this.quality.state;
  }

  /** Numbers and states of the candles that were written: "3 HEALTHY", "2 DOWN repair". */
  get log(): string[] {
    return this.written.map(({ candle, state, repair }) => `${(candle.openTime - start) / hour} ${state}${repair ? " repair" : ""}`);
  }

  /** What was found: "jump DEGRADED 4" with the candle's number, "silence DOWN" without one. */
  get found(): string[] {
    return this.findings.map(({ kind, severity, openTime }) => `${kind} ${severity}${openTime === null ? "" : ` ${(openTime - start) / hour}`}`);
  }

  private take(): void {
    const { candles, findings } = this.quality.take();
    this.written.push(...candles);
    this.findings.push(...findings);
  }
}
