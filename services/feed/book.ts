import pRetry from "p-retry";
import type { FeedFinding } from "../../domain/feedQuality";
import type { FeedState } from "../../domain/feedState";
import type { Logger } from "../shared/log";
import { feedStopped } from "../shared/words";
import { isTemporary, LockTakenError } from "./database";
import type { MarketJudge } from "./judge";
import type { FeedMetrics } from "./metrics";
import type { FeedReader } from "./reader";
import { leaseRenewalSeconds, type FeedOutput, type FeedStore, type SymbolState } from "./store";
import { wait } from "./wait";

export interface BookParts {
  readonly judges: readonly MarketJudge[];
  readonly store: Pick<FeedStore, "write">;
  readonly reader: Pick<FeedReader, "hasPosition">;
  readonly metrics: Pick<FeedMetrics, "addWritten" | "addFinding" | "setState">;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** The judges' clock, in milliseconds. */
  readonly now: () => number;
  /** Whether a DOWN with a position open has to be acknowledged. */
  readonly acknowledgeDown: boolean;
  /**
   * At speed "maximum" market time has nothing to do with the lease's: it is renewed as long as the feed is alive, and
   * the state of each bar alone decides.
   */
  readonly leaseAlways: boolean;
}

/** What can be said instead of what a judge says. */
type Word = Partial<Pick<SymbolState, "state" | "reason" | "lease" | "phase">>;

/** Wall milliseconds the last word to the database may take when the service stops. */
const farewellMilliseconds = 3000;
/** A write that takes longer than this is told of. */
const patienceSeconds = 20;

/**
 * Takes what the judges gave to the database, in order, and renews the lease. While the database is away it keeps what
 * is to be written; nothing but the newest state is told when it is back.
 */
export class FeedBook {
  private readonly waiting = new Map<string, FeedOutput>();
  private running: Promise<void> | undefined;
  private renewalAsked = false;
  private renewal: NodeJS.Timeout | undefined;
  private readonly problems = new Map<"read" | "write", string>();
  /** Since when, by the monotonic clock in milliseconds, a write waits for its answer. */
  private writingSince: number | undefined;
  private begun = false;
  private phase: SymbolState["phase"] = "starting";
  private override: Word | undefined;

  constructor(private readonly parts: BookParts) {}

  /** Why nothing can be written; undefined when it can. */
  get trouble(): string | undefined {
    const problem = this.problems.get("write") ?? this.problems.get("read");
    if (problem !== undefined || this.writingSince === undefined) return problem;
    const seconds = Math.round((performance.now() - this.writingSince) / 1000);
    return seconds > patienceSeconds ? `database: no answer for ${seconds} s` : undefined;
  }

  get states(): SymbolState[] {
    return this.parts.judges.map((judge) => {
      const { state, reason, measures } = judge.quality;
      const lease = this.parts.leaseAlways || state === "HEALTHY" ? "renew" : "withdraw";
      // What the judge said is kept beside what is said instead of it: a feed that starts again asks for it.
      return { symbol: judge.symbol, state, reason, lastOpenTime: judge.lastOpenTime, measures: { ...measures, judged: state }, lease, phase: this.phase, ...this.override } as const;
    });
  }

  /** From now on states are told: what an earlier run has left there was read. */
  begin(): void {
    this.begun = true;
  }

  /** The judges have heard all that was to be heard before the market goes on: from now on their verdict is on it. */
  runs(): void {
    this.phase = "running";
  }

  add(output: FeedOutput): void {
    const before = this.waiting.get(output.symbol);
    const both = (name: "candles" | "findings" | "changes") => [...(before?.[name] ?? []), ...output[name]] as never;
    this.waiting.set(output.symbol, before === undefined ? output : { symbol: output.symbol, candles: both("candles"), findings: both("findings"), changes: both("changes") });
  }

  /** From now on says this of every market, whatever its judge says; undefined gives the judges their word back. */
  say(override: Word | undefined): void {
    this.override = override;
  }

  /**
   * Writes what waits; resolves when all of it is written.
   * @throws what the database says when trying again makes no sense, or the signal's reason
   */
  flush(): Promise<void> {
    return this.waiting.size === 0 && this.running === undefined ? Promise.resolve() : this.run();
  }

  /** Tells the states, which renews the lease of those who have one. */
  renew(): Promise<void> {
    if (!this.begun) return Promise.resolve();
    this.renewalAsked = true;
    return this.run();
  }

  /** Renews every ten seconds; `before` is called each time, `failed` when trying again makes no sense. */
  startRenewal(before: () => Promise<void>, failed: (error: unknown) => void): void {
    let renewing = false;
    const renew = async (): Promise<void> => {
      // A database that is slow or away must not let renewals pile up.
      if (renewing || !this.begun) return;
      renewing = true;
      try {
        await before();
        await this.renew();
      } finally {
        renewing = false;
      }
    };
    this.renewal = setInterval(() => {
      renew().catch((error: unknown) => !this.parts.signal.aborted && failed(error));
    }, leaseRenewalSeconds * 1000);
  }

  /** The last word: the feed is down because it was stopped. */
  async close(): Promise<void> {
    clearInterval(this.renewal);
    if (!this.begun) return;
    // That a recording is over stays true when its feed is stopped.
    const phase = this.override?.phase === "ended" ? "ended" : "stopped";
    this.say({ state: "DOWN", reason: feedStopped, lease: this.parts.leaseAlways ? "leave" : "withdraw", phase });
    const { store, log } = this.parts;
    const written = this.lookAtPositions(new Map()).then(() => store.write([...this.waiting.values()], this.states));
    const farewell = written.catch((error: unknown) => log.warn({ err: error }, "the stop could not be written"));
    await Promise.race([farewell, wait(farewellMilliseconds)]);
  }

  private run(): Promise<void> {
    this.running ??= this.writeAll().finally(() => (this.running = undefined));
    return this.running;
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.size > 0 || this.renewalAsked) {
      this.renewalAsked = false;
      await this.retry(() => this.writeOnce(), "write");
    }
  }

  private async writeOnce(): Promise<void> {
    this.writingSince = performance.now();
    const looked = new Map<MarketJudge, FeedState>();
    try {
      while (this.unlooked(looked).length > 0) await this.lookAtPositions(looked);
      await this.writeWaiting();
    } finally {
      this.writingSince = undefined;
    }
  }

  private async writeWaiting(): Promise<void> {
    const { store, metrics } = this.parts;
    const outputs = [...this.waiting.values()];
    const { states } = this;
    this.waiting.clear();
    let fresh: { symbol: string; finding: FeedFinding }[];
    try {
      fresh = await store.write(outputs, states);
    } catch (error) {
      this.putBack(outputs);
      throw error;
    }
    for (const { symbol, candles } of outputs) if (candles.length > 0) metrics.addWritten(symbol, candles.length);
    for (const { symbol, finding } of fresh) this.report(symbol, finding);
    for (const state of states) metrics.setState(state);
  }

  /** Markets that are not healthy, and whose positions were not looked at since they are in their state. */
  private unlooked(looked: ReadonlyMap<MarketJudge, FeedState>): MarketJudge[] {
    const { judges, acknowledgeDown } = this.parts;
    return acknowledgeDown ? judges.filter((judge) => judge.quality.state !== "HEALTHY" && looked.get(judge) !== judge.quality.state) : [];
  }

  /**
   * Tells the judges of positions that are open while their market is not healthy. It is done before that is written,
   * because the very candle that made the feed DOWN may close the position as soon as the broker sees it.
   */
  private async lookAtPositions(looked: Map<MarketJudge, FeedState>): Promise<void> {
    const { reader, now } = this.parts;
    for (const judge of this.unlooked(looked)) {
      looked.set(judge, judge.quality.state);
      if (await reader.hasPosition(judge.symbol)) judge.tell((quality) => quality.positionOpen(now()));
    }
  }

  private putBack(outputs: readonly FeedOutput[]): void {
    const later = [...this.waiting.values()];
    this.waiting.clear();
    for (const output of [...outputs, ...later]) this.add(output);
  }

  private report(symbol: string, { kind, severity, openTime, reason, details }: FeedFinding): void {
    this.parts.metrics.addFinding(symbol, kind, severity);
    const about = { symbol, kind, severity, openTime: openTime === null ? null : new Date(openTime).toISOString(), reason, details };
    this.parts.log[severity === "note" ? "info" : "warn"](about, "finding");
  }

  /** Tries again while the database is away and lets readiness say so. */
  retry<T>(operation: () => Promise<T>, kind: "read" | "write" = "read"): Promise<T> {
    const { log, signal } = this.parts;
    const told = async (): Promise<T> => {
      try {
        const result = await operation();
        this.problems.delete(kind);
        return result;
      } catch (error) {
        const text = `${error instanceof LockTakenError ? "" : "database: "}${(error as Error).message}`;
        this.problems.set(kind, text);
        throw error;
      }
    };
    return pRetry(told, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 250,
      maxTimeout: 2000,
      signal,
      shouldRetry: ({ error }) => isTemporary(error),
      onFailedAttempt: ({ error, attemptNumber }) => {
        if (isTemporary(error)) log.warn({ attempt: attemptNumber, error: error.message }, kind === "write" ? "the database takes no writes" : "the database gives no answer");
      },
    });
  }
}
