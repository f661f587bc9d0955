import type { Arrival } from "../../domain/faultScript";
import type { FeedQualitySettings } from "../../domain/feedQuality";
import type { MarketJudge } from "./judge";
import type { ReplaySource } from "./replaySource";

export interface TimelineOptions {
  /** Length of a candle in milliseconds. */
  readonly interval: number;
  readonly speed: number | "maximum";
  readonly quality: Pick<FeedQualitySettings, "silenceSeconds" | "backfillAttempts">;
}

/** Something on its way: it reaches the feed at `due`, market time in epoch ms. */
interface Delayed {
  readonly due: number;
  readonly market: Market;
  readonly arrival: Arrival;
}

interface Market {
  readonly judge: MarketJudge;
  /** Until this moment of market time nothing is heard of this market's source. */
  silentUntil: number;
  /** The candle of the last slot is missing or still to come. */
  awaited: boolean;
}

/**
 * What happens in a replay, moment by moment, in market time. The judges' clock is market time divided by the speed and
 * not this machine's, so that a replay is judged alike whenever and however often it is played.
 */
export class Timeline {
  private readonly markets: readonly Market[];
  private readonly queue: Delayed[] = [];
  private slot = 0;
  private now: number;
  /** Market milliseconds between two looks at a market of which all is well, and at one of which something is awaited. */
  private readonly steps: { readonly calm: number; readonly awaiting: number } | undefined;

  constructor(
    private readonly source: ReplaySource,
    judges: readonly MarketJudge[],
    private readonly options: TimelineOptions,
  ) {
    this.markets = judges.map((judge) => ({ judge, silentUntil: -Infinity, awaited: false }));
    this.now = source.firstOpenTime;
    this.steps = stepsOf(options);
  }

  /** When the next moment is due, market time in epoch ms; undefined after the last. */
  get due(): number | undefined {
    const close = this.slot < this.source.slots ? this.openTime(this.slot) + this.options.interval : undefined;
    const delayed = this.queue[0]?.due;
    const next = Math.min(close ?? Infinity, delayed ?? Infinity);
    if (next === Infinity) return undefined;
    return Math.min(next, this.nextLook());
  }

  /** The judges' clock, in milliseconds. */
  get clock(): number {
    return this.at(this.now);
  }

  /** Lets happen what is due next. */
  advance(): void {
    const { due } = this;
    if (due === undefined) return;
    this.now = due;
    const at = this.at(due);
    while (this.queue[0] !== undefined && this.queue[0].due <= due) {
      const { market, arrival } = this.queue.shift() as Delayed;
      this.arrive(market, arrival, at);
    }
    if (this.slot < this.source.slots && this.openTime(this.slot) + this.options.interval <= due) this.closeSlot(at);
    for (const market of this.markets) {
      this.backfill(market, at);
      market.judge.tell((quality) => (market.silentUntil <= due ? quality.heard(at) : quality.tick(at)));
    }
  }

  private closeSlot(at: number): void {
    const openTime = this.openTime(this.slot);
    const close = openTime + this.options.interval;
    for (const market of this.markets) {
      const { judge } = market;
      judge.tell((quality) => {
        if (market.silentUntil <= close) quality.heard(at);
        quality.expect(openTime, at);
      });
      market.awaited = true;
      const silence = this.source.silence(judge.symbol, this.slot);
      if (silence > 0) market.silentUntil = Math.max(market.silentUntil, close + silence);
      for (const arrival of this.source.arrivals(judge.symbol, this.slot)) {
        const delay = arrival.kind === "candle" ? arrival.delay : arrival.kind === "clockSkew" ? silence : 0;
        if (delay > 0) this.delay({ due: close + delay, market, arrival });
        else this.arrive(market, arrival, at);
      }
    }
    this.slot++;
  }

  private delay(delayed: Delayed): void {
    const later = this.queue.findIndex(({ due }) => due > delayed.due);
    this.queue.splice(later < 0 ? this.queue.length : later, 0, delayed);
  }

  private arrive(market: Market, arrival: Arrival, at: number): void {
    market.judge.tell((quality) => {
      switch (arrival.kind) {
        case "candle":
          market.awaited = false;
          return quality.candle(arrival.candle, at);
        case "reconnect":
          return quality.reconnected(at);
        case "clockSkew":
          return quality.clockSkew(arrival.milliseconds, at);
      }
    });
  }

  /** Asks for what is missing as often as it may be asked for: a replay answers at once. */
  private backfill({ judge }: Market, at: number): void {
    const { interval, quality } = this.options;
    for (let attempt = 0; attempt < quality.backfillAttempts; attempt++) {
      const missing = judge.quality.missing;
      if (missing === null) return;
      for (let openTime = missing.from; openTime <= missing.to; openTime += interval) {
        const candle = this.source.backfill(judge.symbol, openTime);
        if (candle !== null) judge.tell((rules) => rules.candle(candle, at));
      }
      if (judge.quality.missing !== null) judge.tell((rules) => rules.backfillFailed(at));
    }
  }

  /** Between two events the markets are looked at often enough to hear of silence and lateness. */
  private nextLook(): number {
    if (this.steps === undefined) return Infinity;
    const step = this.markets.some(({ awaited }) => awaited) ? this.steps.awaiting : this.steps.calm;
    const { firstOpenTime } = this.source;
    return firstOpenTime + (Math.floor((this.now - firstOpenTime) / step) + 1) * step;
  }

  private openTime(slot: number): number {
    return this.source.firstOpenTime + slot * this.options.interval;
  }

  /** The judges' clock at a moment of market time, in milliseconds. */
  private at(moment: number): number {
    const { speed } = this.options;
    return (moment - this.source.firstOpenTime) / (speed === "maximum" ? 1 : speed);
  }
}

function stepsOf({ speed, quality }: TimelineOptions): { calm: number; awaiting: number } | undefined {
  if (speed === "maximum") return undefined;
  const { degraded } = quality.silenceSeconds;
  // The rules never take less than a second for silence, or what is configured when that is less.
  const bound = 1000 * Math.max(degraded / speed, Math.min(degraded, 1));
  const calm = 0.75 * bound;
  return { calm: calm * speed, awaiting: Math.min(calm, 1000) * speed };
}
