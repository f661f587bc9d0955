import { sql, type Kysely } from "kysely";
import type { Candle } from "../../domain/candles";
import type { BarResult } from "../../domain/execution";
import { toDate, toEpoch, type Database } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import { accountColumns, lockAccount, orderColumns, readAccount } from "./accountRecord";
import type { Venue } from "./venue";

/** What the bar loop has to know before it works a bar. */
export interface BotState {
  readonly symbol: string;
  readonly interval: string;
  readonly startBar: number;
  readonly processedBar: number | null;
  /** The decision on the processed bar. */
  readonly decision: { readonly hasIntent: boolean; readonly orderKnown: boolean } | null;
}

/** Reads a bot's cursor and its decision there; undefined when the bot has never registered. */
export async function readBotState(db: Kysely<TradingSchema>, bot: string): Promise<BotState | undefined> {
  const row = await db
    .selectFrom("accounts as a")
    .leftJoin("decisions as d", (join) => join.onRef("d.bot", "=", "a.bot").onRef("d.bar", "=", "a.processedBar"))
    .leftJoin("orders as o", "o.clientOrderId", "d.clientOrderId")
    .select([
      "a.symbol",
      "a.interval",
      "a.startBar",
      "a.processedBar",
      "d.action",
      "d.clientOrderId as decided",
      "o.clientOrderId as ordered",
    ])
    .where("a.bot", "=", bot)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    symbol: row.symbol,
    interval: row.interval,
    startBar: toEpoch(row.startBar),
    processedBar: toEpoch(row.processedBar),
    decision: row.action === null ? null : { hasIntent: row.decided !== null, orderKnown: row.ordered !== null },
  };
}

/** Closed candles that follow a bot's cursor, oldest first. */
export async function readCandles(db: Kysely<TradingSchema>, state: BotState, limit: number): Promise<Candle[]> {
  const { processedBar, startBar } = state;
  const rows = await db
    .selectFrom("candles")
    .select(["openTime", "open", "high", "low", "close", "volume"])
    .where("symbol", "=", state.symbol)
    .where("interval", "=", state.interval)
    .where("openTime", processedBar === null ? ">=" : ">", toDate(processedBar ?? startBar))
    .orderBy("openTime")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, openTime: toEpoch(row.openTime) }));
}

/**
 * Whether a session of the bot's own role holds the bot's advisory lock: a bot that is there. A lock that somebody else
 * took under its name does not count.
 */
export async function isPresent(db: Kysely<TradingSchema>, bot: string): Promise<boolean> {
  const { rows } = await sql<{ present: boolean }>`
    SELECT EXISTS (
      SELECT FROM pg_locks AS l JOIN pg_stat_activity AS s ON s.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
        AND l.classid = hashtext('trading.bot')::oid AND l.objid = hashtext(${bot})::oid
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND s.usename = ${`bot_${bot}`}
    ) AS present`.execute(db);
  return rows[0]!.present;
}

/**
 * Works one bar of one bot and writes all that came of it in one transaction: it has happened wholly or not at all.
 * @param after the cursor the caller saw
 * @returns null when the cursor is elsewhere by now
 */
export function workBar(
  database: Database,
  venue: Venue,
  bot: string,
  candle: Candle,
  after: number | null,
): Promise<BarResult | null> {
  return database.db.transaction().execute(async (transaction) => {
    await lockAccount(transaction, bot);
    const record = await readAccount(transaction, bot);
    if (record === undefined || record.account.processedBar !== after) return null;
    const result = await venue.workBar(record.account, candle);
    await writeResult(transaction, venue, bot, candle, result);
    return result;
  });
}

async function writeResult(
  transaction: Kysely<TradingSchema>,
  venue: Venue,
  bot: string,
  candle: Candle,
  result: BarResult,
): Promise<void> {
  const { account, fills, trades, orderUpdates } = result;
  // In their order, one row after the other: a stop that is replaced is gone before its successor works.
  for (const order of orderUpdates) {
    await transaction
      .insertInto("orders")
      .values(orderColumns(order, bot))
      .onConflict((conflict) =>
        conflict.column("clientOrderId").doUpdateSet({
          status: order.status,
          reason: order.reason,
          updatedAt: sql`now()`,
        }),
      )
      .execute();
  }
  if (fills.length > 0) {
    await transaction
      .insertInto("fills")
      .values(
        fills.map((fill) => ({
          ...fill,
          bot,
          bar: toDate(fill.bar),
          simulated: venue.simulated,
          filledAt: toDate(fill.bar),
        })),
      )
      .execute();
  }
  if (trades.length > 0) {
    await transaction
      .insertInto("trades")
      .values(trades.map((trade) => ({ ...trade, bot, entryBar: toDate(trade.entryBar), exitBar: toDate(trade.exitBar) })))
      .execute();
  }
  await transaction
    .with("equityRow", (db) =>
      db.insertInto("equity").values({
        bot,
        bar: toDate(candle.openTime),
        equity: result.equity,
        cash: account.cash,
        quantity: account.position?.quantity ?? 0,
        close: candle.close,
      }),
    )
    .with("accountRow", (db) =>
      db
        .updateTable("accounts")
        .set({ ...accountColumns(account), updatedAt: sql`now()` })
        .where("bot", "=", bot),
    )
    .selectNoFrom(sql`pg_notify('account', ${bot})`.as("notified"))
    .execute();
}
