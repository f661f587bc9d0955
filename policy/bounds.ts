/**
 * Bounds that no stack file can move: to go beyond one is a change of this file, with its reason, in a commit of its own.
 * Amounts are in the quote currency, shares are fractions of 1.
 */

/** An `up`, a stop and a reboot wait for it; the database, which takes longest, has 60 s. */
export const MOST_GRACE_SECONDS = 120;

/** Upper bounds of what a stack may be allowed to do. */
export interface RiskBounds {
  /** Of one order and of the position it leads to. */
  readonly notional: number;
  /** Position as a multiple of the cash the bot started with. */
  readonly leverage: number;
  /** Over all bots of the stack. */
  readonly exposureNotional: number;
  readonly ordersPerHour: number;
  readonly ordersPerDay: number;
  /** Lower bound: seconds between two entries of one bot. */
  readonly secondsBetweenEntries: number;
}

export const RISK_BOUNDS: Readonly<Record<"paper" | "live", RiskBounds>> = {
  /** Paper risks nothing, and is tried out with accounts of any size: its bounds only catch a slip of the keyboard. */
  paper: { notional: 1_000_000, leverage: Infinity, exposureNotional: 20_000_000, ordersPerHour: 1000, ordersPerDay: 10_000, secondsBetweenEntries: 0 },
  live: {
    /** Four times what the stack file starts with: the limits are raised step by step, a further nought is no step. */
    notional: 50_000,
    /** What was evaluated and promoted traded without credit. Twice, not once: an account that has doubled goes on. */
    leverage: 2,
    /** Two bots at the most that one may do. */
    exposureNotional: 100_000,
    /** Bots decide on hourly bars: one order a minute is a bot that has gone wrong. */
    ordersPerHour: 60,
    /** Ten a bar, all day long. */
    ordersPerDay: 240,
    /** An entry a minute would enter again what the stop has just got out of, on the same bar. */
    secondsBetweenEntries: 60,
  },
};

/** Upper bounds of what the guard of a live stack lets happen before it acts: keys of its thresholds. */
export const GUARD_BOUNDS: Readonly<Record<string, number>> = {
  /** Ten full stops of the reference strategy (0.5 % each) on one day: whatever trades like that is not what was evaluated. */
  dailyLossShare: 0.05,
  /** An evaluation has to stay within 0.15 to be promoted: what falls further than a tenth beyond is another strategy. */
  drawdownShare: 0.25,
  /** Prices rose by 12 % in an hour at most: 1.5 is no move of a price any more. */
  exposureShare: 1.5,
  /** An exchange's planned reconnect takes seconds; five minutes are a twelfth of a bar in which no stop of the bot moves. */
  feedDegradedSeconds: 300,
  /** Half a bar. */
  decisionMinutes: 30,
  /** A bot that strays from its replay by a fifth a year no longer does what was promoted. */
  trackingErrorReduceShare: 0.2,
  /** An exchange refuses what comes by a clock that is off by more. */
  clockSeconds: 5,
};
