import type { Candle } from "../../domain/candles";
import type { Account } from "../../domain/orders";
import type { Decision, Strategy } from "../../domain/strategies";

/** A decision as it is written. */
export interface PlannedDecision extends Decision {
  /** Nothing could be done on the bar any more: the account had gone on, or the time for the entry it called for was past. */
  readonly late: boolean;
}

/** Where a bot stands. Times are epoch ms; bars are named by their open time. */
export interface Standing {
  /** First bar that is decided on; the ones before only warm the indicators. */
  readonly startBar: number;
  /** Last bar with a decision; null before the first. */
  readonly decidedBar: number | null;
  /** The account after the last bar the broker worked. */
  readonly account: Account;
  /** The database's clock when the account was read. */
  readonly now: number;
  /** Length of a bar in milliseconds. */
  readonly interval: number;
  /** Milliseconds around its close in which a bar may be entered on; null in a replay, where there is no such time. */
  readonly decisionWindow: number | null;
}

/** Reasons written with late decisions. */
export const lateReasons = {
  away: "the bar passed while the bot was away",
  window: "called for an entry, but the decision window of the bar was past",
} as const;

/**
 * Takes one more closed candle into the strategy and decides on it where there is something to decide: not before the
 * start, never twice, and only "hold" on a bar that the account has already left. Outside the decision window, after it or
 * by a clock that was set back before it, nothing is entered; a position is led as ever, since waiting makes no exit safer.
 * @param candle not after the account's last bar
 * @returns null for a candle that only feeds the indicators
 */
export function decideOn(candle: Candle, standing: Standing, strategy: Strategy): PlannedDecision | null {
  const { startBar, decidedBar, account, now, interval, decisionWindow } = standing;
  const bar = candle.openTime;
  if (bar < startBar || (decidedBar !== null && bar <= decidedBar)) {
    strategy.warmUp(candle);
    return null;
  }
  if (bar !== account.processedBar) {
    strategy.warmUp(candle);
    return lateHold(bar, lateReasons.away, strategy.indicators());
  }
  const decision = strategy.onBar(candle, account);
  const outside = decisionWindow !== null && Math.abs(now - (bar + interval)) > decisionWindow;
  return outside && decision.action === "enter" ? lateHold(bar, lateReasons.window, decision.indicators) : { ...decision, late: false };
}

function lateHold(bar: number, reason: string, indicators: Decision["indicators"]): PlannedDecision {
  return { bar, action: "hold", reason, indicators, intent: null, late: true };
}
