import type { Candle } from "./candles";
import type { Arrival, Fault } from "./faultScript";

type FaultOf<Kind extends Fault["kind"]> = Extract<Fault, { kind: Kind }>;

/** Samples of the clock that a bar brings while it is wrong, and once more when it is right again: a median's worth. */
const clockSamples = 5;

/**
 * A market whose candles reach the feed as a script of faults has it. What a candle's close brings depends on the
 * script and the candle's number alone, never on what was asked for before.
 *
 * Several faults on one bar: a gap takes away all its candles, whatever else the script says of them; else flat, then
 * jump change the candle itself; outOfOrder puts it, with its duplicates and then its revisions, behind the next candle
 * that arrives (several in a row arrive backwards); stale holds back whatever arrives, in that order. Of several clock
 * skews the one that stands last in the script counts.
 */
export class FaultyMarket {
  private readonly gaps: FaultOf<"gap">[];
  private readonly stales: FaultOf<"stale">[];
  private readonly flats: FaultOf<"flat">[];
  private readonly skews: FaultOf<"clockSkew">[];
  private readonly byBar = new Map<number, Fault[]>();
  /** The last candle that was made, for the next flat one. */
  private previous: { readonly index: number; readonly candle: Candle } | undefined;
  private grid: { readonly start: number; readonly interval: number } | undefined;
  private newest = -1;

  /** @param market the candle of each number from 0, at equal distances in time */
  constructor(
    private readonly market: (index: number) => Candle,
    private readonly faults: readonly Fault[],
  ) {
    const of = <Kind extends Fault["kind"]>(kind: Kind) => faults.filter((fault): fault is FaultOf<Kind> => fault.kind === kind);
    this.gaps = of("gap");
    this.stales = of("stale");
    this.flats = of("flat");
    this.skews = of("clockSkew");
    for (const fault of faults) this.byBar.set(fault.bar, [...(this.byBar.get(fault.bar) ?? []), fault]);
  }

  /** What reaches the feed when candle number `index` closes, in order. */
  arrivals(index: number): Arrival[] {
    this.newest = Math.max(this.newest, index);
    if (this.faults.length === 0) return [{ kind: "candle", candle: this.market(index), delay: 0 }];
    const delay = this.silence(index);
    const candles: Arrival[] = this.candlesAt(index).map((candle) => ({ kind: "candle", candle, delay }));
    const clock = this.clockAt(index);
    // Connecting is tried in a silence as well; the source's clock is not heard of before its candles.
    return delay > 0 ? [...this.reconnectsAt(index), ...candles, ...clock] : [...this.reconnectsAt(index), ...clock, ...candles];
  }

  /** What asking once more brings: the candle, or null when it is none that has closed or can be had. */
  backfill(openTime: number): Candle | null {
    const { start, interval } = this.times();
    const index = (openTime - start) / interval;
    if (!Number.isInteger(index) || index < 0 || index > this.newest) return null;
    return this.gaps.some((gap) => covers(gap, index) && !gap.backfill) ? null : this.candle(index);
  }

  /** Market milliseconds after the close of candle number `index` in which nothing at all is heard of the source; 0 for none. */
  silence(index: number): number {
    if (this.stales.length === 0) return 0;
    const { interval } = this.times();
    return this.stales
      .filter(({ bar }) => bar <= index)
      .reduce((most, { bar, seconds }) => Math.max(most, seconds * 1000 - (index - bar) * interval), 0);
  }

  /** Candle number `index` as the source has it. */
  candle(index: number): Candle {
    const candle = this.withJump(this.isFlat(index) ? this.flatCandle(index) : this.market(index), index);
    this.previous = { index, candle };
    return candle;
  }

  private candlesAt(index: number): Candle[] {
    if (this.isMissing(index) || this.isDeferred(index)) return [];
    const candles = this.versions(index);
    for (let before = index - 1; before >= 0 && (this.isMissing(before) || this.isDeferred(before)); before--) {
      if (!this.isMissing(before)) candles.push(...this.versions(before));
    }
    return candles;
  }

  /** The candle, as often and in as many versions as it arrives. */
  private versions(index: number): Candle[] {
    const candle = this.candle(index);
    const faults = this.byBar.get(index) ?? [];
    const duplicates = faults.flatMap((fault) => (fault.kind === "duplicate" ? Array<Candle>(fault.count).fill(candle) : []));
    const revisions = faults.flatMap((fault) => (fault.kind === "revision" ? [closingAt(candle, fault.fraction)] : []));
    return [candle, ...duplicates, ...revisions];
  }

  private withJump(candle: Candle, index: number): Candle {
    const jumps = (this.byBar.get(index) ?? []).filter((fault) => fault.kind === "jump");
    return jumps.reduce((jumped, { fraction }) => closingAt(jumped, fraction), candle);
  }

  private flatCandle(index: number): Candle {
    let first = index;
    while (first > 0 && this.isFlat(first - 1) && this.previous?.index !== first - 1) first--;
    const base = first === 0 ? this.market(0).open : this.candleBefore(first).close;
    let price = base;
    for (let between = first; between < index; between++) price = this.withJump(flatAt(price, 0), between).close;
    return flatAt(price, this.market(index).openTime);
  }

  private candleBefore(index: number): Candle {
    return this.previous?.index === index - 1 ? this.previous.candle : this.candle(index - 1);
  }

  private reconnectsAt(index: number): Arrival[] {
    const storms = (this.byBar.get(index) ?? []).filter((fault) => fault.kind === "reconnectStorm");
    return storms.flatMap(({ count }) => Array<Arrival>(count).fill({ kind: "reconnect" }));
  }

  private clockAt(index: number): Arrival[] {
    const skew = this.skewAt(index) ?? (index > 0 && this.skewAt(index - 1) !== undefined ? 0 : undefined);
    return skew === undefined ? [] : Array<Arrival>(clockSamples).fill({ kind: "clockSkew", milliseconds: skew });
  }

  private skewAt(index: number): number | undefined {
    return this.skews.findLast((skew) => covers(skew, index))?.milliseconds;
  }

  private isMissing(index: number): boolean {
    return this.gaps.some((gap) => covers(gap, index));
  }

  private isDeferred(index: number): boolean {
    return this.byBar.get(index)?.some(({ kind }) => kind === "outOfOrder") === true;
  }

  private isFlat(index: number): boolean {
    return this.flats.some((flat) => covers(flat, index));
  }

  private times(): { readonly start: number; readonly interval: number } {
    if (this.grid === undefined) {
      const start = this.market(0).openTime;
      this.grid = { start, interval: this.market(1).openTime - start };
    }
    return this.grid;
  }
}

function covers({ bar, bars }: { readonly bar: number; readonly bars: number }, index: number): boolean {
  return bar <= index && index < bar + bars;
}

function flatAt(price: number, openTime: number): Candle {
  return { openTime, open: price, high: price, low: price, close: price, volume: 0 };
}

/** The candle with its close moved by a fraction, to twelve digits, and its range stretched to hold it. */
function closingAt(candle: Candle, fraction: number): Candle {
  const close = Number((candle.close * (1 + fraction)).toPrecision(12));
  return { ...candle, close, high: Math.max(candle.high, close), low: Math.min(candle.low, close) };
}
