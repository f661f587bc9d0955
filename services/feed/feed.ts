import { intervalMilliseconds } from "../../domain/intervals";
import { retryConnection } from "../shared/database";
import type { Logger } from "../shared/log";
import type { Readiness } from "../shared/server";
import type { FeedState } from "../shared/schema";
import type { FeedMetrics } from "./metrics";
import type { Pacing } from "./pacing";
import { checkResume } from "./resume";
import type { FeedSettings } from "./settings";
import type { CandleSource } from "./source";
import { leaseRenewalSeconds, type FeedStore, type SymbolState } from "./store";
import { wait } from "./wait";
import { SourceWalker, type Step } from "./walker";

export interface FeedParts {
  settings: FeedSettings;
  source: CandleSource;
  store: Pick<FeedStore, "stored" | "openSession" | "write" | "writeStates" | "isAwaited">;
  pacing: Pacing;
  metrics: Pick<FeedMetrics, "addWritten" | "addFinding" | "setState">;
  log: Logger;
  signal: AbortSignal;
}

/** Candles written in one transaction when many are due at once. */
const batchCandles = 200;
/** Wall milliseconds the last word to the database may take when the service stops. */
const farewellMilliseconds = 3000;

/** Writes the closed candles of one source in order, each once, and says how the feed is. */
export class Feed {
  private readonly interval: number;
  private readonly states: Map<string, SymbolState>;
  private ended = false;
  /** Up to this open time nothing waits: the warm-up, and what an earlier run of the service had come to. */
  private unpacedUntil = Number.NEGATIVE_INFINITY;
  private trouble: string | undefined = "the session is not open yet";
  private renewing = false;

  constructor(private readonly parts: FeedParts) {
    this.interval = intervalMilliseconds(parts.settings.interval);
    this.states = new Map(
      parts.settings.symbols.map((symbol) => [symbol, { symbol, state: "HEALTHY", reason: "no candle yet", lastOpenTime: null }]),
    );
  }

  /** Ready while candles are written when they are due; an ended recording has done all it should. */
  readiness(): Readiness {
    if (this.trouble !== undefined) return { ready: false, reason: this.trouble };
    if (!this.parts.pacing.anchored && !this.ended) return { ready: false, reason: "writing the warm-up" };
    return { ready: true, reason: this.all().map(({ symbol, reason }) => `${symbol}: ${reason}`).join("; ") };
  }

  /**
   * Runs until the signal is aborted.
   * @throws SourceChangedError when the database holds other candles than the source gives
   */
  async run(): Promise<void> {
    const { signal, log } = this.parts;
    let renewal: NodeJS.Timeout | undefined;
    try {
      const walker = await this.open();
      renewal = setInterval(() => void this.renew(), leaseRenewalSeconds * 1000);
      await this.replay(walker);
      if (!signal.aborted) {
        log.info("all candles of the source are written");
        this.ended = true;
        await this.renew();
      }
      while (!signal.aborted) await wait(Number.POSITIVE_INFINITY, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(renewal);
    }
    await this.sayStopped();
  }

  private async open(): Promise<SourceWalker> {
    const { settings, source, store, log } = this.parts;
    const first = source.at(0)?.[0]?.candle;
    const trade = source.at(settings.warmupBars)?.[0]?.candle;
    if (first === undefined || trade === undefined) throw new Error("the source has no candle after the warm-up");
    // The speed may change from start to start, what is replayed may not.
    const { speed: _speed, ...lasting } = settings;
    const stored = await this.retry("open session", async () => {
      const candles = await store.stored(settings.symbols);
      checkResume(source, candles, this.interval);
      await store.openSession({ warmupFrom: first.openTime, tradeFrom: trade.openTime }, lasting);
      return candles;
    });
    this.unpacedUntil = trade.openTime - 1;
    for (const [symbol, { last }] of stored) {
      this.setState(symbol, "HEALTHY", "candles arrive in order", last.openTime);
      this.unpacedUntil = Math.max(this.unpacedUntil, last.openTime);
    }
    const symbol = settings.symbols[0] as string;
    const findings = source.findings.map((finding) => ({ symbol, finding }));
    await this.retry("write findings", () => store.write([], findings, this.all()));
    for (const { finding } of findings) this.parts.metrics.addFinding(symbol, finding.kind);
    log.info({ source: source.identity, findings: findings.length, resumed: stored.size > 0 }, "session open");
    return new SourceWalker(source, this.interval, stored);
  }

  private async replay(walker: SourceWalker): Promise<void> {
    const { signal, settings } = this.parts;
    const batchSize = Math.max(1, Math.floor(batchCandles / settings.symbols.length));
    let step = walker.next();
    while (step !== undefined && !signal.aborted) {
      const batch: Step[] = [];
      while (step !== undefined && batch.length < batchSize && this.waitFor(step) === 0) {
        batch.push(step);
        step = walker.next();
      }
      if (batch.length > 0) await this.write(batch);
      else if (step !== undefined) await wait(this.waitFor(step), signal);
    }
  }

  /** Wall milliseconds until the candles of a step are closed. */
  private waitFor(step: Step): number {
    const { pacing } = this.parts;
    if (step.openTime <= this.unpacedUntil) return 0;
    if (!pacing.anchored) pacing.start(step.openTime);
    return pacing.wait(step.openTime + this.interval);
  }

  private async write(batch: readonly Step[]): Promise<void> {
    const { store, metrics, log } = this.parts;
    for (const step of batch) {
      for (const { symbol, candle } of step.candles) this.setState(symbol, "HEALTHY", "candles arrive in order", candle.openTime);
      for (const { symbol, kind } of step.rejected) {
        this.setState(symbol, "DEGRADED", `rejected a candle: ${kind}`);
        log.warn({ symbol, kind, openTime: new Date(step.openTime).toISOString() }, "candle rejected");
      }
    }
    const candles = batch.flatMap((step) => step.candles);
    const findings = batch.flatMap((step) => step.findings);
    await this.retry("write candles", () => store.write(candles, findings, this.all()));
    for (const { symbol } of candles) metrics.addWritten(symbol);
    for (const { symbol, finding } of findings) metrics.addFinding(symbol, finding.kind);
    for (const state of this.all()) metrics.setState(state);
  }

  /** Tells the state again, which renews the lease of what is healthy. */
  private async renew(): Promise<void> {
    const { store, metrics, log } = this.parts;
    if (this.renewing) return;
    this.renewing = true;
    try {
      if (this.ended) await this.judgeEnd();
      await store.writeStates(this.all());
      for (const state of this.all()) metrics.setState(state);
      this.trouble = undefined;
    } catch (error) {
      this.trouble = `database: ${(error as Error).message}`;
      log.warn({ err: error }, "the lease could not be renewed");
    } finally {
      this.renewing = false;
    }
  }

  /**
   * Bots may be slower than the replay: while one of them has bars before it, the recording is not over for it, and
   * the lease goes on. Else a fast replay would end with entries refused that a slow one allows.
   */
  private async judgeEnd(): Promise<void> {
    for (const { symbol, lastOpenTime } of this.all()) {
      const awaited = lastOpenTime !== null && (await this.parts.store.isAwaited(symbol, lastOpenTime));
      if (awaited) this.setState(symbol, "HEALTHY", "recording written to its end, bots have yet to work through it");
      else this.setState(symbol, "DOWN", "recording ended");
    }
  }

  private async sayStopped(): Promise<void> {
    for (const { symbol } of this.all()) this.setState(symbol, "DOWN", "feed stopped");
    const farewell = this.parts.store.writeStates(this.all()).catch((error: unknown) => {
      this.parts.log.warn({ err: error }, "the stop could not be written");
    });
    await Promise.race([farewell, wait(farewellMilliseconds)]);
  }

  private all(): SymbolState[] {
    return [...this.states.values()];
  }

  private setState(symbol: string, state: FeedState, reason: string, lastOpenTime?: number): void {
    const known = this.states.get(symbol);
    this.states.set(symbol, { symbol, state, reason, lastOpenTime: lastOpenTime ?? known?.lastOpenTime ?? null });
  }

  /** Retries while the database is away and lets readiness say so. */
  private retry<T>(name: string, operation: () => Promise<T>): Promise<T> {
    const told = async (): Promise<T> => {
      try {
        const result = await operation();
        this.trouble = undefined;
        return result;
      } catch (error) {
        this.trouble = `database: ${(error as Error).message}`;
        throw error;
      }
    };
    return retryConnection(name, told, this.parts);
  }
}
