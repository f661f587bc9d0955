import { sql, type Kysely } from "kysely";
import { fractionAt, sizeLimitOf } from "../../domain/canary";
import type { Order } from "../../domain/orders";
import { intervalMilliseconds } from "../../domain/intervals";
import type { Database } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import { lockAccount, orderColumns, orderOf, readAccount, type AccountRecord } from "../shared/accountRecord";
import { readFacts, type IntentFacts } from "./entryFacts";
import { refusalOf, type RejectionKind, type Terms } from "./entryRule";
import { isSameOrder, type IntentRequest } from "./intents";
import type { Halts } from "./Halts";
import { withoutLease, type LeaseWatch } from "./LeaseWatch";
import type { Venue } from "./venue";

export type Submission =
  | { readonly kind: "accepted" }
  /** The same intent was handed in before. */
  | { readonly kind: "known"; readonly order: Order }
  /** Another intent was handed in under this id. */
  | { readonly kind: "conflict" }
  | { readonly kind: "rejected"; readonly rejection: RejectionKind; readonly reason: string };

export interface SubmitContext {
  readonly database: Database;
  readonly venue: Venue;
  readonly terms: Omit<Terms, "leaseRefusal" | "guardRefusal" | "standing">;
  readonly lease: LeaseWatch;
  /** Null where entries do not need the guard's lease. */
  readonly guardLease: LeaseWatch | null;
  readonly halts: Pick<Halts, "of">;
}

/** Takes an intent in, in one transaction: afterwards there is exactly one order under its id, or none and a reason. */
export function submitIntent(context: SubmitContext, bot: string, request: IntentRequest): Promise<Submission> {
  const { database, venue, lease, guardLease, halts } = context;
  return database.db.transaction().execute(async (transaction) => {
    // Also while a broker has yet to notice that its lock is lost, no two entries are judged by the same exposure.
    if (request.intent.action === "enter") await sql`SELECT trading.take_entry_turn()`.execute(transaction);
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
      return order.status === "rejected" ? rejected("refused before", order.reason ?? "rejected") : { kind: "known", order };
    }

    const facts = await readFacts(transaction, record, request);
    const leaseRefusal =
      facts.lease === null
        ? `${withoutLease("feed")}: no feed of ${record.symbol} ${record.interval}`
        : lease.refusal(facts.lease);
    const guardRefusal = guardLease === null ? null : facts.guard === null ? `${withoutLease("guard")}: no guard has ever run here` : guardLease.refusal(facts.guard);
    // Nothing is waited for between this look at the halts and the venue: what was placed before is in force.
    const refusal = refusalOf(record, request, facts, { ...context.terms, leaseRefusal, guardRefusal, standing: halts.of(bot) });
    if (refusal !== null) {
      // What was never decided leaves no order: it may still be decided, and handed in again.
      if (refusal.kind !== "no decision" && isBarOf(record, request.bar)) {
        await insertOrder(transaction, bot, rejectedOrder(record, request, facts, refusal.reason));
      }
      return rejected(refusal.kind, refusal.reason);
    }
    const order = await acceptOrReject(venue, record, request, facts, fractionAt(context.terms.canary, facts.now));
    await insertOrder(transaction, bot, order);
    if (order.status === "rejected") return rejected("rule", order.reason ?? "rejected");
    // A bar that was being worked without this order is not written: the account has another version now.
    await transaction.updateTable("accounts").set({ updatedAt: sql`clock_timestamp()` }).where("bot", "=", bot).execute();
    return { kind: "accepted" };
  });
}

/**
 * Amounts that the venue cannot even hold (too many digits for its steps) are refused like any other wrong amount.
 *
 * @param fraction part of an entry that is let in
 */
async function acceptOrReject(venue: Venue, record: AccountRecord, request: IntentRequest, facts: IntentFacts, fraction: number): Promise<Order> {
  const { intent } = request;
  try {
    const sizeLimit = intent.action === "enter" ? sizeLimitOf(intent.quantity, fraction, venue.execution) : null;
    if (intent.action === "enter" && sizeLimit === 0) {
      return rejectedOrder(record, request, facts, `${fraction} of ${intent.quantity}, as much as is let in during the first days after a promotion, is less than the quantity step ${venue.execution.quantityStep}`);
    }
    const source = { ...request, referencePrice: facts.risk.trustedClose, sizeLimit };
    return (await venue.accept(record.account, intent, source)).order;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return rejectedOrder(record, request, facts, error.message);
  }
}

/** Only bars the account lived through are written: there are as many refused orders as decisions, never more. */
function isBarOf(record: AccountRecord, bar: number): boolean {
  const { processedBar } = record.account;
  const steps = (bar - record.startBar) / intervalMilliseconds(record.interval);
  return processedBar !== null && bar >= record.startBar && bar <= processedBar && Number.isInteger(steps);
}

function rejectedOrder(record: AccountRecord, request: IntentRequest, facts: IntentFacts, reason: string): Order {
  const { clientOrderId, bar, intent } = request;
  return {
    clientOrderId,
    bar,
    action: intent.action,
    side: intent.action === "enter" ? "buy" : "sell",
    type: intent.action === "moveStop" ? "stop" : "market",
    quantity: intent.action === "enter" ? intent.quantity : (record.account.position?.quantity ?? null),
    sizeLimit: null,
    stopPrice: intent.action === "exit" ? null : intent.stopPrice,
    referencePrice: facts.risk.trustedClose,
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
