import { sameValues, type Candle } from "../candles";

/** Open times of the first and the last of some candles in a row. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What an arrived candle is to those that arrived before it. */
export type Placement =
  /** It waits for its turn, see `next`. `hole` is what it left out; `fills` says that it was waited for. */
  | { readonly kind: "placed"; readonly hole: Range | null; readonly fills: boolean }
  /** It belongs before candles that were released already, into a gap that was left open. */
  | { readonly kind: "repair" }
  /** `told` says that this one was a duplicate before. */
  | { readonly kind: "duplicate"; readonly told: boolean }
  | { readonly kind: "revision"; readonly first: Candle }
  | { readonly kind: "out of order" };

interface Known {
  readonly candle: Candle;
  /** The newest other version that arrived of it. */
  revision?: Candle;
  duplicated?: boolean;
}

interface OpenGap extends Range {
  /** Candles released since. */
  readonly followed: number;
}

/**
 * Puts arriving candles in order: a candle that leaves others out is held back until they came or are given up.
 * Remembers as many candles as the window has, and gaps that were left open as long as they are in it.
 */
export class CandleOrder {
  private newest: number | null = null;
  private readonly known = new Map<number, Known>();
  /** Ascending; all after the newest released one. */
  private readonly held: Candle[] = [];
  private gaps: OpenGap[] = [];

  /**
   * @param interval length of a candle in milliseconds
   * @param window candles after which a gap that was left open no longer counts
   * @param stored what was released by an earlier run, ascending
   * @throws RangeError when it is not ascending
   */
  constructor(
    private readonly interval: number,
    private readonly window: number,
    stored: readonly Candle[],
  ) {
    for (const candle of stored) {
      if (this.newest !== null && candle.openTime <= this.newest) {
        throw new RangeError(`Stored candles must be ascending: ${candle.openTime} does not follow ${this.newest}`);
      }
      this.known.set(candle.openTime, { candle });
      if (this.newest !== null && candle.openTime > this.newest + interval) this.addGap(candle.openTime);
      this.advance(candle.openTime);
    }
  }

  /** Open time of the newest released candle. */
  get last(): number | null {
    return this.newest;
  }

  get heldCandles(): number {
    return this.held.length;
  }

  /** How many candles are waited for. */
  get waitedFor(): number {
    const { held, newest } = this;
    return held.length === 0 || newest === null ? 0 : (held.at(-1)!.openTime - newest) / this.interval - held.length;
  }

  /** The first candles that are waited for. */
  get hole(): Range | null {
    if (this.newest === null) return null;
    let next = this.newest + this.interval;
    for (const { openTime } of this.held) {
      if (openTime > next) return { from: next, to: openTime - this.interval };
      next += this.interval;
    }
    return null;
  }

  /** Gaps that were left open and are still in the window, oldest first. */
  get openGaps(): readonly Range[] {
    return this.gaps;
  }

  /** How many candles of gaps that were left open are missing. */
  get leftOut(): number {
    return this.gaps.reduce((sum, gap) => sum + this.count(gap), 0);
  }

  /** The candle before another one, if it is remembered. */
  before(openTime: number): Candle | undefined {
    return this.known.get(openTime - this.interval)?.candle;
  }

  count({ from, to }: Range): number {
    return (to - from) / this.interval + 1;
  }

  place(candle: Candle): Placement {
    const { openTime } = candle;
    const known = this.known.get(openTime);
    if (known !== undefined) return this.again(known, candle);
    if (this.newest !== null && openTime <= this.newest) {
      if (!this.repair(openTime)) return { kind: "out of order" };
      this.known.set(openTime, { candle });
      return { kind: "repair" };
    }
    this.known.set(openTime, { candle });
    const furthest = this.held.at(-1)?.openTime ?? this.newest;
    let index = this.held.length;
    while (index > 0 && this.held[index - 1]!.openTime > openTime) index--;
    this.held.splice(index, 0, candle);
    if (furthest === null || openTime === furthest + this.interval) return { kind: "placed", hole: null, fills: false };
    if (openTime < furthest) return { kind: "placed", hole: null, fills: true };
    return { kind: "placed", hole: { from: furthest + this.interval, to: openTime - this.interval }, fills: false };
  }

  /** Releases the next candle when all before it are there; undefined when there is none, or it has to wait. */
  next(): Candle | undefined {
    const first = this.held[0];
    if (first === undefined || (this.newest !== null && first.openTime > this.newest + this.interval)) return undefined;
    this.held.shift();
    this.advance(first.openTime);
    return first;
  }

  /** Gives up the first candles that are waited for, when nothing is ready: `next` goes on with those behind them. */
  leaveOpen(): void {
    const hole = this.hole;
    if (hole === null) return;
    this.addGap(hole.to + this.interval);
    this.newest = hole.to;
  }

  private again(known: Known, candle: Candle): Placement {
    if (sameValues(known.candle, candle) || (known.revision !== undefined && sameValues(known.revision, candle))) {
      const told = known.duplicated === true;
      known.duplicated = true;
      return { kind: "duplicate", told };
    }
    known.revision = candle;
    return { kind: "revision", first: known.candle };
  }

  private addGap(next: number): void {
    this.gaps.push({ from: this.newest! + this.interval, to: next - this.interval, followed: 0 });
  }

  private advance(openTime: number): void {
    this.newest = openTime;
    if (this.gaps.length > 0) {
      this.gaps = this.gaps
        .map((gap) => ({ ...gap, followed: gap.followed + 1 }))
        .filter((gap) => gap.followed < this.window);
    }
    // Repairs stand behind newer ones here and go a little later than the others, when they come to the front.
    const oldest = openTime - Math.max(this.window, 1) * this.interval;
    for (const remembered of this.known.keys()) {
      if (remembered >= oldest) break;
      this.known.delete(remembered);
    }
  }

  /** Takes a candle out of the gap it was missing in; false when there is no such gap. */
  private repair(openTime: number): boolean {
    const index = this.gaps.findIndex(({ from, to }) => from <= openTime && openTime <= to);
    if (index < 0) return false;
    const gap = this.gaps[index]!;
    const left = [
      { ...gap, to: openTime - this.interval },
      { ...gap, from: openTime + this.interval },
    ].filter(({ from, to }) => from <= to);
    this.gaps.splice(index, 1, ...left);
    return true;
  }
}
