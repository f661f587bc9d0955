import type { EquityFacts } from "./facts";

const DAY = 86_400_000;

/** Where a rule counts from: the rearm of its newest halt. */
export interface Baseline {
  /** Incident that was lifted. */
  readonly incident: string;
  /** Newest bar there was then, open time in epoch ms: equity counts from it on. */
  readonly bar: number;
}

export interface EquityMark {
  /** Open time, epoch ms; the equity is that at its close. */
  readonly bar: number;
  readonly equity: number;
}

/**
 * Takes a bot's equity in bar by bar, and keeps what loss and drawdown are counted from. A market that is replayed brings
 * several bars from one look to the next: each of them counts.
 */
export class EquityMeter {
  private day = Number.NEGATIVE_INFINITY;
  private dayStart: number;
  private peak: number;
  private last: number;
  private lastBar = Number.NEGATIVE_INFINITY;
  /** Peak and equity at the deepest fall since the last look, and the same for a day. */
  private deepest: { readonly peak: number; readonly low: number } | null = null;
  private worst: { readonly day: number; readonly dayStart: number; readonly dayLow: number } | null = null;

  /**
   * @param interval length of a bar, ms
   * @param startingCash equity before the first bar
   * @param baselines of each of the two rules; undefined where none of its halts was ever lifted
   */
  constructor(
    private readonly interval: number,
    startingCash: number,
    private readonly baselines: { readonly drawdown: Baseline | undefined; readonly daily: Baseline | undefined } = { drawdown: undefined, daily: undefined },
  ) {
    this.peak = this.dayStart = this.last = startingCash;
  }

  /** Open time of the newest bar that was taken in; null before the first. */
  get bar(): number | null {
    return Number.isFinite(this.lastBar) ? this.lastBar : null;
  }

  /** @param mark a later one than those before; an earlier one is left out */
  add({ bar, equity }: EquityMark): void {
    if (bar <= this.lastBar) return;
    const { drawdown, daily } = this.baselines;
    // The mark at midnight is the end of the day before: a day begins with it and has those after it.
    const day = Math.ceil((bar + this.interval) / DAY) - 1;
    if (day !== this.day) {
      this.day = day;
      this.dayStart = this.last;
    }
    this.peak = drawdown !== undefined && bar <= drawdown.bar ? equity : Math.max(this.peak, equity);
    if (daily !== undefined && bar <= daily.bar) this.dayStart = equity;
    this.last = equity;
    this.lastBar = bar;
    const { peak, dayStart } = this;
    if (this.deepest === null || !(equity / peak >= this.deepest.low / this.deepest.peak)) this.deepest = { peak, low: equity };
    if (this.worst === null || !(equity / dayStart >= this.worst.dayLow / this.worst.dayStart)) this.worst = { day, dayStart, dayLow: equity };
  }

  /** What was before is history: only the newest bar counts. */
  forget(): void {
    this.deepest = null;
    this.worst = null;
  }

  /** Null before the first bar. */
  get facts(): EquityFacts | null {
    if (this.bar === null) return null;
    const { drawdown, daily } = this.baselines;
    const { day, dayStart, dayLow } = this.worst ?? { day: this.day, dayStart: this.dayStart, dayLow: this.last };
    return {
      drawdownSince: drawdown?.incident ?? beginning,
      ...(this.deepest ?? { peak: this.peak, low: this.last }),
      dailySince: daily?.incident ?? beginning,
      ...{ dayStart, dayLow, day: new Date(day * DAY).toISOString().slice(0, 10) },
    };
  }
}

const beginning = "the beginning";
