import type { Candle } from "./candles";
import { stopOrderId } from "./clientOrderId";
import { money } from "./decimals";
import { defaultExecution, gridsOf, type ExecutionParameters } from "./executionParameters";
import type { Account, Fill, Holdings, Order, Position, Trade } from "./orders";

/** Reasons that a cancelled or filled order can carry. */
export const orderReasons = {
  barMissing: "the bar after the decision is missing",
  openedThroughStop: "opened through its stop",
  beyondCollar: "opened beyond the price collar",
  noCash: "cash cannot pay for it",
  reduced: "reduced to what cash can pay",
  canary: "reduced to the size of the first days after a promotion",
  stopReplaced: "replaced by a higher stop",
  positionClosed: "the position was closed",
  passedBefore: "reached in a bar that came late, filled in the next one worked",
} as const;

/** What a bar is worked with beside the account and its candle. */
export interface BarTerms {
  /** Length of a bar in milliseconds: an entry works in the bar that follows the one decided on, and in no other. */
  readonly interval: number;
  /** The defaults unless given. */
  readonly parameters?: ExecutionParameters;
  /**
   * Ids of accepted orders that wait for a later bar: they were handed in when this bar's open was known. None unless
   * given. An order that closes the position cancels them like any other.
   */
  readonly withheld?: ReadonlySet<string>;
  /**
   * Accepted orders that are not let out, and why, by their id: they are cancelled before anything else of the bar. None
   * unless given. A stop that works already stays, whatever stands here.
   */
  readonly halted?: ReadonlyMap<string, string>;
  /**
   * Price of the stop that worked in an earlier bar of the position, when that bar reached it and was written only after
   * the account had gone on; null, or not given, when there is no such bar. Positive, in the quote currency.
   */
  readonly passedStop?: number | null;
}

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
  // An account has two open orders at most: lists are found through faster than maps are made.
  private readonly orders: Order[];
  private readonly updates: Order[] = [];
  private readonly fills: Fill[] = [];
  private readonly trades: Trade[] = [];
  private readonly parameters: ExecutionParameters;

  constructor(
    account: Account,
    private readonly candle: Candle,
    private readonly terms: BarTerms,
  ) {
    this.cash = account.cash;
    this.position = account.position;
    this.orders = [...account.orders];
    this.parameters = terms.parameters ?? defaultExecution;
  }

  cancelHalted(): void {
    for (const order of [...this.orders]) {
      const reason = order.status === "accepted" ? this.terms.halted?.get(order.clientOrderId) : undefined;
      if (reason !== undefined) this.update(order, "cancelled", reason);
    }
  }

  /**
   * Closes a position that had reached its stop in a bar which nobody knew then: before all else, and never at a better
   * price than that stop, so that a gap in the candles does not make the simulation look better than the market was.
   */
  leaveByPassedStop(): void {
    const { passedStop = null } = this.terms;
    const stop = this.orders.find(({ status }) => status === "working");
    if (passedStop === null || stop === undefined) return;
    this.leave(stop, Math.min(this.candle.open, passedStop), "stop", orderReasons.passedBefore);
  }

  fillMarketOrders(): void {
    for (const order of [...this.orders]) {
      if (this.isDue(order, "market")) {
        if (order.side === "buy") {
          this.enter(order);
        } else {
          this.leave(order, this.candle.open, "exit");
        }
      }
    }
  }

  takeOverMovedStop(): void {
    for (const moved of [...this.orders]) {
      if (this.isDue(moved, "stop")) {
        for (const working of [...this.orders]) {
          if (working.status === "working") {
            this.update(working, "cancelled", orderReasons.stopReplaced);
          }
        }
        this.update(moved, "working", null);
      }
    }
  }

  workStop(): void {
    for (const stop of [...this.orders]) {
      if (stop.status === "working" && this.candle.low <= stop.stopPrice!) {
        this.leave(stop, Math.min(this.candle.open, stop.stopPrice!), "stop");
      }
    }
  }

  result(): BarResult {
    const account: Account = {
      cash: this.cash,
      position: this.position,
      orders: this.orders,
      processedBar: this.candle.openTime,
    };
    return {
      account,
      fills: this.fills,
      trades: this.trades,
      orderUpdates: this.updates,
      equity: equityAt(account, this.candle.close),
    };
  }

  private isDue(order: Order, type: Order["type"]): boolean {
    return order.status === "accepted" && order.type === type && this.terms.withheld?.has(order.clientOrderId) !== true;
  }

  private enter(order: Order): void {
    const { open, openTime } = this.candle;
    const { referencePrice } = order;
    if (openTime !== order.bar + this.terms.interval) {
      // Nothing is known of the bar it was meant for: an entry does not outlive a gap.
      this.update(order, "cancelled", orderReasons.barMissing);
      return;
    }
    if (open <= order.stopPrice!) {
      this.update(order, "cancelled", orderReasons.openedThroughStop);
      return;
    }
    if (referencePrice !== null && Math.abs(open - referencePrice) > referencePrice * this.parameters.priceCollar) {
      this.update(order, "cancelled", orderReasons.beyondCollar);
      return;
    }
    const price = gridsOf(this.parameters).price.up(open * (1 + this.parameters.slippageRate));
    const asked = order.quantity!;
    const wanted = Math.min(asked, order.sizeLimit ?? asked);
    const quantity = Math.min(wanted, this.affordable(price));
    if (quantity <= 0) {
      this.update(order, "cancelled", orderReasons.noCash);
      return;
    }
    const fee = this.fee(price, quantity);
    this.cash = money.nearest(this.cash - price * quantity - fee);
    this.position = { quantity, entryPrice: price, entryBar: openTime, entryFee: fee };
    this.fill(order, price, open, quantity, fee, "entry");
    this.update(order, "filled", quantity < wanted ? orderReasons.reduced : wanted < asked ? orderReasons.canary : null);
    const stop: Order = {
      ...order,
      clientOrderId: stopOrderId(order.clientOrderId),
      action: "stop",
      side: "sell",
      type: "stop",
      quantity,
      sizeLimit: null,
    };
    this.update(stop, "working", null);
  }

  /**
   * Sells the whole position; an order that finds none is cancelled with it.
   * @param remark reason that the filled order carries
   */
  private leave(order: Order, reference: number, reason: "exit" | "stop", remark: string | null = null): void {
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
    this.update(order, "filled", remark);
    for (const left of [...this.orders]) {
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
    const { clientOrderId, bar, action, side, type, quantity, sizeLimit, stopPrice, referencePrice } = order;
    // Spelled out: spreading an order took a quarter of a backtest.
    const updated: Order = { clientOrderId, bar, action, side, type, quantity, sizeLimit, stopPrice, referencePrice, status, reason };
    put(this.updates, updated);
    if (status === "accepted" || status === "working") put(this.orders, updated);
    else remove(this.orders, updated);
  }
}

/** Puts an order in the place of the one with its id, or at the end. */
function put(orders: Order[], order: Order): void {
  const index = orders.findIndex(({ clientOrderId }) => clientOrderId === order.clientOrderId);
  if (index < 0) orders.push(order);
  else orders[index] = order;
}

function remove(orders: Order[], { clientOrderId: id }: Order): void {
  const index = orders.findIndex(({ clientOrderId }) => clientOrderId === id);
  if (index >= 0) orders.splice(index, 1);
}
