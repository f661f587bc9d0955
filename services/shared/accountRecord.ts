import type { Kysely } from "kysely";
import { hasPendingOrder, workingStop, type Account, type Order } from "../../domain/orders";
import { toDate, toEpoch } from "./database";
import type { NewOrder, OrderRow, TradingSchema } from "./schema";

/** A bot's account as the database holds it. Times are epoch milliseconds, amounts in the quote currency. */
export interface AccountRecord {
  readonly bot: string;
  readonly symbol: string;
  readonly interval: string;
  readonly startingCash: number;
  /** First candle of the indicators' warm-up. */
  readonly warmupFrom: number;
  /** First bar the account lives through. */
  readonly startBar: number;
  readonly account: Account;
}

/** One row an open order, or one row when there is none. */
export function accountQuery(db: Kysely<TradingSchema>, bot: string) {
  return db
    .selectFrom("accounts as a")
    .leftJoin("orders as o", (join) => join.onRef("o.bot", "=", "a.bot").on("o.status", "in", ["accepted", "working"]))
    .select([
      "a.bot as accountBot",
      "a.symbol",
      "a.interval",
      "a.startingCash",
      "a.cash",
      "a.quantity as positionQuantity",
      "a.entryPrice",
      "a.entryBar",
      "a.entryFee",
      "a.warmupFrom",
      "a.startBar",
      "a.processedBar",
      "o.clientOrderId",
      "o.bar",
      "o.action",
      "o.side",
      "o.type",
      "o.quantity",
      "o.sizeLimit",
      "o.stopPrice",
      "o.referencePrice",
      "o.status",
      "o.reason",
    ])
    .where("a.bot", "=", bot)
    .orderBy("o.createdAt")
    .orderBy("o.clientOrderId");
}

type AccountRows = Awaited<ReturnType<ReturnType<typeof accountQuery>["execute"]>>;

/** Puts the rows of `accountQuery` together; undefined when there is none. */
export function recordOf(rows: AccountRows): AccountRecord | undefined {
  const first = rows[0];
  if (first === undefined) return undefined;
  const orders = rows.flatMap((row) => (row.clientOrderId === null ? [] : [orderOf(row as unknown as OrderRow)]));
  return {
    bot: first.accountBot,
    symbol: first.symbol,
    interval: first.interval,
    startingCash: first.startingCash,
    warmupFrom: toEpoch(first.warmupFrom),
    startBar: toEpoch(first.startBar),
    account: {
      cash: first.cash,
      position:
        first.positionQuantity === 0
          ? null
          : {
              quantity: first.positionQuantity,
              entryPrice: first.entryPrice!,
              entryBar: toEpoch(first.entryBar!),
              entryFee: first.entryFee!,
            },
      orders,
      processedBar: toEpoch(first.processedBar),
    },
  };
}

/**
 * Reads an account with its open orders in one statement, so that the two belong together.
 * @returns undefined when the bot has never registered
 */
export async function readAccount(db: Kysely<TradingSchema>, bot: string): Promise<AccountRecord | undefined> {
  return recordOf(await accountQuery(db, bot).execute());
}

/**
 * Locks the account's row until the transaction ends. To be called before reading it: a row and its orders read in the
 * statement that waited for the lock could be of different times. The lock leaves the key alone: a bot that keeps a
 * transaction open in which it wrote a decision, which refers to the account, holds nothing up.
 * @returns false when the bot has never registered
 */
export async function lockAccount(transaction: Kysely<TradingSchema>, bot: string): Promise<boolean> {
  const row = await transaction.selectFrom("accounts").select("bot").where("bot", "=", bot).forNoKeyUpdate().executeTakeFirst();
  return row !== undefined;
}

export function orderOf(row: OrderRow): Order {
  return {
    clientOrderId: row.clientOrderId,
    bar: toEpoch(row.bar),
    action: row.action,
    side: row.side,
    type: row.type,
    quantity: row.quantity,
    sizeLimit: row.sizeLimit,
    stopPrice: row.stopPrice,
    referencePrice: row.referencePrice,
    status: row.status,
    reason: row.reason,
  };
}

export function orderColumns(order: Order, bot: string): NewOrder {
  return { ...order, bot, bar: toDate(order.bar) };
}

/** What GET /v1/account answers. */
export function accountJson(record: AccountRecord, simulated: boolean): object {
  const { account, ...rest } = record;
  return {
    ...rest,
    processedBar: account.processedBar,
    cash: account.cash,
    position: account.position,
    stopPrice: workingStop(account)?.stopPrice ?? null,
    pendingOrder: hasPendingOrder(account),
    orders: account.orders,
    simulated,
  };
}
