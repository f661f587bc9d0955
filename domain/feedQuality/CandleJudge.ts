import type { Candle } from "../candles";
import { beyond, change, isConsistent, isFlat, isOnInterval, reached } from "./candleRules";
import type { Ledger } from "./Ledger";
import type { FeedQualitySettings } from "./settings";
import { dateTime, percent } from "./text";

/** Judges each candle by itself and against the one before it. */
export class CandleJudge {
  /** Candles in a row without a range or without volume. */
  private flat = 0;
  /** Candles in a row that were rejected, and the newest of them. */
  private rejected = 0;
  private lastRejected = "";
  private lastRejectedTime = Number.NaN;

  /** @param before the candle before another one, if it is remembered */
  constructor(
    private readonly interval: number,
    private readonly settings: FeedQualitySettings,
    private readonly ledger: Ledger,
    private readonly before: (openTime: number) => Candle | undefined,
  ) {}

  get flatCandles(): number {
    return this.flat;
  }

  get rejectedCandles(): number {
    return this.rejected;
  }

  /** Whether a candle may be used at all. The same one again is neither another finding nor another in the row. */
  accepts(candle: Candle): boolean {
    const kind = !isOnInterval(candle.openTime, this.interval)
      ? "off the interval"
      : isConsistent(candle)
        ? null
        : "inconsistent";
    if (kind === null) {
      this.rejected = 0;
      this.lastRejectedTime = Number.NaN;
      this.lastRejected = "";
      return true;
    }
    const { openTime, open, high, low, close, volume } = candle;
    const content = [openTime, open, high, low, close, volume].join();
    if (content === this.lastRejected) return false;
    if (!Object.is(openTime, this.lastRejectedTime) || this.rejected === 0) this.rejected++;
    this.lastRejected = content;
    this.lastRejectedTime = openTime;

    const limits = this.settings.inconsistentCandles;
    // Below the first bound the candle is rejected all the same.
    const state = reached(this.rejected, limits);
    const isDate = Number.isInteger(openTime) && Math.abs(openTime) <= 8.64e15;
    const details = {
      ...(isDate ? {} : { openTime: jsonNumber(openTime) }),
      open: jsonNumber(open),
      high: jsonNumber(high),
      low: jsonNumber(low),
      close: jsonNumber(close),
      volume: jsonNumber(volume),
    };
    const which = isDate ? `candle of ${dateTime(openTime)}` : "candle";
    const row = this.rejected > 1 ? `, ${this.rejected} in a row` : "";
    const reason = `${which} rejected: ${kind}${row}`;
    if (state === "HEALTHY") {
      this.ledger.note(kind, isDate ? openTime : null, reason, details);
      return false;
    }
    this.ledger.judge(kind, {
      state,
      lasting: "event",
      each: true,
      reason,
      openTime: isDate ? openTime : null,
      details: { ...details, inARow: this.rejected, limit: state === "DOWN" ? limits.down : limits.degraded },
    });
    return false;
  }

  /** A candle that follows all released ones. */
  released(candle: Candle): void {
    this.judgeChange(candle);
    this.countFlat(candle);
    const state = reached(this.flat, this.settings.flatCandles);
    if (state === "HEALTHY") {
      this.ledger.end("flat");
      return;
    }
    const limit = state === "DOWN" ? this.settings.flatCandles.down : this.settings.flatCandles.degraded;
    this.ledger.judge("flat", {
      state,
      lasting: "standing",
      reason: `${this.flat} candles in a row without range or volume (limit ${limit})`,
      openTime: candle.openTime,
      details: { candles: this.flat, limit },
    });
  }

  /** A candle that goes between released ones: its change is judged, a row of flat ones is not. */
  repaired(candle: Candle): void {
    this.judgeChange(candle);
  }

  /** A candle that was released by an earlier run; it is not judged again. */
  countFlat(candle: Candle): void {
    const follows = this.before(candle.openTime) !== undefined;
    this.flat = !isFlat(candle) ? 0 : follows ? this.flat + 1 : 1;
  }

  /** Across missing candles a change says nothing. */
  private judgeChange({ openTime, open, close }: Candle): void {
    const before = this.before(openTime);
    if (before === undefined) return;
    const { jump, openJump } = this.settings;
    const opened = change(open, before.close);
    if (Math.abs(opened) > openJump) {
      const reason = `open of ${dateTime(openTime)} is ${percent(opened)} from the close before (limit ${percent(openJump)})`;
      this.ledger.note("open jump", openTime, reason, { change: opened, open, closeBefore: before.close, limit: openJump });
    }
    const moved = change(close, before.close);
    const state = beyond(Math.abs(moved), jump);
    if (state === "HEALTHY") return;
    const limit = state === "DOWN" ? jump.down : jump.degraded;
    this.ledger.judge("jump", {
      state,
      lasting: "event",
      each: true,
      reason: `close of ${dateTime(openTime)} moved by ${percent(moved)} (limit ${percent(limit)})`,
      openTime,
      details: { change: moved, close, closeBefore: before.close, limit },
    });
  }
}

/** JSON knows neither NaN nor infinity. */
function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
