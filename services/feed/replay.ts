import { intervalMilliseconds } from "../../domain/intervals";
import type { Logger } from "../shared/log";
import type { Readiness } from "../shared/server";
import type { FeedBook } from "./book";
import type { Driver } from "./driver";
import type { MarketJudge } from "./judge";
import type { Pacing } from "./pacing";
import type { FeedReader } from "./reader";
import type { ReplaySource } from "./replaySource";
import { Resume } from "./resume";
import type { FeedSettings } from "./settings";
import type { FeedStore } from "./store";
import { Timeline } from "./timeline";

export interface ReplayParts {
  readonly settings: FeedSettings;
  readonly source: ReplaySource;
  readonly judges: readonly MarketJudge[];
  readonly book: FeedBook;
  readonly store: Pick<FeedStore, "stored" | "openSession">;
  readonly reader: Pick<FeedReader, "isAwaited">;
  readonly pacing: Pacing;
  /** Waits so many milliseconds; an aborted signal ends the wait. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Candles written in one transaction when many are due at once. */
const batchCandles = 200;
/** Moments of market time after which others get their turn when nothing is to be written. */
const batchMoments = 20_000;

/** Plays a synthetic market or a recording, each candle when it is due, and goes on where an earlier run came to. */
export class Replay implements Driver {
  private readonly interval: number;
  private readonly resumes = new Map<string, Resume>();
  private ended = false;
  /** Up to this moment of market time nothing waits: the warm-up, and what an earlier run had come to. */
  private unpacedUntil = Number.NEGATIVE_INFINITY;
  private timeline: Timeline | undefined;

  constructor(private readonly parts: ReplayParts) {
    this.interval = intervalMilliseconds(parts.settings.interval);
  }

  get now(): number {
    return this.timeline?.clock ?? 0;
  }

  /** A replay does what it is told: it is ready even while its script lets nothing arrive. */
  get readiness(): Readiness {
    if (this.timeline === undefined) return { ready: false, reason: "the session is not open yet" };
    if (!this.parts.pacing.anchored && !this.ended) return { ready: false, reason: "writing the warm-up" };
    return { ready: true, reason: "" };
  }

  async run(): Promise<void> {
    const { signal, log, book, source, judges, settings, pacing, wait } = this.parts;
    await this.open();
    const timeline = new Timeline(source, judges, { interval: this.interval, speed: settings.speed, quality: settings.quality });
    this.timeline = timeline;
    let told = false;
    while (timeline.due !== undefined && !signal.aborted) {
      this.play(timeline);
      if (pacing.anchored) book.runs();
      await book.flush();
      if (!told && pacing.anchored) {
        // Where an earlier run had come to there is nothing to write yet, but the last word was that it stopped.
        told = true;
        await book.renew();
      }
      if (timeline.due !== undefined) await wait(this.waitFor(timeline.due), signal);
    }
    if (signal.aborted) return;
    for (const resume of this.resumes.values()) resume.end();
    log.info("all candles of the source are written");
    this.ended = true;
    await this.beforeRenewal();
    await book.renew();
    while (!signal.aborted) await wait(Number.POSITIVE_INFINITY, signal);
  }

  /**
   * Bots may be slower than the replay: while one of them has bars before it, the recording is not over for it, and
   * the lease goes on. Else a fast replay would end with entries refused that a slow one allows.
   */
  async beforeRenewal(): Promise<void> {
    const { book, judges, reader } = this.parts;
    if (!this.ended) return;
    const awaited = await book.retry(async () => {
      const all = await Promise.all(judges.map(({ symbol, lastOpenTime }) => lastOpenTime !== null && reader.isAwaited(symbol, lastOpenTime)));
      return all.includes(true);
    });
    if (awaited) book.say({ reason: "recording written to its end, bots have yet to work through it", phase: "running" });
    else book.say({ state: "DOWN", reason: "recording ended", lease: "leave", phase: "ended" });
  }

  private async open(): Promise<void> {
    const { settings, source, store, judges, book, log } = this.parts;
    // Speed and rules may change from start to start, what is replayed may not.
    const { speed: _speed, quality: _quality, ...lasting } = settings;
    this.unpacedUntil = source.tradeFrom;
    for (const judge of judges) {
      const { symbol } = judge;
      const stored = await book.retry(() => store.stored(symbol));
      this.resumes.set(symbol, new Resume(source.identity, symbol, stored));
      const last = stored.at(-1);
      if (last !== undefined) this.unpacedUntil = Math.max(this.unpacedUntil, last.openTime + this.interval);
    }
    await book.retry(() => store.openSession({ warmupFrom: source.firstOpenTime, tradeFrom: source.tradeFrom }, lasting, true));
    book.begin();
    const symbol = settings.symbols[0] as string;
    if (source.findings.length > 0) book.add({ symbol, candles: [], findings: source.findings, changes: [] });
    log.info({ source: source.identity, findings: source.findings.length, unpacedUntil: new Date(this.unpacedUntil).toISOString() }, "session open");
  }

  /** Lets happen what is due, up to as much as goes into one transaction. */
  private play(timeline: Timeline): void {
    const { judges, book, signal } = this.parts;
    const most = Math.max(1, Math.floor(batchCandles / judges.length));
    let written = 0;
    for (let moments = 0; moments < batchMoments && written < most && !signal.aborted; moments++) {
      if (timeline.due === undefined || this.waitFor(timeline.due) > 0) return;
      timeline.advance();
      for (const judge of judges) {
        const output = judge.take();
        const passed = output && this.resumes.get(judge.symbol)?.pass(output);
        if (passed === undefined) continue;
        book.add(passed);
        written += passed.candles.length > 0 ? 1 : 0;
      }
    }
  }

  /** Wall milliseconds until a moment of market time has come. */
  private waitFor(moment: number): number {
    const { pacing } = this.parts;
    if (moment <= this.unpacedUntil) return 0;
    if (!pacing.anchored) pacing.start(this.unpacedUntil);
    return pacing.wait(moment);
  }
}
