import { sql, type Kysely } from "kysely";
import type { Candle } from "../../domain/candles";
import type { Intent } from "../../domain/orders";
import { accountQuery, recordOf, type AccountRecord } from "../shared/accountRecord";
import { toDate, toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import type { PlannedDecision } from "./plan";

/** A decision's intent that the broker has not answered yet. */
export interface OpenIntent {
  readonly clientOrderId: string;
  readonly bar: number;
  readonly intent: Intent;
}

export interface CandleArrival extends Candle {
  /** Time (epoch ms) of the database's clock at which the feed wrote it. */
  readonly receivedAt: number;
}

/** All that a turn decides by, as it was at one moment. Times are epoch ms. */
export interface BotView {
  readonly record: AccountRecord;
  /** The database's clock. */
  readonly now: number;
  /** The feed's count of candles that it wrote before already written ones. */
  readonly repairs: number;
  /** Closed candles up to the account's last bar, oldest first. */
  readonly candles: readonly CandleArrival[];
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

type CandleRow = [openTime: number, open: number, high: number, low: number, close: number, volume: number, receivedAt: number];

/**
 * Reads the account with its orders, the clock, the feed's repairs and the candles from a time on, in one statement: one
 * round trip, and all of it belongs together.
 * @param limit most candles to read
 * @returns undefined when the bot has never registered
 */
export async function readView(
  db: Kysely<TradingSchema>,
  bot: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<BotView | undefined> {
  const rows = await accountQuery(db, bot)
    .leftJoin("feedStatus as f", (join) => join.onRef("f.symbol", "=", "a.symbol").onRef("f.interval", "=", "a.interval"))
    .select([
      sql<number>`(extract(epoch FROM clock_timestamp()) * 1000)::float8`.as("now"),
      "f.repairs",
      sql<CandleRow[] | null>`(
        SELECT json_agg(json_build_array((extract(epoch FROM c.open_time) * 1000)::bigint, c.open, c.high, c.low, c.close,
          c.volume, (extract(epoch FROM c.received_at) * 1000)::float8) ORDER BY c.open_time)
        FROM (
          SELECT * FROM candles
          WHERE symbol = a.symbol AND interval = a.interval AND open_time >= ${toDate(from)} AND open_time <= a.processed_bar
          ORDER BY open_time LIMIT ${limit}
        ) AS c)`.as("candles"),
    ])
    .execute();
  const record = recordOf(rows);
  const first = rows[0];
  if (record === undefined || first === undefined) return undefined;
  const candles = (first.candles ?? []).map(([openTime, open, high, low, close, volume, receivedAt]) => ({
    ...{ openTime, open, high, low, close, volume, receivedAt },
  }));
  return { record, now: first.now, repairs: first.repairs ?? 0, candles };
}

/**
 * Writes decisions and tells the broker, in one statement through the session that holds the lock.
 * @param db the session's
 * @param orderIds client order id of each decision, null without an intent
 * @returns how many were new (a bar that was decided on already keeps what it has), and the database's clock, epoch ms
 */
export async function writeDecisions(
  db: Kysely<TradingSchema>,
  bot: string,
  decisions: readonly PlannedDecision[],
  orderIds: readonly (string | null)[],
): Promise<{ readonly written: number; readonly at: number }> {
  const entries = decisions.map((decision, index) => ({
    bar: new Date(decision.bar).toISOString(),
    action: decision.action,
    reason: decision.reason,
    indicators: decision.indicators,
    // A JSON null would be a value; only a missing key is SQL's NULL.
    ...(decision.intent === null ? {} : { intent: decision.intent }),
    client_order_id: orderIds[index] ?? null,
    late: decision.late,
  }));
  const { rows } = await sql<{ written: number; at: number }>`
    WITH written AS (
      INSERT INTO decisions (bot, bar, action, reason, indicators, intent, client_order_id, late)
      SELECT ${bot}, d.bar, d.action, d.reason, d.indicators, d.intent, d.client_order_id, d.late
      FROM jsonb_to_recordset(${JSON.stringify(entries)}::jsonb) AS d(bar timestamptz, action text, reason text,
        indicators jsonb, intent jsonb, client_order_id text, late boolean)
      ON CONFLICT DO NOTHING RETURNING bar)
    SELECT (SELECT count(*)::int FROM written) AS written, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS at,
      pg_notify('decision', ${bot})`.execute(db);
  return rows[0]!;
}
