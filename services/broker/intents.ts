import { z } from "zod";
import { clientOrderId } from "../../domain/clientOrderId";
import type { Intent, Order } from "../../domain/orders";

const time = "an open time in epoch milliseconds";
/** The last time that JavaScript can tell. */
const bar = z.int(time).min(0, time).max(8.64e15, time);
const amount = z.number("a positive number").positive("a positive number").max(1e12, "at most 1000000000000");
const longestId = 120;
const id = z.string("text").min(1, "text").max(longestId, `at most ${longestId} characters`);

const intentBody = z.discriminatedUnion(
  "action",
  [
    z.strictObject({ clientOrderId: id, bar, action: z.literal("enter"), quantity: amount, stopPrice: amount }),
    z.strictObject({ clientOrderId: id, bar, action: z.literal("exit") }),
    z.strictObject({ clientOrderId: id, bar, action: z.literal("moveStop"), stopPrice: amount }),
  ],
  "enter, exit or moveStop",
);

const decidedIntent = z.discriminatedUnion("action", [
  z.strictObject({ action: z.literal("enter"), quantity: amount, stopPrice: amount }),
  z.strictObject({ action: z.literal("exit") }),
  z.strictObject({ action: z.literal("moveStop"), stopPrice: amount }),
]);

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

/** The intent of a row of `decisions`, which a bot wrote as it liked; null when it is none. */
export function parseDecidedIntent(value: unknown): Intent | null {
  return decidedIntent.safeParse(value).data ?? null;
}

/** Whether two intents ask for the same. */
export function isSameIntent(one: Intent, other: Intent): boolean {
  if (one.action === "exit" || other.action === "exit") return one.action === other.action;
  if (one.action !== other.action || one.stopPrice !== other.stopPrice) return false;
  return one.action !== "enter" || other.action !== "enter" || one.quantity === other.quantity;
}

/** The id that a body claims to be of, or null when none can be read. */
export function claimedId(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const { clientOrderId: claimed } = body as { clientOrderId?: unknown };
  return typeof claimed === "string" ? claimed.slice(0, longestId) : null;
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
