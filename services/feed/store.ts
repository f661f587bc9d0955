import { sql, type Kysely, type Transaction } from "kysely";
import type { Candle } from "../../domain/candles";
import type { FeedFinding, FindingKind, JudgedCandle } from "../../domain/feedQuality";
import type { FeedState } from "../../domain/feedState";
import { toDate, toEpoch } from "../shared/database";
import type { FeedPhase, TradingSchema } from "../shared/schema";

/** A market's feed came into this state. */
export interface StateChange {
  readonly state: FeedState;
  readonly reason: string;
  /** Open time of the newest candle then, epoch ms. */
  readonly lastOpenTime: number | null;
}

/** What is told about a symbol to those who trade it. */
export interface SymbolState extends StateChange {
  readonly symbol: string;
  /** What the state is judged by. */
  readonly measures: Readonly<Record<string, number | string | null>>;
  /** Renewed for those who may be traded on, withdrawn from the others; or left to run out. */
  readonly lease: "renew" | "withdraw" | "leave";
  /** Whether candles can be expected: before its first verdict, in its work, stopped in order, or over with its recording. */
  readonly phase: FeedPhase;
}

/** What the feed of a symbol gave, to be written in one transaction. */
export interface FeedOutput {
  readonly symbol: string;
  readonly candles: readonly JudgedCandle[];
  readonly findings: readonly FeedFinding[];
  readonly changes: readonly StateChange[];
}

export interface Session {
  readonly warmupFrom: number;
  readonly tradeFrom: number;
}

export interface StoredCandle extends Candle {
  readonly source: string;
}

/** Seconds a lease lasts; it is renewed every `leaseRenewalSeconds`. */
export const leaseSeconds = 60;
export const leaseRenewalSeconds = 10;

/** A statement has room for 65,535 values. */
const rowsPerStatement = 1000;

type Writing = Transaction<TradingSchema>;

/** The feed's reads and writes. Every write may be repeated: what is there already stays as it is. */
export class FeedStore {
  constructor(
    private readonly db: Kysely<TradingSchema>,
    private readonly source: string,
    private readonly interval: string,
  ) {}

  /** The candles of a symbol, ascending: all of them, or as many of the newest as are asked for. */
  async stored(symbol: string, newest?: number): Promise<StoredCandle[]> {
    let query = this.db.selectFrom("candles").select(["openTime", "open", "high", "low", "close", "volume", "source"]);
    query = query.where("symbol", "=", symbol).where("interval", "=", this.interval).orderBy("openTime", "desc");
    const rows = await (newest === undefined ? query : query.limit(newest)).execute();
    return rows.map((row) => ({ ...row, openTime: toEpoch(row.openTime) })).reverse();
  }

  /** Other values that the symbol's candles from an open time (epoch ms) on came again with, oldest first. */
  async revisions(symbol: string, from: number): Promise<Candle[]> {
    const rows = await this.db
      .selectFrom("feedFindings")
      .select(["openTime", "details"])
      .where("symbol", "=", symbol)
      .where("interval", "=", this.interval)
      .where("kind", "=", "revision" satisfies FindingKind)
      // Beside it, what was traded on has a second finding that says so.
      .where("severity", "=", "DEGRADED")
      .where("openTime", ">=", toDate(from))
      .orderBy("id")
      .execute();
    return rows.map(({ openTime, details }) => {
      const { open, high, low, close, volume } = details as unknown as Candle;
      return { openTime: toEpoch(openTime) as number, open, high, low, close, volume };
    });
  }

  /** What was told of a symbol last, and how many seconds ago; undefined when nothing was. */
  async lastWord(symbol: string): Promise<{ readonly measures: SymbolState["measures"]; readonly ageSeconds: number } | undefined> {
    return this.db
      .selectFrom("feedStatus")
      .select(["measures", sql<number>`extract(epoch FROM now() - updated_at)::float`.as("ageSeconds")])
      .where("symbol", "=", symbol)
      .where("interval", "=", this.interval)
      .executeTakeFirst();
  }

  /** The newest session when it has this source and these settings. */
  async newestSession(settings: object): Promise<Session | undefined> {
    const newest = await this.db
      .selectFrom("feedSessions")
      .select(({ eb }) => ["warmupFrom", "tradeFrom", eb("source", "=", this.source).as("sameSource"), sql<boolean>`settings = ${JSON.stringify(settings)}::jsonb`.as("sameSettings")])
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
    if (newest === undefined || newest.sameSource !== true || !newest.sameSettings) return undefined;
    return { warmupFrom: toEpoch(newest.warmupFrom), tradeFrom: toEpoch(newest.tradeFrom) };
  }

  /** Goes on with the newest session when it is this one, else begins a new one. */
  async openSession(session: Session, settings: object, replay: boolean): Promise<void> {
    const newest = await this.newestSession(settings);
    if (newest?.warmupFrom === session.warmupFrom && newest.tradeFrom === session.tradeFrom) return;
    await this.db
      .insertInto("feedSessions")
      .values({
        source: this.source,
        settings: JSON.stringify(settings),
        replay,
        warmupFrom: toDate(session.warmupFrom),
        tradeFrom: toDate(session.tradeFrom),
      })
      .execute();
  }

  /**
   * Writes what was given, and the states that follow from it, in one transaction, and wakes the listeners.
   * @returns the findings that were new
   */
  async write(outputs: readonly FeedOutput[], states: readonly SymbolState[]): Promise<{ symbol: string; finding: FeedFinding }[]> {
    return this.db.transaction().execute(async (transaction) => {
      const fresh: { symbol: string; finding: FeedFinding }[] = [];
      for (const { symbol, candles, findings } of outputs) {
        for (const part of parts(candles)) await this.writeCandles(transaction, symbol, part);
        for (const part of parts(findings)) fresh.push(...(await this.writeFindings(transaction, symbol, part)));
      }
      for (const state of states) {
        const output = outputs.find(({ symbol }) => symbol === state.symbol);
        await this.writeState(transaction, state, output);
        if (output === undefined || output.candles.length === 0) continue;
        const payload = JSON.stringify({ symbol: state.symbol, interval: this.interval, openTime: state.lastOpenTime });
        await sql`SELECT pg_notify('candle', ${payload})`.execute(transaction);
      }
      return fresh;
    });
  }

  private async writeCandles(transaction: Writing, symbol: string, candles: readonly JudgedCandle[]): Promise<void> {
    const rows = candles.map(({ candle, state }) => ({
      ...candle,
      symbol,
      interval: this.interval,
      openTime: toDate(candle.openTime),
      source: this.source,
      feedState: state,
    }));
    await transaction.insertInto("candles").values(rows).onConflict((conflict) => conflict.doNothing()).execute();
  }

  private async writeFindings(transaction: Writing, symbol: string, findings: readonly FeedFinding[]): Promise<{ symbol: string; finding: FeedFinding }[]> {
    const rows = findings.map(({ kind, severity, openTime, reason, details }) => ({
      symbol,
      interval: this.interval,
      openTime: openTime === null ? null : toDate(openTime),
      kind,
      severity,
      reason,
      details: JSON.stringify(details),
    }));
    const written = await transaction
      .insertInto("feedFindings")
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .returning(["kind", "severity", "openTime", "reason", "details"])
      .execute();
    return written.map((row) => ({ symbol, finding: { ...row, openTime: toEpoch(row.openTime) } as FeedFinding }));
  }

  private async writeState(transaction: Writing, state: SymbolState, output: FeedOutput | undefined): Promise<void> {
    const { symbol, reason, lastOpenTime } = state;
    const before = await transaction
      .selectFrom("feedStatus")
      .select("state")
      .where("symbol", "=", symbol)
      .where("interval", "=", this.interval)
      .forUpdate()
      .executeTakeFirst();
    let known = before?.state;
    const changes = [...(output?.changes ?? []), state].filter((change) => {
      const differs = change.state !== known;
      known = change.state;
      return differs;
    });
    const renewed = state.lease === "renew";
    const leaseUntil = renewed ? sql<Date>`now() + make_interval(secs => ${leaseSeconds})` : null;
    const told = {
      state: state.state,
      reason,
      phase: state.phase,
      measures: JSON.stringify(state.measures),
      updatedAt: sql<Date>`now()`,
      ...(changes.length > 0 ? { since: sql<Date>`now()` } : {}),
      ...(state.lease === "leave" ? {} : { leaseUntil }),
    };
    const repairs = output?.candles.filter(({ repair }) => repair).length ?? 0;
    const renewals = renewed ? 1 : 0;
    await transaction
      .insertInto("feedStatus")
      .values({ leaseUntil: null, ...told, symbol, interval: this.interval, lastOpenTime: lastOpenTime === null ? null : toDate(lastOpenTime), renewals, repairs })
      .onConflict((conflict) =>
        conflict.columns(["symbol", "interval"]).doUpdateSet({
          ...told,
          lastOpenTime: sql<Date>`greatest(feed_status.last_open_time, excluded.last_open_time)`,
          renewals: sql<number>`feed_status.renewals + ${renewals}`,
          repairs: sql<number>`feed_status.repairs + ${repairs}`,
        }),
      )
      .execute();
    for (const part of parts(changes)) {
      const rows = part.map((change) => ({
        symbol,
        interval: this.interval,
        state: change.state,
        reason: change.reason,
        lastOpenTime: change.lastOpenTime === null ? null : toDate(change.lastOpenTime),
      }));
      await transaction.insertInto("feedStates").values(rows).execute();
    }
  }
}

function* parts<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += rowsPerStatement) yield rows.slice(from, from + rowsPerStatement);
}
