import { intervalMilliseconds } from "../../domain/intervals";
import type { Logger } from "../shared/log";
import type { Readiness } from "../shared/server";
import type { FeedBook } from "./book";
import type { Clocks } from "./clocks";
import type { Driver } from "./driver";
import { handOver } from "./handOver";
import { readHistory } from "./history";
import type { MarketJudge } from "./judge";
import { SourceFailure, type LiveSource } from "./liveSource";
import { openRunning, readLeft } from "./openRunning";
import type { FeedReader } from "./reader";
import { overlap, RunningMarket } from "./runningMarket";
import type { FeedSettings } from "./settings";
import { agreement, SourceClock } from "./sourceClock";
import type { FeedStore } from "./store";

export interface RunningParts {
  readonly settings: FeedSettings;
  readonly source: LiveSource;
  readonly judges: readonly MarketJudge[];
  readonly book: FeedBook;
  readonly store: Pick<FeedStore, "stored" | "revisions" | "lastWord" | "newestSession" | "openSession">;
  readonly reader: Pick<FeedReader, "candles" | "wasTraded">;
  readonly clocks: Clocks;
  /** Waits so many milliseconds; an aborted signal ends the wait. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** All in milliseconds. */
export const rhythm = {
  /** How often the clocks are compared and time is judged. */
  look: 1000,
  /** Between two signs of life. Not a whole number of seconds, so that a clock that counts seconds is met in all phases. */
  heartbeat: 19_700,
  /** After a question that failed, or a candle that is not there yet. */
  retry: 5000,
  /** A candle that is later than this is no longer asked for so often. */
  patience: 120_000,
  /** A candle that just closed needs a moment to be put together, and the clocks may differ by as much. */
  settling: agreement,
  /** Added with each attempt to get missing candles. */
  backfillPause: 5000,
  /** Between two attempts to fill gaps that were left open. */
  openGaps: 900_000,
} as const;

/** Wall against monotonic clock, in milliseconds: below this it is the two being read one after the other. */
const leastJump = 100;

/** Asks a source that goes on in real time for its clock, its candles, and what is missing of them. */
export class Running implements Driver {
  private readonly interval: number;
  private readonly clock: SourceClock;
  private readonly markets: readonly RunningMarket[];
  private opened = false;
  /** Since when, by the monotonic clock, the source does not answer as it should, and why. */
  private failing: { readonly since: number; readonly reason: string } | undefined;
  private polling = false;
  private nextPoll = Number.NEGATIVE_INFINITY;
  private nextOpenGaps: number;
  private clocksBefore: { readonly wall: number; readonly monotonic: number };
  private fatal: { readonly error: unknown } | undefined;

  constructor(private readonly parts: RunningParts) {
    const { settings, judges, source, clocks } = parts;
    this.interval = intervalMilliseconds(settings.interval);
    this.clock = new SourceClock(clocks, source.clockResolution);
    this.markets = judges.map((judge) => new RunningMarket(judge, this.interval));
    this.clocksBefore = { wall: clocks.wall(), monotonic: clocks.monotonic() };
    this.nextOpenGaps = clocks.monotonic() + rhythm.openGaps;
  }

  get now(): number {
    return this.parts.clocks.monotonic();
  }

  /** The source's time until which candles have closed and are put together, epoch ms. */
  private get ripe(): number {
    return (this.clock.proven ?? 0) - rhythm.settling;
  }

  /** Ready while the source answers and candles come when they are due. */
  get readiness(): Readiness {
    const { failing } = this;
    if (!this.opened) return { ready: false, reason: failing?.reason ?? "reading the history" };
    const { silenceSeconds, lateSeconds } = this.parts.settings.quality;
    if (failing !== undefined && this.now - failing.since > silenceSeconds.down * 1000) return { ready: false, reason: failing.reason };
    for (const { judge, next, lateness } of this.markets.map((market) => ({ judge: market.judge, next: market.next, lateness: market.lateness(this.clock.proven ?? 0) }))) {
      if (lateness <= lateSeconds.down * 1000) continue;
      return { ready: false, reason: `${judge.symbol}: the candle of ${new Date(next as number).toISOString()} is ${Math.round(lateness / 1000)} s late` };
    }
    return { ready: true, reason: failing?.reason ?? "" };
  }

  async run(): Promise<void> {
    const { signal, wait, book, source, log } = this.parts;
    const opening = { ...this.parts, markets: this.markets, clock: this.clock, interval: this.interval };
    const left = await readLeft(opening);
    book.begin();
    while (!signal.aborted) {
      if (!this.opened) await this.attempt(() => openRunning(opening, left).then(() => this.begun(source.identity, log)));
      else this.look();
      this.collect();
      if (this.fatal !== undefined) throw this.fatal.error;
      await wait(this.opened ? rhythm.look : rhythm.retry, signal);
    }
  }

  async beforeRenewal(): Promise<void> {}

  private begun(identity: string, log: Logger): void {
    this.opened = true;
    this.parts.book.runs();
    this.plan();
    log.info({ source: identity }, "session open");
  }

  /** What is to be done once a second: compares the clocks, lets time pass, and asks the source when it is time to. */
  private look(): void {
    const at = this.now;
    if (this.compareClocks()) this.nextPoll = at;
    if (!this.polling && at >= this.nextPoll) {
      this.polling = true;
      void this.attempt(() => this.poll()).finally(() => {
        this.polling = false;
        this.plan();
        this.collect();
      });
    }
    this.expect();
    this.tick();
  }

  private tick(): void {
    for (const { judge } of this.markets) judge.tell((quality) => quality.tick(this.now));
  }

  /** @returns whether the wall clock was moved */
  private compareClocks(): boolean {
    const { clocks } = this.parts;
    const before = this.clocksBefore;
    const present = { wall: clocks.wall(), monotonic: clocks.monotonic() };
    this.clocksBefore = present;
    const jump = present.wall - before.wall - (present.monotonic - before.monotonic);
    if (Math.abs(jump) < leastJump) return false;
    for (const { judge } of this.markets) judge.tell((quality) => quality.clockJump(jump, present.monotonic));
    return true;
  }

  private expect(): void {
    const { proven } = this.clock;
    if (proven !== null) for (const market of this.markets) market.expect(proven, this.now);
  }

  /** Asks for the time, for candles that have closed, and for those that are missing. */
  private async poll(): Promise<void> {
    const { source } = this.parts;
    await this.clock.ask(() => source.time());
    for (const { judge } of this.markets) {
      judge.tell((quality) => quality.heard(this.now));
      judge.tell((quality) => quality.clockSkew(this.clock.skew as number, this.now));
    }
    // After the machine slept, what it missed is late, however soon it comes now.
    this.expect();
    const closedBy = this.ripe;
    const failures: unknown[] = [];
    for (const market of this.markets) {
      try {
        await this.fetchNew(market, closedBy);
        await this.fetchMissing(market, closedBy);
      } catch (error) {
        failures.push(error);
      }
    }
    if (this.now >= this.nextOpenGaps) await this.fetchOpenGaps(closedBy);
    if (failures.length > 0) throw failures[0];
  }

  private async fetchNew(market: RunningMarket, closedBy: number): Promise<void> {
    if (market.next === null || market.next + this.interval > closedBy) return;
    await this.fetch(market, { from: market.next - overlap * this.interval, to: closedBy }, closedBy);
  }

  private async fetchMissing(market: RunningMarket, closedBy: number): Promise<void> {
    const missing = market.backfillDue(this.now);
    if (missing === null) return;
    await this.fetch(market, missing, closedBy);
    market.backfilled(missing, this.now, rhythm.backfillPause);
  }

  /** A source may have later what it had not at first. */
  private async fetchOpenGaps(closedBy: number): Promise<void> {
    const { reader, book, settings } = this.parts;
    this.nextOpenGaps = this.now + rhythm.openGaps;
    const window = (settings.warmupBars + settings.quality.gapWindowCandles) * this.interval;
    for (const market of this.markets) {
      const { judge } = market;
      if (judge.lastOpenTime === null || !judge.quality.measures["leftOpenCandles"]) continue;
      const { symbol, lastOpenTime } = judge;
      const stored = await book.retry(() => reader.candles(symbol, lastOpenTime - window, window / this.interval + 1));
      for (const [index, { openTime }] of stored.entries()) {
        const before = stored[index - 1]?.openTime ?? openTime - this.interval;
        if (openTime > before + this.interval) await this.fetch(market, { from: before + this.interval, to: openTime - this.interval }, closedBy);
      }
    }
  }

  private async fetch(market: RunningMarket, range: { readonly from: number; readonly to: number }, closedBy: number): Promise<void> {
    const candles = await readHistory(this.parts.source, market.judge.symbol, range, this.interval, closedBy);
    await handOver(market, candles, this.parts);
  }

  /** Does something with the source, and notes whether it failed. */
  private async attempt(work: () => Promise<void>): Promise<void> {
    const { log, source, signal } = this.parts;
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof SourceFailure)) {
        this.fatal = { error };
        return;
      }
      if (this.failing?.reason !== error.message) log.warn({ source: source.identity, reason: error.message }, "the source fails");
      this.failing = { since: this.failing?.since ?? this.now, reason: error.message };
      this.tick();
      return;
    }
    if (this.failing === undefined) return;
    log.info({ source: source.identity, seconds: Math.round((this.now - this.failing.since) / 1000) }, "the source answers again");
    this.failing = undefined;
    for (const { judge } of this.markets) judge.tell((quality) => quality.reconnected(this.now));
  }

  /** When the source is to be asked next. */
  private plan(): void {
    const at = this.now;
    const wishes = [at + rhythm.heartbeat];
    if (this.failing !== undefined) wishes.push(at + rhythm.retry);
    for (const market of this.markets) {
      const { ripe } = this;
      const overdue = market.lateness(ripe);
      if (overdue > 0) wishes.push(at + (overdue > rhythm.patience ? rhythm.heartbeat : rhythm.retry));
      wishes.push(at + this.interval - (ripe % this.interval));
      if (market.backfillAt !== null) wishes.push(Math.max(at, market.backfillAt));
    }
    this.nextPoll = Math.min(...wishes);
  }

  /** Takes what the judges said to be written, without waiting for it. */
  private collect(): void {
    const { book, signal } = this.parts;
    for (const { judge } of this.markets) {
      const output = judge.take();
      if (output !== undefined) book.add(output);
    }
    book.flush().catch((error: unknown) => {
      if (!signal.aborted) this.fatal = { error };
    });
  }
}
