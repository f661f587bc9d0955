import { z } from "zod";
import { backtest } from "../backtest";
import type { Candle } from "../candles";
import { executionSettings } from "../execution";
import type { BotRecord } from "./compare";

const time = z.int().min(0).max(8.64e15);
/** More bars than this are no exceptions any more. */
const bars = z.array(time).max(4000).default([]);

/**
 * What a replay is asked for. All times are open times of bars, epoch ms. The replay runs from the account's own start,
 * since what is in the account later depends on it; told is what lies within `from` and `to`.
 */
export const replayRequest = z
  .strictObject({
    from: time,
    to: time,
    /** First bar the account lives through, and the first candle of the indicators' warm-up. */
    startBar: time,
    warmupFrom: time,
    /** In the quote currency. */
    startingCash: z.number().positive(),
    execution: executionSettings,
    /** Bars whose decision came to nothing: the broker did not take the intent, or the bot was away. */
    withoutEffect: bars,
    /** Entries that were made smaller than they were decided on, by the bar of the decision; only where there are any, as older images know of none. */
    sizeLimits: z.array(z.strictObject({ bar: time, quantity: z.number().positive() })).max(4000).optional(),
    /** Bars that only feed the indicators: candles that were written after the account had gone on. */
    unseen: bars,
  })
  .refine(({ warmupFrom, startBar, to }) => warmupFrom <= startBar && startBar <= to, { error: "warmupFrom, startBar and to in this order" });
export type ReplayRequest = z.infer<typeof replayRequest>;

export interface ReplayedStrategy {
  readonly name: string;
  readonly settings: unknown;
}

/**
 * Runs a strategy over the candles as they are recorded now.
 * @param candles ascending, those from `warmupFrom` to `to`
 * @returns decisions, fills and equity of the bars from `from` to `to`; all trades from the start on
 * @throws RangeError when there is no candle to trade on
 */
export function replay(candles: readonly Candle[], request: ReplayRequest, strategy: ReplayedStrategy): BotRecord {
  const { from, to, startBar, startingCash, execution } = request;
  const result = backtest(candles, {
    ...{ strategy: strategy.name, parameters: strategy.settings, startBar, startingCash, execution },
    withoutEffect: new Set(request.withoutEffect),
    sizeLimits: new Map((request.sizeLimits ?? []).map(({ bar, quantity }) => [bar, quantity])),
    unseen: new Set(request.unseen),
  });
  const told = ({ bar }: { readonly bar: number }) => bar >= from && bar <= to;
  const unseen = new Set(request.unseen);
  return {
    decisions: result.decisions.filter(told),
    fills: result.fills.filter(told),
    trades: result.trades,
    equity: result.equity.filter((mark) => told(mark) && !unseen.has(mark.bar)),
  };
}
