import type { Kysely } from "kysely";
import type { Candle } from "../../domain/candles";
import type { Intent } from "../../domain/orders";
import { toDate, toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import type { LockSession } from "./lockSession";
import type { PlannedDecision } from "./plan";

/** A decision's intent that the broker has not answered yet. */
export interface OpenIntent {
  readonly clientOrderId: string;
  readonly bar: number;
  readonly intent: Intent;
}

export interface CandleArrival extends Candle {
  /** Wall time (epoch ms) at which the feed wrote it. */
  readonly receivedAt: number;
}

/** Intents from before a restart that are looked at again; more than one is a rare crash. */
const openIntentLimit = 10;

/** The last bar the bot decided on, or null. */
export async function readDecidedBar(db: Kysely<TradingSchema>, bot: string): Promise<number | null> {
  const row = await db
    .selectFrom("decisions")
    .select("bar")
    .where("bot", "=", bot)
    .orderBy("bar", "desc")
    .limit(1)
    .executeTakeFirst();
  return toEpoch(row?.bar ?? null);
}

/** Intents that were decided on and have no order: the bot ended before the broker answered. Oldest first. */
export async function readOpenIntents(db: Kysely<TradingSchema>, bot: string): Promise<OpenIntent[]> {
  const rows = await db
    .selectFrom("decisions as d")
    .leftJoin("orders as o", "o.clientOrderId", "d.clientOrderId")
    .select(["d.clientOrderId", "d.bar", "d.intent"])
    .where("d.bot", "=", bot)
    .where("d.intent", "is not", null)
    .where("o.clientOrderId", "is", null)
    .orderBy("d.bar", "desc")
    .limit(openIntentLimit)
    .execute();
  return rows
    .map((row) => ({
      clientOrderId: row.clientOrderId!,
      bar: toEpoch(row.bar),
      intent: row.intent as unknown as Intent,
    }))
    .reverse();
}

/** Closed candles of a market from a time on, up to and with another, oldest first. */
export async function readCandles(
  db: Kysely<TradingSchema>,
  range: { symbol: string; interval: string; from: number; to: number; limit: number },
): Promise<CandleArrival[]> {
  const rows = await db
    .selectFrom("candles")
    .select(["openTime", "open", "high", "low", "close", "volume", "receivedAt"])
    .where("symbol", "=", range.symbol)
    .where("interval", "=", range.interval)
    .where("openTime", ">=", toDate(range.from))
    .where("openTime", "<=", toDate(range.to))
    .orderBy("openTime")
    .limit(range.limit)
    .execute();
  return rows.map((row) => ({ ...row, openTime: toEpoch(row.openTime), receivedAt: toEpoch(row.receivedAt) }));
}

/**
 * Writes decisions and tells the broker, in one statement through the session that holds the lock.
 * @param orderIds client order id of each decision, null without an intent
 * @returns how many were new; a bar that was decided on already keeps what it has
 */
export async function writeDecisions(
  session: LockSession,
  bot: string,
  decisions: readonly PlannedDecision[],
  orderIds: readonly (string | null)[],
): Promise<number> {
  const rows = decisions.map((decision, index) => ({
    bar: new Date(decision.bar).toISOString(),
    action: decision.action,
    reason: decision.reason,
    indicators: decision.indicators,
    // A JSON null would be a value; only a missing key is SQL's NULL.
    ...(decision.intent === null ? {} : { intent: decision.intent }),
    client_order_id: orderIds[index] ?? null,
    late: decision.late,
  }));
  const [answer] = await session.query<{ written: number }>(
    `WITH written AS (
       INSERT INTO decisions (bot, bar, action, reason, indicators, intent, client_order_id, late)
       SELECT $1, d.bar, d.action, d.reason, d.indicators, d.intent, d.client_order_id, d.late
       FROM jsonb_to_recordset($2::jsonb) AS d(bar timestamptz, action text, reason text, indicators jsonb,
         intent jsonb, client_order_id text, late boolean)
       ON CONFLICT DO NOTHING RETURNING bar)
     SELECT (SELECT count(*)::int FROM written) AS written, pg_notify('decision', $1)`,
    [bot, JSON.stringify(rows)],
  );
  return answer!.written;
}
