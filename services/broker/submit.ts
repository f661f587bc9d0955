import { sql, type Kysely } from "kysely";
import type { Order } from "../../domain/orders";
import { intervalMilliseconds } from "../../domain/intervals";
import type { Database } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import { lockAccount, orderColumns, orderOf, readAccount, type AccountRecord } from "../shared/accountRecord";
import { isSameOrder, type IntentRequest } from "./intents";
import type { Venue } from "./venue";

/** Kinds of refusal, as the metric counts them. */
export type RejectionKind = "not registered" | "too late" | "no lease" | "rule";

export type Submission =
  | { readonly kind: "accepted" }
  /** The same intent was handed in before. */
  | { readonly kind: "known"; readonly order: Order }
  /** Another intent was handed in under this id. */
  | { readonly kind: "conflict" }
  | { readonly kind: "rejected"; readonly rejection: RejectionKind; readonly reason: string };

/** Takes an intent in, in one transaction: afterwards there is exactly one order under its id, or none and a reason. */
export function submitIntent(database: Database, venue: Venue, bot: string, request: IntentRequest): Promise<Submission> {
  return database.db.transaction().execute(async (transaction) => {
    const registered = await lockAccount(transaction, bot);
    const record = registered ? await readAccount(transaction, bot) : undefined;
    if (record === undefined) return rejected("not registered", `bot ${bot} has not registered`);

    const row = await transaction
      .selectFrom("orders")
      .selectAll()
      .where("clientOrderId", "=", request.clientOrderId)
      .executeTakeFirst();
    if (row !== undefined) {
      const order = orderOf(row);
      if (!isSameOrder(order, request)) return { kind: "conflict" };
      return order.status === "rejected" ? rejected("rule", order.reason ?? "rejected") : { kind: "known", order };
    }

    const refusal = await refusalOf(transaction, record, request);
    if (refusal !== null) {
      if (isBarOf(record, request.bar)) await insertOrder(transaction, bot, rejectedOrder(record, request, refusal.reason));
      return rejected(refusal.rejection, refusal.reason);
    }
    const order = await acceptOrReject(venue, record, request);
    await insertOrder(transaction, bot, order);
    if (order.status === "rejected") return rejected("rule", order.reason ?? "rejected");
    // A bar that was being worked without this order is not written: the account has another version now.
    await transaction.updateTable("accounts").set({ updatedAt: sql`clock_timestamp()` }).where("bot", "=", bot).execute();
    return { kind: "accepted" };
  });
}

/** Amounts that the venue cannot even hold (too many digits for its steps) are refused like any other wrong amount. */
async function acceptOrReject(venue: Venue, record: AccountRecord, request: IntentRequest): Promise<Order> {
  try {
    return (await venue.accept(record.account, request.intent, request)).order;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return rejectedOrder(record, request, error.message);
  }
}

/** What the broker itself refuses; everything else is the venue's to judge. */
async function refusalOf(
  db: Kysely<TradingSchema>,
  record: AccountRecord,
  request: IntentRequest,
): Promise<{ rejection: RejectionKind; reason: string } | null> {
  const { processedBar } = record.account;
  if (processedBar !== null && request.bar < processedBar) {
    return {
      rejection: "too late",
      reason: `too late: decided on bar ${iso(request.bar)}, but the account is at ${iso(processedBar)}`,
    };
  }
  // What reduces risk is let through whatever the feed's state.
  if (request.intent.action !== "enter") return null;
  const reason = await missingLease(db, record);
  return reason === null ? null : { rejection: "no lease", reason };
}

/** Why entries are not allowed now, or null: the feed lends trust for a minute at a time. */
async function missingLease(db: Kysely<TradingSchema>, record: AccountRecord): Promise<string | null> {
  const status = await db
    .selectFrom("feedStatus")
    .select(["state", "reason", sql<boolean>`coalesce(lease_until > clock_timestamp(), false)`.as("leased")])
    .where("symbol", "=", record.symbol)
    .where("interval", "=", record.interval)
    .executeTakeFirst();
  if (status === undefined) return `no entry without the feed's lease: no feed of ${record.symbol} ${record.interval}`;
  return status.leased ? null : `no entry without the feed's lease: the feed is ${status.state} (${status.reason})`;
}

/** Only bars the account lived through are written: there are as many refused orders as decisions, never more. */
function isBarOf(record: AccountRecord, bar: number): boolean {
  const { processedBar } = record.account;
  const steps = (bar - record.startBar) / intervalMilliseconds(record.interval);
  return processedBar !== null && bar >= record.startBar && bar <= processedBar && Number.isInteger(steps);
}

function rejectedOrder(record: AccountRecord, request: IntentRequest, reason: string): Order {
  const { clientOrderId, bar, intent } = request;
  return {
    clientOrderId,
    bar,
    action: intent.action,
    side: intent.action === "enter" ? "buy" : "sell",
    type: intent.action === "moveStop" ? "stop" : "market",
    quantity: intent.action === "enter" ? intent.quantity : (record.account.position?.quantity ?? null),
    stopPrice: intent.action === "exit" ? null : intent.stopPrice,
    status: "rejected",
    reason,
  };
}

async function insertOrder(db: Kysely<TradingSchema>, bot: string, order: Order): Promise<void> {
  await db.insertInto("orders").values(orderColumns(order, bot)).execute();
}

function rejected(rejection: RejectionKind, reason: string): Submission {
  return { kind: "rejected", rejection, reason };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
