import { z } from "zod";
import type { Candle } from "./candles";
import { stopOrderId } from "./clientOrderId";
import { gridOf, money, type Grid } from "./decimals";
import {
  workingStop,
  type Account,
  type Fill,
  type Holdings,
  type Intent,
  type Order,
  type Position,
  type Trade,
} from "./orders";

/** Settings of the simulated execution; unknown keys are errors. */
export const executionSettings = z.strictObject({
  /** Fee of each side as a fraction of the amount. */
  feeRate: z.number().min(0).max(0.1).default(0.001),
  /** How much worse than the reference price market and stop orders fill, as a fraction. */
  slippageRate: z.number().min(0).max(0.1).default(0.0005),
  /** Smallest price step in the quote currency. */
  priceTick: z.number().positive().default(0.01),
  /** Smallest quantity step in the base currency. */
  quantityStep: z.number().positive().default(0.00001),
});

export type ExecutionParameters = Readonly<z.infer<typeof executionSettings>>;

export const defaultExecution: ExecutionParameters = Object.freeze(executionSettings.parse({}));

/** Reasons that a cancelled or filled order can carry. */
export const orderReasons = {
  openedThroughStop: "opened through its stop",
  noCash: "cash cannot pay for it",
  reduced: "reduced to what cash can pay",
  stopReplaced: "replaced by a higher stop",
  positionClosed: "the position was closed",
} as const;

/** What came of one bar; orders appear with the status they ended the bar with. */
export interface BarResult {
  readonly account: Account;
  readonly fills: readonly Fill[];
  readonly trades: readonly Trade[];
  /** Orders that are new or changed, each once; a stop that was replaced comes before the one that replaced it. */
  readonly orderUpdates: readonly Order[];
  /** Cash plus the position at the bar's close. */
  readonly equity: number;
}

/**
 * Hands an intent in, between two bars. The order is "accepted" and waits in the returned account for the next bar, or
 * it is "rejected" with a reason and the account is returned as it was.
 * @param source the order's id, and the open time (epoch ms) of the closed bar the decision was made on
 */
export function applyIntent(
  account: Account,
  intent: Intent,
  source: { readonly clientOrderId: string; readonly bar: number },
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
    stopPrice: intent.action === "exit" ? null : intent.stopPrice,
    status: reason === null ? "accepted" : "rejected",
    reason,
  };
  return { account: reason === null ? { ...account, orders: [...account.orders, order] } : account, order };
}

/**
 * Works the account's orders through one bar, in this order: market orders at the open, a moved stop takes over, the
 * protective stop, equity at the close. Pure; nothing of the arguments is changed.
 */
export function processBar(
  account: Account,
  candle: Candle,
  parameters: ExecutionParameters = defaultExecution,
): BarResult {
  if (account.processedBar !== null && candle.openTime <= account.processedBar) {
    throw new RangeError(`Bar ${iso(candle.openTime)} does not follow ${iso(account.processedBar)}`);
  }
  if (isQuiet(account, candle)) {
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
  const bar = new Bar(account, candle, parameters);
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

/** Cash plus the position valued at a price. */
export function equityAt(account: Holdings, price: number): number {
  const position = account.position;
  return position === null ? account.cash : money.nearest(account.cash + position.quantity * price);
}

/** The grids of a set of execution parameters, made once. */
export function gridsOf(parameters: ExecutionParameters): { readonly price: Grid; readonly quantity: Grid } {
  let grids = gridsByParameters.get(parameters);
  if (grids === undefined) {
    grids = { price: gridOf(parameters.priceTick), quantity: gridOf(parameters.quantityStep) };
    gridsByParameters.set(parameters, grids);
  }
  return grids;
}

const gridsByParameters = new WeakMap<ExecutionParameters, { price: Grid; quantity: Grid }>();
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

/** The state of one bar while it is worked. */
class Bar {
  private cash: number;
  private position: Position | null;
  private readonly orders: Map<string, Order>;
  private readonly updates = new Map<string, Order>();
  private readonly fills: Fill[] = [];
  private readonly trades: Trade[] = [];

  constructor(
    account: Account,
    private readonly candle: Candle,
    private readonly parameters: ExecutionParameters,
  ) {
    this.cash = account.cash;
    this.position = account.position;
    this.orders = new Map(account.orders.map((order) => [order.clientOrderId, order]));
  }

  fillMarketOrders(): void {
    for (const order of this.orders.values()) {
      if (order.status === "accepted" && order.type === "market") {
        if (order.side === "buy") {
          this.enter(order);
        } else {
          this.leave(order, this.candle.open, "exit");
        }
      }
    }
  }

  takeOverMovedStop(): void {
    for (const moved of this.orders.values()) {
      if (moved.status === "accepted" && moved.type === "stop") {
        for (const working of this.orders.values()) {
          if (working.status === "working") {
            this.update(working, "cancelled", orderReasons.stopReplaced);
          }
        }
        this.update(moved, "working", null);
      }
    }
  }

  workStop(): void {
    for (const stop of this.orders.values()) {
      if (stop.status === "working" && this.candle.low <= stop.stopPrice!) {
        this.leave(stop, Math.min(this.candle.open, stop.stopPrice!), "stop");
      }
    }
  }

  result(): BarResult {
    const account: Account = {
      cash: this.cash,
      position: this.position,
      orders: [...this.orders.values()],
      processedBar: this.candle.openTime,
    };
    return {
      account,
      fills: this.fills,
      trades: this.trades,
      orderUpdates: [...this.updates.values()],
      equity: equityAt(account, this.candle.close),
    };
  }

  private enter(order: Order): void {
    const { open, openTime } = this.candle;
    if (open <= order.stopPrice!) {
      this.update(order, "cancelled", orderReasons.openedThroughStop);
      return;
    }
    const price = gridsOf(this.parameters).price.up(open * (1 + this.parameters.slippageRate));
    const asked = order.quantity!;
    const quantity = Math.min(asked, this.affordable(price));
    if (quantity <= 0) {
      this.update(order, "cancelled", orderReasons.noCash);
      return;
    }
    const fee = this.fee(price, quantity);
    this.cash = money.nearest(this.cash - price * quantity - fee);
    this.position = { quantity, entryPrice: price, entryBar: openTime, entryFee: fee };
    this.fill(order, price, open, quantity, fee, "entry");
    this.update(order, "filled", quantity < asked ? orderReasons.reduced : null);
    const stop: Order = {
      ...order,
      clientOrderId: stopOrderId(order.clientOrderId),
      action: "stop",
      side: "sell",
      type: "stop",
      quantity,
    };
    this.update(stop, "working", null);
  }

  /** Sells the whole position; an order that finds none is cancelled with it. */
  private leave(order: Order, reference: number, reason: "exit" | "stop"): void {
    const position = this.position;
    if (position === null) {
      this.update(order, "cancelled", orderReasons.positionClosed);
      return;
    }
    const { quantity, entryPrice, entryBar, entryFee } = position;
    const price = gridsOf(this.parameters).price.down(reference * (1 - this.parameters.slippageRate));
    const fee = this.fee(price, quantity);
    const fees = money.nearest(entryFee + fee);
    this.cash = money.nearest(this.cash + price * quantity - fee);
    this.position = null;
    this.fill(order, price, reference, quantity, fee, reason);
    this.trades.push({
      entryBar,
      exitBar: this.candle.openTime,
      quantity,
      entryPrice,
      exitPrice: price,
      fees,
      profit: money.nearest(price * quantity - entryPrice * quantity - fees),
      exitReason: reason,
    });
    this.update(order, "filled", null);
    for (const left of this.orders.values()) {
      this.update(left, "cancelled", orderReasons.positionClosed);
    }
  }

  private affordable(price: number): number {
    const grid = gridsOf(this.parameters).quantity;
    let quantity = grid.down(this.cash / (price * (1 + this.parameters.feeRate)));
    // The fee is rounded, so the last step can cost a hair more than there is.
    while (quantity > 0 && money.nearest(price * quantity + this.fee(price, quantity)) > this.cash) {
      quantity = grid.nearest(quantity - grid.step);
    }
    return quantity;
  }

  private fee(price: number, quantity: number): number {
    return money.nearest(price * quantity * this.parameters.feeRate);
  }

  private fill(
    order: Order,
    price: number,
    reference: number,
    quantity: number,
    fee: number,
    reason: Fill["reason"],
  ): void {
    this.fills.push({
      clientOrderId: order.clientOrderId,
      bar: this.candle.openTime,
      side: order.side,
      price,
      quantity,
      fee,
      slippage: money.nearest(Math.abs(price - reference) * quantity),
      reason,
    });
  }

  private update(order: Order, status: Order["status"], reason: string | null): void {
    const updated: Order = { ...order, status, reason };
    this.updates.set(order.clientOrderId, updated);
    if (status === "accepted" || status === "working") {
      this.orders.set(order.clientOrderId, updated);
    } else {
      this.orders.delete(order.clientOrderId);
    }
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
