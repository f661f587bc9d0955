/** What the rules are judged by. Times are epoch milliseconds of the database's clock unless said otherwise, shares are fractions. */
export interface GuardFacts {
  readonly feeds: readonly FeedFacts[];
  /** The bots of the configuration, each with what is known of it. */
  readonly bots: readonly BotFacts[];
  readonly stack: StackFacts;
}

export interface FeedFacts {
  readonly symbol: string;
  readonly state: "HEALTHY" | "DEGRADED" | "DOWN";
  readonly reason: string;
  readonly phase: "starting" | "running" | "stopped" | "ended";
  /** Since when it is in this state. */
  readonly since: number;
  /** When the feed last said anything. */
  readonly updatedAt: number;
  /** Milliseconds of the guard's own steady clock since it saw that the feed was not well, or that the lease was renewed last. */
  readonly unwellFor: number;
  /** How far the exchange's clock is from the feed's; null where there is none. */
  readonly skewMilliseconds: number | null;
}

export interface BotFacts {
  readonly name: string;
  readonly symbol: string;
  /** Null before the bot ever registered, or had a bar. */
  readonly equity: EquityFacts | null;
  /** Value of its open position at the newest close, in the quote currency. */
  readonly exposure: number;
  /** Open time of the bar its position was entered on; null while it has none. */
  readonly entryBar: number | null;
  /** Orders that were not rejected, protective stops aside, in the hour of market time that ends with `bar`. */
  readonly ordersLastHour: number;
  readonly ordersPerHour: number;
  /** Open time of the account's newest bar; null before the first. */
  readonly bar: number | null;
  /** What a decision is waited for on; null while none is missing, or the bot does not run. */
  readonly undecided: UndecidedFacts | null;
  /** Newest comparison with a replay. */
  readonly parity: ParityFacts | null;
  /** What does not fit together in the broker's books; null when all of it does. */
  readonly mismatch: string | null;
}

export interface EquityFacts {
  /** Where the highest equity is counted from: an incident that was lifted, or "the beginning". */
  readonly drawdownSince: string;
  readonly peak: number;
  /** Equity where it was furthest below its peak since the last look; the newest where nothing came. */
  readonly low: number;
  /** The same for the loss of the day. */
  readonly dailySince: string;
  /** Equity at the last midnight (UTC, market time), or at the rearm when that was later. */
  readonly dayStart: number;
  readonly dayLow: number;
  /** The day, such as 2026-01-31. */
  readonly day: string;
}

export interface UndecidedFacts {
  /** The last bar that was decided on; null for none ever. */
  readonly decidedBar: number | null;
  /** Milliseconds of the guard's own steady clock since the next bar could be decided on. */
  readonly waitedFor: number;
  /** Whether the guard restarted the bot for this already, or within the last hour. */
  readonly restarted: boolean;
}

export interface ParityFacts {
  readonly id: number;
  readonly verdict: string;
  readonly frozen: boolean;
  readonly trackingError: number | null;
  readonly reason: string;
}

export interface StackFacts {
  readonly exposureNotional: number;
  readonly ordersLastHour: number;
  readonly ordersPerHour: number;
  /** Newest bar of all accounts. */
  readonly bar: number | null;
  /** Newest halt drill, or since when the stack should have had one; null where none is due: live is drilled in paper. */
  readonly drill: { readonly last: number | null; readonly firstStart: number; readonly now: number } | null;
  readonly drift: DriftFacts;
}

/** What is known of how what runs differs from what was deployed: the guard itself cannot see it. */
export interface DriftFacts {
  /** When that was compared last; null where it never was. */
  readonly checked: number | null;
  /** Number of things that were not as they were deployed then. */
  readonly differences: number;
  /** The first of them, in words. */
  readonly found: readonly string[];
  /** Since when the stack has a guard. */
  readonly firstStart: number;
  readonly now: number;
}

/** Thresholds; the same names as `trading:guard` has. */
export interface GuardThresholds {
  readonly dailyLossShare: number;
  readonly drawdownShare: number;
  readonly exposureShare: number;
  readonly feedDegradedSeconds: number;
  readonly decisionMinutes: number;
  readonly trackingErrorWarnShare: number;
  readonly trackingErrorFreezeShare: number;
  readonly trackingErrorReduceShare: number;
  readonly clockSeconds: number;
  readonly haltDrillDays: number;
  readonly driftDays: number;
}
