import { isConsistent, isOnInterval } from "../../domain/feedQuality/candleRules";
import { sameValues, type Candle } from "../../domain/candles";
import type { MarketJudge } from "./judge";

/** Candles before the next one that are asked for as well, to see whether they were revised. */
export const overlap = 2;
/** Older ones cannot come again. */
const keptCandles = 2000;

/** What one market of a running source has brought, and what is due next. Open times in epoch ms. */
export class RunningMarket {
  /** When a missing range is asked for again, and how often it was; by the monotonic clock in milliseconds. */
  private backfill: { readonly from: number; readonly attempts: number; readonly at: number } | undefined;
  private newest: number | null = null;
  private expected = Number.NEGATIVE_INFINITY;
  private readonly handed = new Map<number, Candle>();

  /** @param interval length of a candle in milliseconds */
  constructor(
    readonly judge: MarketJudge,
    private readonly interval: number,
  ) {}

  /** Open time of the next candle to come; null before there was any. */
  get next(): number | null {
    return this.newest === null ? null : this.newest + this.interval;
  }

  /**
   * Takes what is stored for known, without judging it.
   * @param revisions other values of it that were found already, oldest first
   */
  remember(stored: readonly Candle[], revisions: readonly Candle[]): void {
    for (const candle of [...stored, ...revisions]) this.keep(candle);
    this.newest = stored.at(-1)?.openTime ?? null;
  }

  /** Open times of known candles that come again with other values among these. */
  revisedBy(candles: readonly Candle[]): number[] {
    const isRevision = (candle: Candle): boolean => {
      const known = this.handed.get(candle.openTime);
      return known !== undefined && this.isUsable(known) && this.isUsable(candle) && !sameValues(known, candle);
    };
    return candles.filter(isRevision).map(({ openTime }) => openTime);
  }

  /** Hands one answer's closed candles to the judge, each of them once. */
  hand(candles: readonly Candle[], at: number): void {
    const answered = new Set<number>();
    for (const candle of candles) {
      const known = this.handed.get(candle.openTime);
      const twice = answered.has(candle.openTime);
      answered.add(candle.openTime);
      // That it comes again is our own asking, and no finding, unless one answer has it twice.
      if (known !== undefined && sameValues(known, candle) && !twice) continue;
      this.keep(candle);
      this.judge.tell((quality) => quality.candle(candle, at));
      // One that is rejected is asked for until it is right.
      if (this.isUsable(candle)) this.newest = Math.max(this.newest ?? -Infinity, candle.openTime);
    }
  }

  /** Tells the judge of candles that have closed by now and are not there yet. @param now the source's time */
  expect(now: number, at: number): void {
    const { next } = this;
    if (next === null) return;
    for (let openTime = Math.max(next, this.expected + this.interval); openTime + this.interval <= now; openTime += this.interval) {
      this.expected = openTime;
      this.judge.tell((quality) => quality.expect(openTime, at - (now - openTime - this.interval)));
    }
  }

  /** Milliseconds that the next candle is late; 0 while it is not. @param now the source's time */
  lateness(now: number): number {
    return this.next === null ? 0 : Math.max(0, now - this.next - this.interval);
  }

  /** The range to ask for once more, when it is time to. */
  backfillDue(at: number): { readonly from: number; readonly to: number } | null {
    const due = this.backfillAt;
    return due === null || due > at ? null : this.judge.quality.missing;
  }

  /** When a missing range is to be asked for next; null when none is missing. */
  get backfillAt(): number | null {
    const { missing } = this.judge.quality;
    if (missing === null) return null;
    return this.backfill?.from === missing.from ? this.backfill.at : Number.NEGATIVE_INFINITY;
  }

  /** Notes that a range was asked for; the judge is told when that did not bring all of it. */
  backfilled(asked: { readonly from: number }, at: number, pause: number): void {
    const attempts = this.backfill?.from === asked.from ? this.backfill.attempts + 1 : 1;
    this.backfill = { from: asked.from, attempts, at: at + attempts * pause };
    if (this.judge.quality.missing?.from === asked.from) this.judge.tell((quality) => quality.backfillFailed(at));
  }

  /** Whether the judge takes it, as one or another version of a candle. */
  private isUsable(candle: Candle): boolean {
    return isConsistent(candle) && isOnInterval(candle.openTime, this.interval);
  }

  private keep(candle: Candle): void {
    this.handed.set(candle.openTime, candle);
    if (this.handed.size <= keptCandles) return;
    const [oldest] = this.handed.keys();
    this.handed.delete(oldest as number);
  }
}
