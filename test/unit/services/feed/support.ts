import type { Candle } from "../../../../domain/candles";
import type { FeedFinding } from "../../../../domain/feedQuality";
import type { FeedState } from "../../../../domain/feedState";
import { FeedBook } from "../../../../services/feed/book";
import { MarketJudge } from "../../../../services/feed/judge";
import type { ReplaySource } from "../../../../services/feed/replaySource";
import { feedSettingsSchema, qualityOptions, type FeedSettings } from "../../../../services/feed/settings";
import type { FeedOutput, Session, StoredCandle, SymbolState } from "../../../../services/feed/store";
import { silent } from "../shared/support";

export const hour = 3_600_000;
/** A full hour. */
export const start = Date.UTC(2024, 0, 1);
export const symbol = "BTCUSDT";

/** A well-formed candle so many hours after the start, joined to those before and after it. */
export function candleAt(hours: number, change: Partial<Candle> = {}): Candle {
  return { openTime: start + hours * hour, open: 100, high: 110, low: 90, close: 100, volume: 1 + hours, ...change };
}

/** Settings of a feed with a synthetic market that differ in this. */
export function settingsOf(change: object = {}): FeedSettings {
  const source = { kind: "synthetic", seed: 1, startTime: new Date(start).toISOString() };
  return feedSettingsSchema.parse({ source, symbols: [symbol], interval: "1h", warmupBars: 2, speed: "maximum", ...change });
}

/** A recording of one symbol. */
export function sourceOf(candles: readonly Candle[], warmupBars = 2, identity = "test"): ReplaySource {
  const first = candles[0]!.openTime;
  return {
    identity,
    firstOpenTime: first,
    tradeFrom: candles[warmupBars]!.openTime,
    slots: (candles.at(-1)!.openTime - first) / hour + 1,
    arrivals: (_symbol, slot) => candles.filter(({ openTime }) => openTime === first + slot * hour).map((candle) => ({ kind: "candle", candle, delay: 0 })),
    silence: () => 0,
    backfill: () => null,
    findings: [],
  };
}

/** A database in memory that takes what the feed writes as the real one does. */
export class MemoryDatabase {
  readonly candles = new Map<number, StoredCandle & { feedState: FeedState }>();
  readonly findings = new Map<string, FeedFinding>();
  readonly sessions: { session: Session; settings: string; replay: boolean }[] = [];
  /** Everything that was told, in order. */
  readonly told: SymbolState[] = [];
  readonly states: FeedState[] = [];
  /** Thrown by the next writes, one each. */
  failures: Error[] = [];
  /** Called with the number of candles after each write. */
  written: (candles: number) => void = () => undefined;
  /** Called after a write that failed. */
  refused: () => void = () => undefined;
  awaited = false;
  position = false;
  /** Thrown by the next questions for positions, one each. */
  positionFailures: Error[] = [];
  traded: number[] = [];
  private ageSeconds = 0;

  constructor(private readonly identity = "test") {}

  get last(): SymbolState | undefined {
    return this.told.at(-1);
  }

  /** Candles with the hours after the start at which they opened, ascending. */
  get table(): { hours: number; state: FeedState }[] {
    return [...this.candles.values()].sort((one, other) => one.openTime - other.openTime).map(({ openTime, feedState }) => ({ hours: (openTime - start) / hour, state: feedState }));
  }

  async write(outputs: readonly FeedOutput[], states: readonly SymbolState[]): Promise<{ symbol: string; finding: FeedFinding }[]> {
    const failure = this.failures.shift();
    if (failure !== undefined) {
      setImmediate(() => this.refused());
      throw failure;
    }
    const fresh: { symbol: string; finding: FeedFinding }[] = [];
    for (const output of outputs) {
      for (const { candle, state } of output.candles) {
        if (!this.candles.has(candle.openTime)) this.candles.set(candle.openTime, { ...candle, source: this.identity, feedState: state });
      }
      for (const finding of output.findings) {
        const key = JSON.stringify([finding.kind, finding.openTime, finding.details]);
        if (!this.findings.has(key)) fresh.push({ symbol: output.symbol, finding });
        this.findings.set(key, this.findings.get(key) ?? finding);
      }
      for (const { state } of output.changes) this.note(state);
    }
    for (const state of states) this.note(state.state);
    this.told.push(...states);
    this.written(outputs.reduce((sum, { candles }) => sum + candles.length, 0));
    return fresh;
  }

  async stored(_symbol: string, newest = Infinity): Promise<StoredCandle[]> {
    const rows = [...this.candles.values()].sort((one, other) => one.openTime - other.openTime);
    return rows.slice(Math.max(0, rows.length - newest)).map(({ feedState: _state, ...candle }) => candle);
  }

  async revisions(_symbol: string, from: number): Promise<Candle[]> {
    const found = [...this.findings.values()].filter(({ kind, severity, openTime }) => kind === "revision" && severity === "DEGRADED" && (openTime as number) >= from);
    return found.map(({ openTime, details }) => ({ ...(details as unknown as Candle), openTime: openTime as number }));
  }

  async lastWord(): Promise<{ measures: SymbolState["measures"]; ageSeconds: number } | undefined> {
    return this.last && { measures: this.last.measures, ageSeconds: this.ageSeconds };
  }

  async newestSession(settings: object): Promise<Session | undefined> {
    const newest = this.sessions.at(-1);
    return newest?.settings === JSON.stringify(settings) ? newest.session : undefined;
  }

  async openSession(session: Session, settings: object, replay: boolean): Promise<void> {
    const entry = { session, settings: JSON.stringify(settings), replay };
    if (JSON.stringify(this.sessions.at(-1)) !== JSON.stringify(entry)) this.sessions.push(entry);
  }

  async isAwaited(): Promise<boolean> {
    return this.awaited;
  }

  async hasPosition(): Promise<boolean> {
    const failure = this.positionFailures.shift();
    if (failure !== undefined) throw failure;
    return this.position;
  }

  async wasTraded(_symbol: string, openTime: number): Promise<boolean> {
    return this.traded.includes(openTime);
  }

  /** So long nobody told anything. */
  age(seconds: number): void {
    this.ageSeconds = seconds;
  }

  private note(state: FeedState): void {
    if (this.states.at(-1) !== state) this.states.push(state);
  }
}

/** Metrics that are not looked at. */
export const noMetrics = { addWritten: () => undefined, addFinding: () => undefined, setState: () => undefined };

/** A judge of these settings and the book that takes it to this database; by the judge's clock no time passes of itself. */
export function judgeAndBook(settings: FeedSettings, database: MemoryDatabase, signal: AbortSignal, mode: "paper" | "live" = "paper"): { judge: MarketJudge; book: FeedBook } {
  const quality = qualityOptions({ mode, settings });
  const judge = new MarketJudge(symbol, quality);
  const book = new FeedBook({
    ...{ judges: [judge], store: database, reader: database, metrics: noMetrics, log: silent, signal },
    now: () => 0,
    acknowledgeDown: quality.acknowledgeDown,
    leaseAlways: settings.speed === "maximum",
  });
  return { judge, book };
}
