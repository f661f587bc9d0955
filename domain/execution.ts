import { BarExecution, equityAt, type BarResult, type BarTerms } from "./barExecution";
import type { Candle } from "./candles";
import { defaultExecution, gridsOf, type ExecutionParameters } from "./executionParameters";
import { workingStop, type Account, type Holdings, type Intent, type Order } from "./orders";

/** Where an intent comes from. */
export interface IntentSource {
  /** The order's id. */
  readonly clientOrderId: string;
  /** Open time (epoch ms) of the closed bar the decision was made on. */
  readonly bar: number;
  /** The last trusted close, which an entry's price collar is around; null when there is none, and then no collar. */
  readonly referencePrice: number | null;
  /** Most that may be filled of what an entry asks for, a positive multiple of the quantity step; all of it unless given. */
  readonly sizeLimit?: number | null;
}

export { equityAt, orderReasons, type BarResult, type BarTerms } from "./barExecution";
export { defaultExecution, executionSettings, gridsOf, type ExecutionParameters } from "./executionParameters";

/**
 * Hands an intent in, between two bars. The order is "accepted" and waits in the returned account for the next bar, or
 * it is "rejected" with a reason and the account is returned as it was.
 */
export function applyIntent(
  account: Account,
  intent: Intent,
  source: IntentSource,
  parameters: ExecutionParameters = defaultExecution,
): { readonly account: Account; readonly order: Order } {
  const reason = rejection(account, intent, source.bar, parameters);
  const order: Order = {
    clientOrderId: source.clientOrderId,
    bar: source.bar,
    action: intent.action,
    side: intent.action === "enter" ? "buy" : "sell",
    type: intent.action === "moveStop" ? "stop" : "market",
    quantity: intent.action === "enter" ? intent.quantity : (account.position?.quantity ?? null),
    sizeLimit: intent.action === "enter" ? (source.sizeLimit ?? null) : null,
    stopPrice: intent.action === "exit" ? null : intent.stopPrice,
    referencePrice: source.referencePrice,
    status: reason === null ? "accepted" : "rejected",
    reason,
  };
  return { account: reason === null ? { ...account, orders: [...account.orders, order] } : account, order };
}

/**
 * Works the account's orders through one bar, in this order: what is halted is cancelled, a stop that was reached in a bar
 * which came late, market orders at the open, a moved stop takes over, the protective stop, equity at the close. An entry
 * is cancelled when the bar does not directly follow the one it was decided on; exits and moved stops work in whatever bar
 * is next. Pure; nothing of the arguments is changed.
 * @throws RangeError when the bar is not after the account's last one
 */
export function processBar(account: Account, candle: Candle, terms: BarTerms): BarResult {
  if (account.processedBar !== null && candle.openTime <= account.processedBar) {
    throw new RangeError(`Bar ${iso(candle.openTime)} does not follow ${iso(account.processedBar)}`);
  }
  if ((terms.passedStop ?? null) === null && isQuiet(account, candle)) {
    return {
      account: {
        cash: account.cash,
        position: account.position,
        orders: account.orders,
        processedBar: candle.openTime,
      },
      fills: none,
      trades: none,
      orderUpdates: none,
      equity: equityAt(account, candle.close),
    };
  }
  const bar = new BarExecution(account, candle, terms);
  bar.cancelHalted();
  bar.leaveByPassedStop();
  bar.fillMarketOrders();
  bar.takeOverMovedStop();
  bar.workStop();
  return bar.result();
}

/** Whether a bar fills nothing and changes no order, so that processBar only moves on and marks equity. */
export function isQuiet(account: Holdings, candle: Candle): boolean {
  const orders = account.orders;
  if (orders.length === 0) {
    return true;
  }
  const only = orders[0]!;
  return orders.length === 1 && only.status === "working" && candle.low > only.stopPrice!;
}

const none: readonly never[] = Object.freeze([]);

function rejection(account: Account, intent: Intent, bar: number, parameters: ExecutionParameters): string | null {
  if (bar !== account.processedBar) {
    const at = account.processedBar === null ? "has processed no bar yet" : `is at ${iso(account.processedBar)}`;
    return `decided on bar ${iso(bar)}, but the account ${at}`;
  }
  const pending = account.orders.find((order) => order.status === "accepted");
  if (pending !== undefined) {
    return `order ${pending.clientOrderId} still waits for the next bar`;
  }
  const { price, quantity } = gridsOf(parameters);
  if (intent.action !== "exit" && !(intent.stopPrice > 0 && price.has(intent.stopPrice))) {
    return `stop price ${intent.stopPrice} is not a positive multiple of the price tick ${parameters.priceTick}`;
  }
  if (intent.action === "enter") {
    if (account.position !== null) {
      return "a position is already open";
    }
    return intent.quantity > 0 && quantity.has(intent.quantity)
      ? null
      : `quantity ${intent.quantity} is not a positive multiple of the quantity step ${parameters.quantityStep}`;
  }
  if (account.position === null) {
    return intent.action === "exit" ? "there is no position to exit" : "there is no position to protect";
  }
  const stop = workingStop(account)?.stopPrice ?? 0;
  return intent.action === "moveStop" && intent.stopPrice <= stop
    ? `the stop may only rise: ${intent.stopPrice} is not above ${stop}`
    : null;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
