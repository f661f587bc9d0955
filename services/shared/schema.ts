import type { FeedState, FindingSeverity } from "../../domain/feedState";
import type { Span } from "../../domain/kpis/spans";
import type { ColumnType, Generated, Insertable, JSONColumnType, Selectable } from "kysely";

/**
 * The tables of schema `trading` as Kysely sees them: camel case names stand for snake case columns.
 * Times are `Date` both ways (see `toDate` and `toEpoch` in database.ts), `numeric` columns are numbers,
 * `jsonb` columns are read as values and written as JSON text.
 */
export interface TradingSchema {
  feedSessions: FeedSessionsTable;
  candles: CandlesTable;
  feedStatus: FeedStatusTable;
  feedFindings: FeedFindingsTable;
  accounts: AccountsTable;
  decisions: DecisionsTable;
  orders: OrdersTable;
  fills: FillsTable;
  trades: TradesTable;
  equity: EquityTable;
  feedStates: FeedStatesTable;
  rejections: RejectionsTable;
  reconciliations: ReconciliationsTable;
  runs: RunsTable;
  kpis: KpisTable;
  parities: ParitiesTable;
  guardStatus: GuardStatusTable;
  guardActions: GuardActionsTable;
}

type Json<T extends object | null = object> = JSONColumnType<T>;
type NullableJson<T extends object> = ColumnType<T | null, string | null, string | null>;
/** A column with a default of now(): may be left out of an insert. */
type DefaultedTime = ColumnType<Date, Date | undefined, Date>;

/** One run of a feed source: where its warm-up begins and from which bar on bots may trade. */
export interface FeedSessionsTable {
  id: Generated<number>;
  source: string;
  settings: Json<Record<string, unknown>>;
  replay: boolean;
  warmupFrom: Date;
  tradeFrom: Date;
  startedAt: DefaultedTime;
}

export interface CandlesTable {
  symbol: string;
  interval: string;
  openTime: Date;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  source: string;
  receivedAt: DefaultedTime;
  /** The state the feed was in right after this candle. */
  feedState: Generated<FeedState>;
}

export type { FeedState, FindingSeverity } from "../../domain/feedState";

export interface FeedStatusTable {
  symbol: string;
  interval: string;
  state: FeedState;
  reason: string;
  lastOpenTime: Date | null;
  updatedAt: DefaultedTime;
  leaseUntil: Date | null;
  /** Since when the feed is in this state. */
  since: DefaultedTime;
  /** Counts lease renewals. */
  renewals: Generated<number>;
  /** Counts candles written before already written ones. */
  repairs: Generated<number>;
  measures: ColumnType<Record<string, number | string | null>, string | undefined, string>;
  phase: Generated<FeedPhase>;
}

/** Whether candles can be expected: before its first verdict, in its work, in order at its end, or over with its recording. */
export type FeedPhase = "starting" | "running" | "stopped" | "ended";

/** A change of a feed's state. */
export interface FeedStatesTable {
  id: Generated<number>;
  at: DefaultedTime;
  symbol: string;
  interval: string;
  state: FeedState;
  reason: string;
  lastOpenTime: Date | null;
}

export interface FeedFindingsTable {
  id: Generated<number>;
  at: DefaultedTime;
  symbol: string;
  interval: string;
  openTime: Date | null;
  kind: string;
  details: Json<Record<string, unknown>>;
  severity: Generated<FindingSeverity>;
  /** Why it is a finding, for people. */
  reason: Generated<string>;
}

/** A bot's simulated account; a flat account has no entry and no stop. */
export interface AccountsTable {
  bot: string;
  symbol: string;
  interval: string;
  strategy: string;
  strategySettings: Json<Record<string, unknown>>;
  configurationHash: string;
  startingCash: number;
  cash: number;
  quantity: number;
  entryPrice: number | null;
  entryBar: Date | null;
  entryFee: number | null;
  stopPrice: number | null;
  warmupFrom: Date;
  startBar: Date;
  processedBar: Date | null;
  updatedAt: DefaultedTime;
}

export type DecisionAction = "enter" | "exit" | "moveStop" | "hold";

export interface DecisionsTable {
  bot: string;
  bar: Date;
  action: DecisionAction;
  reason: string;
  indicators: Json<Record<string, number | null>>;
  intent: NullableJson<Record<string, unknown>>;
  clientOrderId: string | null;
  late: boolean;
  decidedAt: DefaultedTime;
}

export type OrderAction = "enter" | "exit" | "moveStop" | "stop";
export type OrderStatus = "accepted" | "working" | "filled" | "cancelled" | "rejected";

export interface OrdersTable {
  clientOrderId: string;
  bot: string;
  bar: Date;
  action: OrderAction;
  side: "buy" | "sell";
  type: "market" | "stop";
  quantity: number | null;
  /** Most of the quantity that may be filled; null is all of it. */
  sizeLimit: Generated<number | null>;
  stopPrice: number | null;
  status: OrderStatus;
  reason: string | null;
  /** The last trusted close when the order was taken in. */
  referencePrice: number | null;
  createdAt: DefaultedTime;
  updatedAt: DefaultedTime;
}

export interface FillsTable {
  id: Generated<number>;
  clientOrderId: string;
  bot: string;
  bar: Date;
  side: "buy" | "sell";
  price: number;
  quantity: number;
  fee: number;
  slippage: number;
  reason: string;
  simulated: boolean;
  /** Market time, not the wall clock. */
  filledAt: Date;
}

export interface TradesTable {
  id: Generated<number>;
  bot: string;
  entryBar: Date;
  exitBar: Date;
  quantity: number;
  entryPrice: number;
  exitPrice: number;
  fees: number;
  profit: number;
  exitReason: string;
}

export interface EquityTable {
  bot: string;
  bar: Date;
  equity: number;
  cash: number;
  quantity: number;
  close: number;
}

/** Refused requests of a bot ("unknown" without a valid token), counted by kind. */
export interface RejectionsTable {
  bot: string;
  kind: string;
  count: number;
  firstAt: DefaultedTime;
  lastAt: DefaultedTime;
  lastReason: string;
}

/** The newest count of a bot's decisions, orders and fills against each other. */
export interface ReconciliationsTable {
  bot: string;
  at: DefaultedTime;
  intended: number;
  sent: number;
  rejected: number;
  filled: number;
  cancelled: number;
  open: number;
  /** Null when all of it fits together. */
  mismatch: string | null;
}

/** One start of a bot, as MLflow hears of it. */
export interface RunsTable {
  id: string;
  bot: string;
  image: string | null;
  params: Json<Record<string, string>>;
  startedAt: DefaultedTime;
  seenAt: DefaultedTime;
  endedAt: Date | null;
  status: Generated<"RUNNING" | "FINISHED" | "KILLED" | "FAILED">;
  fromBar: Date | null;
  toBar: Date | null;
  mlflowRunId: string | null;
  sent: Generated<boolean>;
}

/** Key figures of a bot in a window that ends with a bar; see domain/kpis/window.ts. Null is what cannot be computed. */
export interface KpisTable {
  bot: string;
  span: Span;
  bar: Date;
  computedAt: DefaultedTime;
  fromBar: Date | null;
  bars: number;
  equity: number | null;
  totalReturn: number | null;
  sharpe: number | null;
  sharpeError: number | null;
  sharpeProbability: number | null;
  sharpeMinimumReturns: number | null;
  sharpeReturns: number | null;
  drawdownMax: number | null;
  drawdownCurrent: number | null;
  drawdownFromPeak: number | null;
  exposure: number | null;
  trades: number | null;
  wins: number | null;
  losses: number | null;
  hitRate: number | null;
  profitFactor: number | null;
  averageProfit: number | null;
  tradeRate: number | null;
  tradesExpected: number | null;
  tradesAtMost: number | null;
  tradesAtLeast: number | null;
  tradesVerdict: "as expected" | "too few" | "too many" | null;
  fees: number | null;
  slippageMedian: number | null;
  slippageP95: number | null;
  trackingError: number | null;
  meanDifference: number | null;
  equityGap: number | null;
  decisionMatch: number | null;
}

/** A bot's record against a replay of the same candles. */
export interface ParitiesTable {
  id: Generated<number>;
  bot: string;
  at: DefaultedTime;
  fromBar: Date | null;
  toBar: Date | null;
  image: string | null;
  configurationHash: string;
  reference: "image" | "program";
  note: string | null;
  decisionsCompared: number;
  decisionsMatched: number;
  tradesCompared: number;
  tradesMatched: number;
  refused: number;
  late: number;
  trackingError: number | null;
  meanDifference: number | null;
  equityGap: number | null;
  slippageMedian: number | null;
  slippageP95: number | null;
  referenceSlippageMedian: number | null;
  referenceSlippageP95: number | null;
  firstDifference: NullableJson<Record<string, unknown>>;
  cause: string;
  verdict: "equal" | "costs" | "differs" | "nothing to compare";
  frozen: boolean;
  reason: string;
  /** Window -> trades in 30 days. */
  expectedTrades: Json<Partial<Record<Span, number>>>;
  seconds: number;
  /** Our own id of its run in MLflow. */
  runId: Generated<string>;
  /** Everything of it is in MLflow. */
  sent: Generated<boolean>;
}

/** One row: whether the guard lets entries in. */
export interface GuardStatusTable {
  only: Generated<boolean>;
  state: "GRANTED" | "WITHHELD";
  reason: string;
  leaseUntil: Date | null;
  /** Counts lease renewals. */
  renewals: Generated<number>;
  updatedAt: DefaultedTime;
}

/** Something the guard did by itself. */
export interface GuardActionsTable {
  id: Generated<number>;
  at: DefaultedTime;
  rule: string;
  /** Null is every bot. */
  bot: string | null;
  action: "halt" | "freeze" | "restart" | "stop" | "withhold" | "grant";
  /** Always there for a halt. */
  level: "pause" | "reduce" | "kill" | null;
  incident: string | null;
  reason: string;
  numbers: ColumnType<Record<string, number | string | null>, string | undefined, string>;
  runbook: string;
}

export type AccountRow = Selectable<AccountsTable>;
export type CandleRow = Selectable<CandlesTable>;
export type DecisionRow = Selectable<DecisionsTable>;
export type OrderRow = Selectable<OrdersTable>;
export type NewOrder = Insertable<OrdersTable>;
export type FeedStatusRow = Selectable<FeedStatusTable>;
export type FeedSessionRow = Selectable<FeedSessionsTable>;
