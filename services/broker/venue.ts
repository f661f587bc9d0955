import type { Candle } from "../../domain/candles";
import { applyIntent, processBar, type BarResult, type ExecutionParameters, type IntentSource } from "../../domain/execution";
import type { Account, Intent, Order } from "../../domain/orders";

/** What a venue says an account has there, to be held against what the database says. */
export interface Standing {
  /** Ids of the account's orders that are still to be filled, the protective stop among them. */
  readonly openOrders: readonly string[];
  /** Open position in the base currency; 0 when flat. */
  readonly quantity: number;
}

/** What a bar is worked with. */
export interface WorkTerms {
  /** Length of a bar in milliseconds. */
  readonly interval: number;
  /** Ids of accepted orders that must not be worked in this bar: they came when its open was known. */
  readonly withheld: ReadonlySet<string>;
  /**
   * Price of the stop that worked in an earlier bar of the position, when that bar reached it and came only after the
   * account had gone on; else null. Only a simulation has use for it: an exchange knew its own prices.
   */
  readonly passedStop: number | null;
  /** Accepted orders that a halt forbids, and why, by their id: they are cancelled before anything else of the bar. */
  readonly halted: ReadonlyMap<string, string>;
}

/**
 * Where orders are worked. The broker hands it one account at a time, and writes down what comes of it in one transaction;
 * it may end between any two calls and make the same call again. An adapter of an exchange implements this and nothing
 * else of the broker changes.
 */
export interface Venue {
  readonly name: string;
  /** True when no order ever reaches a market; written with every fill. */
  readonly simulated: boolean;
  /** Price tick, quantity step and costs that bots have to reckon with. */
  readonly execution: ExecutionParameters;
  /**
   * Takes an intent in, between two bars. Promises:
   * - Idempotent by client order id: the same intent under the same id leads to one order, however often it is handed in.
   *   The broker calls before it writes, and calls again when it could not write.
   * - Of an entry with a size limit no more than that is ever filled; its order keeps the quantity that was decided on.
   * - A refusal is an order with status "rejected" and a reason; nothing was sent then.
   * - An error means "not known": the broker writes nothing, and the bot hands the intent in again.
   */
  accept(account: Account, intent: Intent, source: IntentSource): Promise<{ readonly account: Account; readonly order: Order }>;
  /**
   * What happened to the account's orders in a closed bar. Promises:
   * - An entry fills in the bar that directly follows the one decided on, or it is cancelled.
   * - An entry is reported as filled only together with its protective stop, which is then working at the venue for the
   *   whole quantity that was filled. Until the stop is placed the entry is not reported; when it cannot be placed, the
   *   venue closes the position and reports that.
   * - A halted order is cancelled, unless the venue had filled it before; a stop that works stays.
   * - Idempotent: asked again about the same bar of the same account, it gives the same answer and sends nothing twice.
   * - Every order appears at most once with the status it ended the bar with; fills carry the client order id.
   */
  workBar(account: Account, candle: Candle, terms: WorkTerms): Promise<BarResult>;
  /**
   * What the venue itself holds for the account, asked at start, before the first entry after it, and every minute. Where
   * it differs from the database, entries stop and exits go on.
   */
  standing(account: Account): Promise<Standing>;
}

/**
 * The venue of paper trading: fills are computed from closed candles by the rules of domain/execution. It holds nothing of
 * its own (the database's account is the account), so that its standing is always the database's.
 */
export function simulatedVenue(execution: ExecutionParameters): Venue {
  return {
    name: "simulation",
    simulated: true,
    execution,
    accept: (account, intent, source) => Promise.resolve(applyIntent(account, intent, source, execution)),
    workBar: (account, candle, terms) => Promise.resolve(processBar(account, candle, { ...terms, parameters: execution })),
    standing: (account) =>
      Promise.resolve({
        openOrders: account.orders.map((order) => order.clientOrderId),
        quantity: account.position?.quantity ?? 0,
      }),
  };
}
