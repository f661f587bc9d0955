import type { Candle } from "./candles";
import { stopOrderId } from "./clientOrderId";
import { money } from "./decimals";
import { gridsOf, type ExecutionParameters } from "./executionParameters";
import type { Account, Fill, Holdings, Order, Position, Trade } from "./orders";

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

/** Cash plus the position valued at a price. */
export function equityAt(account: Holdings, price: number): number {
  const position = account.position;
  return position === null ? account.cash : money.nearest(account.cash + position.quantity * price);
}

/** The state of one bar while it is worked; see processBar for the order of the steps. */
export class BarExecution {
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
    // Rounding the fee cannot lift the cost above cash, which is itself a multiple of what is rounded to.
    return gridsOf(this.parameters).quantity.down(this.cash / (price * (1 + this.parameters.feeRate)));
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
