import { z } from "zod";
import { clientOrderId } from "../../domain/clientOrderId";
import type { Intent, Order } from "../../domain/orders";

const time = "an open time in epoch milliseconds";
/** The last time that JavaScript can tell. */
const bar = z.int(time).min(0, time).max(8.64e15, time);
const amount = z.number("a positive number").positive("a positive number").max(1e12, "at most 1000000000000");
const id = z.string("text").min(1, "text").max(120, "at most 120 characters");

const intentBody = z.discriminatedUnion(
  "action",
  [
    z.strictObject({ clientOrderId: id, bar, action: z.literal("enter"), quantity: amount, stopPrice: amount }),
    z.strictObject({ clientOrderId: id, bar, action: z.literal("exit") }),
    z.strictObject({ clientOrderId: id, bar, action: z.literal("moveStop"), stopPrice: amount }),
  ],
  "enter, exit or moveStop",
);

/** An intent as a bot hands it in. */
export interface IntentRequest {
  readonly clientOrderId: string;
  /** Open time (epoch ms) of the closed bar the decision was made on. */
  readonly bar: number;
  readonly intent: Intent;
}

/**
 * Checks the body of POST /v1/intents. The id has to be the one that follows from stack, bot, bar and action: there can
 * be no second order for the same decision, and none under another bot's name.
 * @returns the request, or the reason it is refused for
 */
export function parseIntent(
  body: unknown,
  owner: { readonly stack: string; readonly bot: string },
): { readonly request: IntentRequest } | { readonly reason: string } {
  const parsed = intentBody.safeParse(body);
  if (!parsed.success) {
    return { reason: parsed.error.issues.map(describe).join("; ") };
  }
  const { clientOrderId: given, bar, ...intent } = parsed.data;
  const expected = clientOrderId(owner.stack, owner.bot, bar, intent.action);
  if (given !== expected) {
    return { reason: `clientOrderId: "${given}" is not the id of this intent, "${expected}"` };
  }
  return { request: { clientOrderId: given, bar, intent } };
}

/** Whether an order already known under the request's id is the same order. */
export function isSameOrder(order: Order, request: IntentRequest): boolean {
  const { bar, intent } = request;
  if (order.bar !== bar || order.action !== intent.action) return false;
  if (intent.action === "exit") return true;
  return order.stopPrice === intent.stopPrice && (intent.action === "moveStop" || order.quantity === intent.quantity);
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return `unknown key ${issue.keys.map((key) => `"${key.slice(0, 40)}"`).join(", ")}`;
  }
  const path = issue.path.join(".");
  return path === "" ? "the body must be a JSON object" : `${path}: must be ${issue.message}`;
}
