import type { Candle } from "../../domain/candles";
import type { Account } from "../../domain/orders";
import type { Decision, Strategy } from "../../domain/strategies";

/** A decision as it is written. */
export interface PlannedDecision extends Decision {
  /** The account had already gone on when the bot saw this bar. */
  readonly late: boolean;
}

/** Where a bot stands. Times are open times of bars, epoch ms. */
export interface Standing {
  /** First bar that is decided on; the ones before only warm the indicators. */
  readonly startBar: number;
  /** Last bar with a decision; null before the first. */
  readonly decidedBar: number | null;
  /** The account after the last bar the broker worked. */
  readonly account: Account;
}

/** Reason written with the decision on a bar that passed while the bot was away. */
export const lateReason = "the bar passed while the bot was away";

/**
 * Takes one more closed candle into the strategy and decides on it where there is something to decide: not before the
 * start, never twice, and only "hold" on a bar that the account has already left.
 * @param candle not after the account's last bar
 * @returns null for a candle that only feeds the indicators
 */
export function decideOn(candle: Candle, standing: Standing, strategy: Strategy): PlannedDecision | null {
  const { startBar, decidedBar, account } = standing;
  const bar = candle.openTime;
  if (bar < startBar || (decidedBar !== null && bar <= decidedBar)) {
    strategy.warmUp(candle);
    return null;
  }
  if (bar === account.processedBar) {
    return { ...strategy.onBar(candle, account), late: false };
  }
  strategy.warmUp(candle);
  return { bar, action: "hold", reason: lateReason, indicators: strategy.indicators(), intent: null, late: true };
}
