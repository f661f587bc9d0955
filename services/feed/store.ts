import { sql, type Kysely, type Transaction } from "kysely";
import type { Candle } from "../../domain/candles";
import { toDate, toEpoch } from "../shared/database";
import type { FeedState, TradingSchema } from "../shared/schema";
import type { StoredCandles } from "./resume";
import type { Finding } from "./source";

/** What is told about a symbol to those who trade it. */
export interface SymbolState {
  symbol: string;
  state: FeedState;
  reason: string;
  /** Open time of the newest candle, epoch ms. */
  lastOpenTime: number | null;
}

export interface Session {
  warmupFrom: number;
  tradeFrom: number;
}

/** Seconds a lease lasts; it is renewed every `leaseRenewalSeconds` while the feed is healthy. */
export const leaseSeconds = 60;
export const leaseRenewalSeconds = 10;

type Executor = Kysely<TradingSchema> | Transaction<TradingSchema>;

/** The feed's reads and writes. Every write may be repeated: what is there already stays as it is. */
export class FeedStore {
  constructor(
    private readonly db: Kysely<TradingSchema>,
    private readonly source: string,
    private readonly interval: string,
  ) {}

  async stored(symbols: readonly string[]): Promise<Map<string, StoredCandles>> {
    const result = new Map<string, StoredCandles>();
    for (const symbol of symbols) {
      const where = this.db.selectFrom("candles").where("symbol", "=", symbol).where("interval", "=", this.interval);
      const last = await where.selectAll().orderBy("openTime", "desc").limit(1).executeTakeFirst();
      if (last === undefined) continue;
      const count = await where.select((column) => column.fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
      const sources = await where.select("source").distinct().execute();
      result.set(symbol, {
        count: count.count,
        last: { ...last, openTime: toEpoch(last.openTime) },
        sources: sources.map((row) => row.source),
      });
    }
    return result;
  }

  /** Goes on with the newest session when its settings are these, else begins a new one. */
  async openSession(session: Session, settings: Record<string, unknown>): Promise<void> {
    const text = JSON.stringify(settings);
    await this.db.transaction().execute(async (transaction) => {
      const newest = await transaction
        .selectFrom("feedSessions")
        .select(({ eb }) => [
          "warmupFrom",
          "tradeFrom",
          eb("source", "=", this.source).as("sameSource"),
          sql<boolean>`settings = ${text}::jsonb`.as("sameSettings"),
        ])
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst();
      const same =
        newest !== undefined &&
        newest.sameSource === true &&
        newest.sameSettings &&
        toEpoch(newest.warmupFrom) === session.warmupFrom &&
        toEpoch(newest.tradeFrom) === session.tradeFrom;
      if (same) return;
      await transaction
        .insertInto("feedSessions")
        .values({
          source: this.source,
          settings: text,
          replay: true,
          warmupFrom: toDate(session.warmupFrom),
          tradeFrom: toDate(session.tradeFrom),
        })
        .execute();
    });
  }

  /** Writes candles, findings and the state that follows from them in one transaction, and wakes the listeners. */
  async write(
    candles: readonly { symbol: string; candle: Candle }[],
    findings: readonly { symbol: string; finding: Finding }[],
    states: readonly SymbolState[],
  ): Promise<void> {
    await this.db.transaction().execute(async (transaction) => {
      if (candles.length > 0) {
        await transaction
          .insertInto("candles")
          .values(
            candles.map(({ symbol, candle }) => ({
              ...candle,
              symbol,
              interval: this.interval,
              openTime: toDate(candle.openTime),
              source: this.source,
            })),
          )
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      if (findings.length > 0) {
        await transaction
          .insertInto("feedFindings")
          .values(
            findings.map(({ symbol, finding }) => ({
              symbol,
              interval: this.interval,
              openTime: finding.openTime === null ? null : toDate(finding.openTime),
              kind: finding.kind,
              details: JSON.stringify(finding.details),
            })),
          )
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      await this.writeStates(states, transaction);
      for (const { symbol, lastOpenTime } of candles.length > 0 ? states : []) {
        const payload = JSON.stringify({ symbol, interval: this.interval, openTime: lastOpenTime });
        await sql`SELECT pg_notify('candle', ${payload})`.execute(transaction);
      }
    });
  }

  /** Renews the lease of the healthy and leaves that of the others to run out. */
  async writeStates(states: readonly SymbolState[], executor: Executor = this.db): Promise<void> {
    for (const { symbol, state, reason, lastOpenTime } of states) {
      const lease = sql<Date>`CASE WHEN ${state} = 'HEALTHY' THEN now() + make_interval(secs => ${leaseSeconds}) END`;
      await executor
        .insertInto("feedStatus")
        .values({
          symbol,
          interval: this.interval,
          state,
          reason,
          lastOpenTime: lastOpenTime === null ? null : toDate(lastOpenTime),
          leaseUntil: lease,
        })
        .onConflict((conflict) =>
          conflict.columns(["symbol", "interval"]).doUpdateSet({
            state,
            reason,
            lastOpenTime: sql<Date>`greatest(feed_status.last_open_time, excluded.last_open_time)`,
            updatedAt: sql<Date>`now()`,
            leaseUntil: sql<Date>`coalesce(excluded.lease_until, feed_status.lease_until)`,
          }),
        )
        .execute();
    }
  }

  /** Whether an account still has bars up to this one to work through, or none has begun yet. */
  async isAwaited(symbol: string, lastOpenTime: number): Promise<boolean> {
    const accounts = await this.db
      .selectFrom("accounts")
      .select("processedBar")
      .where("symbol", "=", symbol)
      .where("interval", "=", this.interval)
      .execute();
    return accounts.length === 0 || accounts.some(({ processedBar }) => (toEpoch(processedBar) ?? 0) < lastOpenTime);
  }
}
