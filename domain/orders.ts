/**
 * What a strategy wants done after a closed bar. Quantities are in the base currency, prices in the quote currency.
 * An entry brings its protective stop with it: there is no position without one.
 */
export type Intent =
  | { readonly action: "enter"; readonly quantity: number; readonly stopPrice: number }
  | { readonly action: "exit" }
  | { readonly action: "moveStop"; readonly stopPrice: number };

export type IntentAction = Intent["action"];

/** The intent that made the order, or "stop" for the protective stop that an entry brings with it. */
export type OrderAction = IntentAction | "stop";

export type OrderStatus = "accepted" | "working" | "filled" | "cancelled" | "rejected";

/** An order as it is kept between bars and in the database. */
export interface Order {
  readonly clientOrderId: string;
  /** Open time (epoch ms) of the closed bar the decision was made on. */
  readonly bar: number;
  readonly action: OrderAction;
  readonly side: "buy" | "sell";
  readonly type: "market" | "stop";
  /** Asked for; the fill may be smaller when cash does not pay for it. Null when there was no position to act on. */
  readonly quantity: number | null;
  /** Most of the quantity that may be filled: an entry of the first days after a promotion. Null is all of it. */
  readonly sizeLimit: number | null;
  readonly stopPrice: number | null;
  /** The last trusted close when it was taken in; null when there was none, and then there is no price collar. */
  readonly referencePrice: number | null;
  readonly status: OrderStatus;
  /** Why it was cancelled, rejected or filled otherwise than asked for. */
  readonly reason: string | null;
}

/** One execution. Amounts are in the quote currency. */
export interface Fill {
  readonly clientOrderId: string;
  /** Open time (epoch ms) of the bar it was filled in. */
  readonly bar: number;
  readonly side: "buy" | "sell";
  readonly price: number;
  readonly quantity: number;
  readonly fee: number;
  /** What slippage cost: |price − price without slippage| × quantity. */
  readonly slippage: number;
  readonly reason: "entry" | "exit" | "stop";
}

/** A closed round trip. */
export interface Trade {
  /** Open times (epoch ms) of the bars the entry and the exit were filled in. */
  readonly entryBar: number;
  readonly exitBar: number;
  readonly quantity: number;
  readonly entryPrice: number;
  readonly exitPrice: number;
  /** Of both sides. */
  readonly fees: number;
  /** After fees. */
  readonly profit: number;
  readonly exitReason: "exit" | "stop";
}

/** An open long position. */
export interface Position {
  readonly quantity: number;
  readonly entryPrice: number;
  readonly entryBar: number;
  readonly entryFee: number;
}

/** What a strategy may decide by. */
export interface Holdings {
  readonly cash: number;
  readonly position: Position | null;
  /** Orders with something still to come: accepted ones, and the working stop. */
  readonly orders: readonly Order[];
}

/** All the simulated broker has to remember of a bot between two bars. */
export interface Account extends Holdings {
  /** Open time (epoch ms) of the last bar that was processed; null before the first. */
  readonly processedBar: number | null;
}

/** A fresh account: cash only. */
export function openAccount(startingCash: number): Account {
  return { cash: startingCash, position: null, orders: [], processedBar: null };
}

/** The stop order that protects the position, or undefined. */
export function workingStop(account: Holdings): Order | undefined {
  const orders = account.orders;
  for (let index = 0; index < orders.length; index++) {
    if (orders[index]!.status === "working") {
      return orders[index];
    }
  }
  return undefined;
}

/** Whether an order waits for the next bar (a stop that is already working does not). */
export function hasPendingOrder(account: Holdings): boolean {
  const orders = account.orders;
  for (let index = 0; index < orders.length; index++) {
    if (orders[index]!.status === "accepted") {
      return true;
    }
  }
  return false;
}
