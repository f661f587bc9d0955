import type { Candle } from "../../domain/candles";
import { applyIntent, processBar, type BarResult, type ExecutionParameters } from "../../domain/execution";
import type { Account, Intent, Order } from "../../domain/orders";

/** Where orders are worked. The broker hands it one account at a time, and writes down what comes of it. */
export interface Venue {
  readonly name: string;
  /** True when no order ever reaches a market; written with every fill. */
  readonly simulated: boolean;
  /** Price tick, quantity step and costs that bots have to reckon with. */
  readonly execution: ExecutionParameters;
  /** Takes an intent in, between two bars; a refusal is an order with status "rejected" and a reason. */
  accept(
    account: Account,
    intent: Intent,
    source: { readonly clientOrderId: string; readonly bar: number },
  ): Promise<{ readonly account: Account; readonly order: Order }>;
  /** What happened to the account's orders in a closed bar. */
  workBar(account: Account, candle: Candle): Promise<BarResult>;
}

/** The venue of paper trading: fills are computed from closed candles by the rules of domain/execution. */
export function simulatedVenue(execution: ExecutionParameters): Venue {
  return {
    name: "simulation",
    simulated: true,
    execution,
    accept: (account, intent, source) => Promise.resolve(applyIntent(account, intent, source, execution)),
    workBar: (account, candle) => Promise.resolve(processBar(account, candle, execution)),
  };
}
