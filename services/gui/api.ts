import type { HaltLevel } from "../../control/levels";

/**
 * What the page's JSON API answers. All times are epoch milliseconds; `...Bar` and `...Candle` times are market time
 * (the candle's open time), the others wall time. Money and prices are in the quote currency, fractions plain numbers.
 */

export type TrustLevel = "yes" | "care" | "no";

/** The answer to "may I trust it now?" with what stands against it, worst first. */
export interface TrustView {
  level: TrustLevel;
  title: string;
  reasons: string[];
}

export type SourceState = "up" | "notReady" | "down";

/** Something this service reads from. */
export interface SourceView {
  name: "database" | "broker" | "livefeed" | "guard";
  state: SourceState;
  reason: string;
  /** When it last answered as it should; null when it has not since this service started. */
  lastUp: number | null;
}

export type FeedStateView = "HEALTHY" | "DEGRADED" | "DOWN" | "UNKNOWN";

export interface FeedView {
  symbol: string;
  interval: string;
  state: FeedStateView;
  reason: string;
  lastCandle: number | null;
  updatedAt: number | null;
  leaseUntil: number | null;
  /** Milliseconds until entries are blocked; 0 when they are. */
  leaseLeft: number;
  /** Since when the feed is in this state. */
  since: number | null;
  /** What the state was judged by, as the feed names it: ages in seconds, skew in milliseconds, counts. */
  measures: Record<string, number | string | null>;
  /** Over the last 24 and 168 hours of wall time. */
  health: HealthView[];
  /** Findings of the last hour of wall time. */
  findings: { kind: string; severity: FindingView["severity"]; count: number }[];
  /** Changes with every finding. */
  newestFinding: number | null;
}

/** How a feed was in the last hours of wall time. */
export interface HealthView {
  hours: number;
  /** Share of the time the feed was HEALTHY, of the time it is known for; null when it is not known at all. */
  healthy: number | null;
  /** Wall milliseconds of the window that are known. */
  known: number;
  /** Wall milliseconds in which it was DEGRADED or DOWN without having been stopped. */
  impaired: number;
}

/** Something found about a feed, with the numbers it was judged by. */
export interface FindingView {
  at: number;
  /** The candle it is about; null when it is about none. */
  openTime: number | null;
  kind: string;
  severity: "note" | "DEGRADED" | "DOWN";
  /** Why it is a finding, for people. */
  reason: string;
  details: Record<string, number | string | null>;
}

/** Where the candles come from; a replay's market time is not today. */
export interface SessionView {
  source: string;
  replay: boolean;
  startedAt: number;
}

export interface PositionView {
  quantity: number;
  entryPrice: number;
  entryBar: number;
  entryFee: number;
  stopPrice: number | null;
  /** At the close of the last processed bar, after the fee of the entry. */
  unrealisedProfit: number | null;
  /** What is lost against the last close when the stop is hit, before slippage and fees. */
  riskToStop: number | null;
}

export interface DecisionView {
  bar: number;
  decidedAt: number;
  action: "enter" | "exit" | "moveStop" | "hold";
  reason: string;
  late: boolean;
  indicators: Record<string, number | null>;
}

export interface PendingOrderView {
  bar: number;
  action: string;
  quantity: number | null;
  stopPrice: number | null;
}

/** How much of one of the broker's limits is used. */
export interface LimitView {
  name: string;
  /** Null when there is nothing to measure yet. */
  used: number | null;
  allowed: number;
  /** Whether `allowed` is the most or the least that is let through. */
  bound: "most" | "least";
  unit: "base" | "quote" | "orders" | "seconds";
}

/** Requests that the broker refused, one kind of them. */
export interface RejectionView {
  kind: string;
  count: number;
  firstAt: number;
  lastAt: number;
  lastReason: string;
}

/** Decisions, orders and fills counted against each other. */
export interface ReconciliationView {
  at: number;
  intended: number;
  sent: number;
  rejected: number;
  filled: number;
  cancelled: number;
  open: number;
  /** What does not fit; null when all of it does. */
  mismatch: string | null;
}

export interface BotView {
  name: string;
  symbol: string;
  interval: string;
  strategy: string;
  /** Whether a process holds the bot's lock; null when that is not known. */
  running: boolean | null;
  registered: boolean;
  processedBar: number | null;
  /** Newest closed candle of the bot's market. */
  lastCandle: number | null;
  lastClose: number | null;
  /** Candles after the bar of the last decision. */
  behind: number;
  lastDecision: DecisionView | null;
  pendingOrders: PendingOrderView[];
  startingCash: number | null;
  cash: number | null;
  equity: number | null;
  /** Fraction below the highest equity so far, now and at worst; marked to market. */
  drawdown: number | null;
  maxDrawdown: number | null;
  /** Null when flat. */
  position: PositionView | null;
  trades: number;
  wins: number;
  realisedProfit: number;
  fees: number;
  configurationHash: string | null;
  /** Empty when this service was not told them. */
  limits: LimitView[];
  rejections: RejectionView[];
  /** Null before the broker has counted. */
  reconciliation: ReconciliationView | null;
  /** Why the newest comparison with a replay forbids promotions; null when it does not, or there is none. */
  frozen: string | null;
}

/** How the backups stand, as their service last said. */
export interface BackupView {
  /** Why the service does not answer; null when it does. */
  problem: string | null;
  /** When it last answered; null when it never did. */
  readAt: number | null;
  jobs: {
    job: string;
    lastGood: number | null;
    next: number | null;
    /** Failed runs since the last good one. */
    failures: number;
    lastReason: string | null;
    running: { since: number; step: string } | null;
    overdueSince: number | null;
  }[];
  /** Good recovery points that are kept. */
  points: number;
  newestPoint: { id: string; at: number; bytes: number } | null;
  newestDump: { id: string; at: number; bytes: number } | null;
  /** Any second in between can be restored. */
  restorable: { from: number; to: number } | null;
  /** The last restore test that was right. */
  proof: { point: string; at: number; from: string } | null;
  secondCopy: { kind: string; lastGood: number | null } | null;
  /** Fraction of the backups' disk. */
  diskUsed: number | null;
  alarms: { severity: "warning" | "critical"; text: string }[];
  /** Alarms that wait for their receiver. */
  undelivered: number;
}

/** A halt that is in force. */
export interface HaltView {
  /** Incident; the name of the file where that cannot be read. */
  id: string;
  level: HaltLevel;
  /** Null is every bot. */
  bot: string | null;
  /** What follows is null where the file cannot be read. */
  since: number | null;
  by: string | null;
  who: string | null;
  reason: string;
  /** Rule of the guard that acted; null for a person. */
  rule: string | null;
  numbers: Record<string, number | string | null>;
  runbook: string | null;
  /** The broker has said that it holds to it. */
  held: boolean;
  /** The command that lifts it. */
  rearm: string;
}

/** A freeze of deploys and promotions. */
export interface FreezeView {
  id: string;
  bot: string | null;
  since: number | null;
  by: string | null;
  who: string | null;
  reason: string;
  rule: string | null;
  numbers: Record<string, number | string | null>;
  runbook: string | null;
  /** When it ends by itself; null when it does not. */
  until: number | null;
  /** The command that lifts it. */
  thaw: string;
}

/** Whether trading is halted, read from the control folder: known with every other service down. */
export interface HaltsView {
  now: number;
  /** Why it cannot be read; null when it can. */
  problem: string | null;
  /** The furthest-reaching ones first. */
  inForce: HaltView[];
  freezes: FreezeView[];
  /** What the broker last wrote of the halts it holds to; null before it ever did. */
  broker: { at: number; problem: string | null } | null;
}

/** A rule of the guard and what it sees. */
export interface RuleView {
  rule: string;
  /** When it acts and what it does then, for people. */
  acts: string;
  runbook: string;
  /** What it sees now, for each bot, or for all where that is null; empty while it is kept. */
  found: { bot: string | null; reason: string; numbers: Record<string, number | string | null> }[];
}

/** What the guard did by itself. */
export interface GuardActionView {
  at: number;
  rule: string;
  bot: string | null;
  action: string;
  level: string | null;
  incident: string | null;
  reason: string;
  numbers: Record<string, number | string | null>;
  runbook: string;
}

/** How the guard stands. */
export interface GuardView {
  /** Why it does not answer; null when it does. */
  problem: string | null;
  /** When it last answered; null when it never did. */
  readAt: number | null;
  /** As it last answered: what it cannot do, its rules, and whether the container of each bot runs. */
  cannot: string[];
  rules: RuleView[];
  containers: { name: string; running: boolean | null }[];
  /** What the broker goes by, from the database; null before the guard ever wrote it. */
  lease: { state: "GRANTED" | "WITHHELD"; reason: string; until: number | null; left: number } | null;
  /** Newest first. */
  actions: GuardActionView[];
}

/** Something that is wrong and that the owner is told of. */
export interface AlertView {
  /** What it is acknowledged by. */
  id: string;
  sender: "guard" | "backup";
  key: string;
  severity: "warning" | "critical";
  text: string;
  runbook: string;
  since: number;
  acknowledged: boolean;
}

/** All alerts that are raised now. */
export interface AlertsView {
  /** The worst and newest first. */
  active: AlertView[];
  /** Services whose alerts are not known now, and why. */
  unknown: { sender: AlertView["sender"]; problem: string }[];
  /** Notices that wait for their receiver. */
  undelivered: number;
  /** Senders without a receiver: nobody is told. */
  unheard: AlertView["sender"][];
}

/** What a halt from the page is asked with. */
export interface HaltRequest {
  level: HaltLevel;
  /** Null is every bot. */
  bot: string | null;
  reason: string;
  /** Name of the stack, typed by the person; needed for live. */
  confirm?: string;
}

export interface HaltAnswer {
  incident: string;
  at: number;
  /** What went wrong beside the halt, which is in force; null when nothing did. */
  note: string | null;
}

export interface StatusView {
  now: number;
  stack: string;
  mode: "paper" | "live";
  /** One sentence about what stands behind the fills. */
  fills: string;
  configurationHash: string;
  mlflowPageUrl: string | null;
  /** The first days after a promotion, and the part of each entry and of the limits that there is until their end; null where there are none. */
  canary: { until: number; fraction: number } | null;
  trust: TrustView;
  sources: SourceView[];
  /** When the values of feed and bots were read from the database; null when they never were. */
  readAt: number | null;
  /** The values are older than they should be. */
  stale: boolean;
  session: SessionView | null;
  feeds: FeedView[];
  bots: BotView[];
  /** Requests without a valid token that the broker refused. */
  strangers: RejectionView[];
  /** Null where nothing is backed up. */
  backup: BackupView | null;
  halts: HaltsView;
  /** Null where the stack has no guard. */
  guard: GuardView | null;
  alerts: AlertsView;
}

export interface CandleView {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** What the bot saw and the broker held on a bar. */
export interface LineView {
  time: number;
  emaFast: number | null;
  emaSlow: number | null;
  /** The protective stop that worked during this bar; null without a position. */
  stop: number | null;
}

export interface CandlesView {
  symbol: string;
  interval: string;
  candles: CandleView[];
  lines: LineView[];
}

export interface TradeView {
  entryBar: number;
  exitBar: number;
  quantity: number;
  entryPrice: number;
  exitPrice: number;
  fees: number;
  profit: number;
  exitReason: string;
}

export interface EquityPoint {
  time: number;
  equity: number;
  drawdown: number;
}

export interface EquityView {
  startingCash: number | null;
  /** Every how many bars a point is given. */
  step: number;
  points: EquityPoint[];
}

/** Key figures in a window of market time that ends with the close of `bar`; null is what cannot be computed. */
export interface WindowView {
  window: string;
  from: number | null;
  bar: number;
  bars: number;
  totalReturn: number | null;
  sharpe: number | null;
  sharpeError: number | null;
  drawdownMax: number | null;
  drawdownFromPeak: number | null;
  exposure: number | null;
  trades: number | null;
  tradesExpected: number | null;
  tradesVerdict: string | null;
  hitRate: number | null;
  profitFactor: number | null;
  fees: number | null;
  /** Basis points of a fill's value. */
  slippageMedian: number | null;
  slippageP95: number | null;
  trackingError: number | null;
}

/** The newest comparison of a bot with a replay of what was recorded. */
export interface ParityView {
  at: number;
  from: number | null;
  to: number | null;
  verdict: "equal" | "costs" | "differs" | "nothing to compare";
  /** No promotion and no change of live until it is understood. */
  frozen: boolean;
  reason: string;
  cause: string;
  /** What replayed: the bot's own image, or this project's program. */
  reference: "image" | "program";
  /** Why the bot's image did not. */
  note: string | null;
  decisionsCompared: number;
  decisionsMatched: number;
  tradesCompared: number;
  tradesMatched: number;
  trackingError: number | null;
  firstDifference: { kind: string; bar: number } | null;
}

export interface PerformanceView {
  /** Empty before there are figures. */
  windows: WindowView[];
  /** Null before there was a comparison. */
  parity: ParityView | null;
}
