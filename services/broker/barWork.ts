import { sql, type Kysely } from "kysely";
import type { Standing } from "../../control/standing";
import type { Candle } from "../../domain/candles";
import type { BarResult } from "../../domain/execution";
import { intervalMilliseconds } from "../../domain/intervals";
import { workingStop, type Order } from "../../domain/orders";
import { toDate, toEpoch, type Database } from "../shared/database";
import type { DecisionAction, TradingSchema } from "../shared/schema";
import { accountQuery, orderColumns, recordOf, type AccountRecord } from "../shared/accountRecord";
import type { ArrivedCandle } from "./CandleReader";
import { haltedOrders } from "./halted";
import type { Venue, WorkTerms } from "./venue";

/** What the bar loop has to know before it works a bar. */
export interface BotState {
  readonly record: AccountRecord;
  /** Changes with every bar and every order taken in. */
  readonly version: string;
  /** The decision on the processed bar. */
  readonly decision: { readonly action: DecisionAction; readonly hasIntent: boolean; readonly orderKnown: boolean } | null;
  /** Whether the market is replayed; then the wall clock says nothing about its bars. */
  readonly replay: boolean;
  /** When the open orders were taken in, epoch ms of the database's clock, by client order id. */
  readonly takenAt: ReadonlyMap<string, number>;
  /** The feed's count of candles written before already written ones. */
  readonly repairs: number;
}

/**
 * Reads a bot's account and its decision on the last bar, in one statement; undefined when it has never registered. Of what
 * the bot itself wrote, only what is bounded is read: text of any length could use up the memory that all bots share.
 */
export async function readBotState(db: Kysely<TradingSchema>, bot: string): Promise<BotState | undefined> {
  const rows = await accountQuery(db, bot)
    .leftJoin("decisions as d", (join) => join.onRef("d.bot", "=", "a.bot").onRef("d.bar", "=", "a.processedBar"))
    .leftJoin("orders as decided", (join) =>
      join.onRef("decided.bot", "=", "d.bot").onRef("decided.bar", "=", "d.bar").onRef("decided.action", "=", "d.action"),
    )
    .leftJoin("feedStatus as f", (join) => join.onRef("f.symbol", "=", "a.symbol").onRef("f.interval", "=", "a.interval"))
    .select([
      sql<string>`a.updated_at::text`.as("version"),
      "d.action as decidedAction",
      "decided.clientOrderId as knownOrder",
      "o.createdAt as takenAt",
      "f.repairs",
      sql<boolean>`coalesce((SELECT replay FROM feed_sessions ORDER BY id DESC LIMIT 1), false)`.as("replay"),
    ])
    .execute();
  const record = recordOf(rows);
  const first = rows[0];
  if (record === undefined || first === undefined) return undefined;
  const action = first.decidedAction;
  const decision = action === null ? null : { action, hasIntent: action !== "hold", orderKnown: first.knownOrder !== null };
  const takenAt = new Map(rows.flatMap((row) => (row.takenAt === null ? [] : [[row.clientOrderId!, toEpoch(row.takenAt)]])));
  return { record, version: first.version, decision, replay: first.replay, takenAt, repairs: first.repairs ?? 0 };
}

/**
 * Orders that must wait for a later bar: with a running market, those that were taken in when the bar's open had been
 * known for longer than the decision window. A simulated fill must not use a price that could be looked up. A clock that
 * is wrong makes no order late: no candle comes before its close, so that the clock is ahead by no more than it says
 * between close and arrival, at the candle where that is least.
 * @param candles that follow the account, the one to be worked first
 * @param window milliseconds
 * @returns client order ids
 */
export function withheldOf({ record, replay, takenAt }: BotState, candles: readonly ArrivedCandle[], window: number): ReadonlySet<string> {
  const waiting = replay ? [] : record.account.orders.filter(({ status }) => status === "accepted");
  if (waiting.length === 0) return none;
  const interval = intervalMilliseconds(record.interval);
  const ahead = Math.min(...candles.map(({ openTime, receivedAt }) => receivedAt - (openTime + interval)));
  const inTime = candles[0]!.openTime + window + ahead;
  const late = (order: Order): boolean => (takenAt.get(order.clientOrderId) ?? 0) > inTime;
  return new Set(waiting.filter(late).map((order) => order.clientOrderId));
}

const none: ReadonlySet<string> = new Set();

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
 * Works one bar of one bot and writes all that came of it in one transaction: it has happened wholly or not at all. Orders
 * that a halt forbids are cancelled in it; one that comes while it is written has it worked anew.
 * @param look reads how the bot stands at this moment
 * @returns null when account or halts are no longer as they were read, and nothing was written
 */
export async function workBar(
  database: Database,
  venue: Venue,
  state: BotState,
  candle: Candle,
  terms: Omit<WorkTerms, "halted">,
  look: () => Standing,
): Promise<BarResult | null> {
  const { account } = state.record;
  // Nothing is waited for between this look and the venue.
  const halted = haltedOrders(account, look);
  const result = await venue.workBar(account, candle, { ...terms, halted });
  checkProtected(result);
  const { fills, trades, orderUpdates } = result;
  const written =
    fills.length + trades.length + orderUpdates.length === 0
      ? await moveAccount(database.db, state, candle, result)
      : await allOrNothing(database, async (transaction) => {
          if (!(await moveAccount(transaction, state, candle, result))) return false;
          await writeOrders(transaction, venue, state.record.bot, result);
          // The database may have kept us waiting: what a simulation filled meanwhile has not left yet.
          return haltsSame(halted, haltedOrders(account, look));
        });
  return written ? result : null;
}

/** Takes everything back that was written when the work says so. */
async function allOrNothing(database: Database, work: (transaction: Kysely<TradingSchema>) => Promise<boolean>): Promise<boolean> {
  const takenBack = new Error("taken back");
  try {
    return await database.db.transaction().execute(async (transaction) => {
      if (await work(transaction)) return true;
      throw takenBack;
    });
  } catch (error) {
    if (error === takenBack) return false;
    throw error;
  }
}

function haltsSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one.keys()].every((id) => other.has(id));
}

/**
 * No position without its protective stop: an entry counts as done only with it.
 * @throws Error when the venue reports one; nothing of the bar is written then
 */
function checkProtected({ account }: BarResult): void {
  const { position } = account;
  if (position === null) return;
  const stop = workingStop(account);
  if (stop === undefined) throw new Error("the venue reports a position without a working stop");
  if (stop.quantity !== position.quantity) {
    throw new Error(`the venue reports a stop over ${stop.quantity} for a position of ${position.quantity}`);
  }
}

/**
 * Moves the account on by one bar, marks its equity and tells the listeners, in one statement. An account that changed
 * since it was read has another version: then nothing is written.
 */
async function moveAccount(
  db: Kysely<TradingSchema>,
  { record, version }: BotState,
  candle: Candle,
  { account, equity }: BarResult,
): Promise<boolean> {
  const { position } = account;
  const bar = toDate(candle.openTime);
  const quantity = position?.quantity ?? 0;
  const { rows } = await sql`
    WITH moved AS (
      UPDATE accounts SET processed_bar = ${bar}, cash = ${account.cash}, quantity = ${quantity},
        entry_price = ${position?.entryPrice ?? null}, entry_bar = ${position === null ? null : toDate(position.entryBar)},
        entry_fee = ${position?.entryFee ?? null},
        stop_price = ${position === null ? null : (workingStop(account)?.stopPrice ?? null)},
        updated_at = clock_timestamp()
      WHERE bot = ${record.bot} AND updated_at = ${version}::timestamptz
      RETURNING bot
    ), marked AS (
      INSERT INTO equity (bot, bar, equity, cash, quantity, close)
      SELECT bot, ${bar}::timestamptz, ${equity}::numeric, ${account.cash}::numeric, ${quantity}::numeric,
        ${candle.close}::numeric FROM moved
    )
    SELECT pg_notify('account', bot) FROM moved`.execute(db);
  return rows.length === 1;
}

async function writeOrders(
  transaction: Kysely<TradingSchema>,
  venue: Venue,
  bot: string,
  { fills, trades, orderUpdates }: BarResult,
): Promise<void> {
  // In their order, one row after the other: a stop that is replaced is gone before its successor works.
  for (const order of orderUpdates) {
    const { status, reason } = order;
    await transaction
      .insertInto("orders")
      .values(orderColumns(order, bot))
      .onConflict((conflict) => conflict.column("clientOrderId").doUpdateSet({ status, reason, updatedAt: sql`now()` }))
      .execute();
  }
  for (const fill of fills) {
    const bar = toDate(fill.bar);
    await transaction.insertInto("fills").values({ ...fill, bot, bar, simulated: venue.simulated, filledAt: bar }).execute();
  }
  for (const trade of trades) {
    const times = { entryBar: toDate(trade.entryBar), exitBar: toDate(trade.exitBar) };
    await transaction.insertInto("trades").values({ ...trade, ...times, bot }).execute();
  }
}
