/**
 * So long before a candle is due, and after it came, bots are left alone: a share of what lies between two, and milliseconds at
 * most; where candles are fast or have no pace, at least twice what the slowest of a hundred decisions takes.
 */
const marginShare = 0.1;
const longestMargin = 2000;
const quietMilliseconds = 100;
/** Candles that come faster one after the other are not awaited: those of a replay that has no pace. */
const shortestPeriod = 200;
/** Candles that may be missing before the next one is awaited no more. */
const missing = 3;
/** No longer than this in one go, whatever comes. */
const longestMilliseconds = 5000;

/** So many candles of a market tell its pace. */
export const candlesOfPace = 4;

/**
 * When a backup stands still for bots to decide: from shortly before a candle is due until nothing was heard for a while.
 * After that it works at least as long as it stood still, whatever comes.
 *
 * All times are milliseconds of one clock.
 */
export class Standstill {
  private readonly markets = new Map<string, readonly number[]>();
  private quietUntil = Number.NEGATIVE_INFINITY;
  private since: number | undefined;
  private notBefore = Number.NEGATIVE_INFINITY;

  /**
   * @param market whose candles came earlier
   * @param times oldest first
   */
  came(market: string, times: readonly number[]): void {
    this.markets.set(market, times.slice(-candlesOfPace));
  }

  /** A candle comes now. */
  candle(market: string, now: number): void {
    this.came(market, [...(this.markets.get(market) ?? []), now]);
    this.quiet(now + Math.max(paceOf(this.markets.get(market)!)?.margin ?? 0, quietMilliseconds));
  }

  /** A bot decided: others, and what follows from it, may still be on their way. */
  decision(now: number): void {
    if (this.since !== undefined) this.quiet(now + quietMilliseconds);
  }

  /** @returns whether it stands still from now on, and milliseconds after which it has to be asked again, infinite where only a candle can change it */
  look(now: number): { readonly still: boolean; readonly again: number } {
    const wanted = this.wantedUntil(now);
    if (this.since === undefined && wanted > now && now >= this.notBefore) this.since = now;
    if (this.since !== undefined) {
      const until = Math.min(wanted, this.since + longestMilliseconds);
      if (until > now) return { still: true, again: until - now };
      this.notBefore = now + (now - this.since);
      this.since = undefined;
    }
    return { still: false, again: this.room(now) };
  }

  /** @returns milliseconds until the next standstill that is foreseen */
  room(now: number): number {
    const begins = this.wantedUntil(now) > now ? now : Math.min(...this.awaited(now).map(({ from }) => from));
    return Math.max(begins, this.notBefore) - now;
  }

  private quiet(until: number): void {
    this.quietUntil = Math.max(this.quietUntil, until);
  }

  private wantedUntil(now: number): number {
    const windows = this.awaited(now).flatMap(({ from, until }) => (from <= now ? [until] : []));
    return Math.max(this.quietUntil, ...windows);
  }

  /** Of each market, when its next candle is awaited. */
  private awaited(now: number): { readonly from: number; readonly until: number }[] {
    return [...this.markets.values()].flatMap((times) => {
      const pace = paceOf(times);
      if (pace === undefined) return [];
      const { last, period, margin } = pace;
      const periods = Math.max(1, Math.floor((now - margin - last) / period) + 1);
      const due = last + periods * period;
      return periods > missing ? [] : [{ from: due - margin, until: due + margin }];
    });
  }
}

interface Pace {
  /** When the newest candle was due. */
  readonly last: number;
  /** Between two candles. */
  readonly period: number;
  /** Around a candle. */
  readonly margin: number;
}

/** @param times when candles of a market came @returns undefined where they have no pace */
function paceOf(times: readonly number[]): Pace | undefined {
  const periods = times.slice(1).map((time, index) => time - times[index]!);
  const period = [...periods].sort((one, other) => one - other)[Math.floor((periods.length - 1) / 2)];
  if (period === undefined || period < shortestPeriod) return undefined;
  // Candles come late, never early: what came least late says when all of them are due.
  const lateness = times.map((time, index) => time + (times.length - 1 - index) * period);
  return { last: Math.min(...lateness), period, margin: Math.min(marginShare * period, longestMargin) };
}
