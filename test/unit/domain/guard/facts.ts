import type { BotFacts, DriftFacts, FeedFacts, GuardFacts, GuardThresholds, StackFacts } from "../../../../domain/guard/facts";

export const at = Date.UTC(2026, 0, 5, 12);

/** The configuration's own defaults. */
export const thresholds: GuardThresholds = {
  dailyLossShare: 0.02,
  drawdownShare: 0.12,
  exposureShare: 1.25,
  feedDegradedSeconds: 120,
  decisionMinutes: 10,
  trackingErrorWarnShare: 0.02,
  trackingErrorFreezeShare: 0.05,
  trackingErrorReduceShare: 0.1,
  clockSeconds: 2,
  haltDrillDays: 35,
  driftDays: 7,
};

export const feed = (change: Partial<FeedFacts> = {}): FeedFacts => ({ symbol: "BTCUSDT", state: "HEALTHY", reason: "fine", phase: "running", since: at, updatedAt: at, unwellFor: 0, skewMilliseconds: null, ...change });

/** Every bound exactly met: nothing may act a hair sooner. */
export const bot = (change: Partial<BotFacts> = {}): BotFacts => ({
  ...{ name: "one", symbol: "BTCUSDT", exposure: 1250, entryBar: at, ordersLastHour: 10, ordersPerHour: 10, bar: at },
  equity: { drawdownSince: "the beginning", peak: 10_000, dailySince: "the beginning", dayStart: 10_000, day: "2026-01-05", low: 9800, dayLow: 9800 },
  undecided: { decidedBar: at, waitedFor: 600_000, restarted: false },
  parity: { id: 7, verdict: "equal", frozen: false, trackingError: 0.02, reason: "the same" },
  mismatch: null,
  ...change,
});

export const stack = (change: Partial<StackFacts> = {}): StackFacts => ({ exposureNotional: 1000, ordersLastHour: 100, ordersPerHour: 100, bar: at, drill: { last: at - 35 * 86_400_000, firstStart: 0, now: at }, drift: drift(), ...change });

export const drift = (change: Partial<DriftFacts> = {}): DriftFacts => ({ checked: at - 7 * 86_400_000, differences: 0, found: [], firstStart: 0, now: at, ...change });

export const facts = (change: { feeds?: FeedFacts[]; bots?: BotFacts[]; stack?: StackFacts } = {}): GuardFacts => ({ feeds: change.feeds ?? [feed({ unwellFor: 120_000 })], bots: change.bots ?? [bot()], stack: change.stack ?? stack() });
