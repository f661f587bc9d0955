import type { Halt } from "../../../../control/records";
import type { SourceView } from "../../../../services/gui/api";
import type { ControlFacts } from "../../../../services/gui/controlReader";
import type { AlertState, GuardStatus } from "../../../../services/gui/guardStatus";
import type { SnapshotState } from "../../../../services/gui/snapshot";
import type { BotRows, StatusRows } from "../../../../services/gui/rows";
import type { GuiSettings } from "../../../../services/gui/settings";
import type { StatusInput } from "../../../../services/gui/status";

/** Wall time of the tests, and the open time of the newest candle a year before it. */
export const now = Date.parse("2026-01-02T03:04:05Z");
export const bar = new Date("2025-01-02T03:00:00Z");
export const hour = 3_600_000;

export const settings: GuiSettings = {
  bots: [{ name: "refstrat01", symbol: "BTCUSDT", interval: "1h", strategy: "RefStrat_01" }],
  brokerUrl: "http://broker:8080",
  livefeedUrl: "http://livefeed:8080",
  backupUrl: null,
  guardUrl: null,
  mlflowPageUrl: null,
  configuration: { hash: "abc" },
};

/** A bot in position that has decided on the newest candle. */
export function botRows(changes: Partial<BotRows> = {}): BotRows {
  return {
    name: "refstrat01",
    running: true,
    account: {
      ...{ bot: "refstrat01", symbol: "BTCUSDT", interval: "1h", strategy: "RefStrat_01", strategySettings: {}, configurationHash: "abc" },
      ...{ startingCash: 10_000, cash: 5_000, quantity: 0.05, entryPrice: 100_000, entryBar: new Date(bar.getTime() - hour), entryFee: 5, stopPrice: 99_000 },
      ...{ warmupFrom: new Date(bar.getTime() - 300 * hour), startBar: new Date(bar.getTime() - 50 * hour), processedBar: bar, updatedAt: new Date(now) },
    },
    lastDecision: {
      ...{ bot: "refstrat01", bar, action: "hold", reason: "in position", indicators: { emaFast: 1, emaSlow: 2, atr: null } },
      ...{ intent: null, clientOrderId: null, late: false, decidedAt: new Date(now - 2000) },
    },
    lastEquity: { bar, equity: 10_090, close: 101_800 },
    peakEquity: 10_200,
    maxDrawdown: 0.05,
    trades: { count: 4, wins: 1, profit: -12.5, fees: 8 },
    fills: { simulated: 9, real: 0 },
    pendingOrders: [],
    lastCandle: { openTime: bar, close: 101_800 },
    behind: 0,
    broker: brokerRows(),
    parity: undefined,
    ...changes,
  };
}

/** One entry three hours ago, nothing refused, and everything fits. */
export function brokerRows(changes: Partial<BotRows["broker"]> = {}): BotRows["broker"] {
  return {
    orders: { hour: 0, day: 3 },
    lastEntry: { bar: new Date(bar.getTime() - 3 * hour), quantity: 0.05, referencePrice: 99_900 },
    rejections: [],
    reconciliation: { bot: "refstrat01", at: new Date(now - 1000), intended: 9, sent: 9, rejected: 1, filled: 7, cancelled: 1, open: 0, mismatch: null },
    ...changes,
  };
}

/** A feed that was HEALTHY for all of the five hours it is known for. */
export function qualityRows(changes: Partial<StatusRows["quality"][number]> = {}): StatusRows["quality"][number] {
  const times = [24, 168].map((hours) => ({ hours, healthy: 5 * hour, degraded: 0, down: 0, stopped: 0 }));
  return { symbol: "BTCUSDT", interval: "1h", times, findings: [], newestFinding: null, ...changes };
}

/** A request that was refused some minutes ago. */
export function rejection(minutes: number, changes: Partial<StatusRows["strangers"][number]> = {}): StatusRows["strangers"][number] {
  const at = new Date(now - minutes * 60_000);
  return { bot: "refstrat01", kind: "order quantity", count: 3, firstAt: new Date(now - hour), lastAt: at, lastReason: "quantity 5: above the limit of 1", ...changes };
}

export function statusRows(changes: Partial<StatusRows> = {}): StatusRows {
  return {
    session: { id: 1, source: "recording x.csv", settings: {}, replay: true, warmupFrom: bar, tradeFrom: bar, startedAt: new Date(now - hour) },
    feeds: [
      { symbol: "BTCUSDT", interval: "1h", state: "HEALTHY", reason: "candles arrive in order", lastOpenTime: bar, updatedAt: new Date(now - 5000), leaseUntil: new Date(now + 55_000), since: new Date(now - 2 * hour), renewals: 720, repairs: 0, measures: {}, phase: "running" },
    ],
    quality: [qualityRows()],
    bots: [botRows()],
    strangers: [],
    guard: { status: undefined, actions: [] },
    ...changes,
  };
}

/** Nothing is halted or frozen, and the broker has looked a second ago. */
export function controlFacts(changes: Partial<ControlFacts> = {}): ControlFacts {
  return {
    halts: { halts: [], unreadable: [], problem: null },
    freezes: { entries: [], unreadable: [] },
    sight: { at: new Date(now - 1000).toISOString(), incidents: [], problem: null },
    ...changes,
  };
}

/** A kill of every bot, three minutes ago, from the command line. */
export function halt(changes: Partial<Halt> = {}): Halt {
  return {
    ...{ format: 1, id: "INC-20260102-030105-4f2a", stack: "paper", bot: null, level: "kill", reason: "the books look wrong", by: "person", who: "anna" },
    ...{ at: new Date(now - 180_000).toISOString(), rule: null, cause: null, numbers: {}, runbook: null, open: [] },
    ...changes,
  };
}

/** The facts of a control folder in which these are in force, and the broker holds to all of them. */
export function halted(...halts: readonly Halt[]): ControlFacts {
  return controlFacts({ halts: { halts, unreadable: [], problem: null }, sight: { at: new Date(now - 1000).toISOString(), incidents: halts.map(({ id }) => id), problem: null } });
}

/** What a service said a moment ago. */
export function said<T>(value: T, problem?: string): SnapshotState<T> {
  return { last: { value, at: now - 300 }, problem };
}

/** The guard sees nothing that is wrong. */
export function guardSays(changes: Partial<GuardStatus> = {}): GuardStatus {
  return {
    ...{ problems: [], verdicts: [], bots: [{ name: "refstrat01", running: true }] },
    thresholds: {
      ...{ dailyLossShare: 0.02, drawdownShare: 0.12, exposureShare: 1.25, feedDegradedSeconds: 120, decisionMinutes: 10 },
      ...{ trackingErrorWarnShare: 0.02, trackingErrorFreezeShare: 0.05, trackingErrorReduceShare: 0.1, clockSeconds: 2, haltDrillDays: 35, driftDays: 7 },
    },
    ...changes,
  };
}

/** Alerts that are raised, told to a receiver. */
export function alertsSay(...active: AlertState["active"]): AlertState {
  return { configured: true, active, undelivered: 0 };
}

/** An alert raised so many minutes ago. */
export function raised(key: string, severity: "warning" | "critical", minutes: number, acknowledged = false): AlertState["active"][number] {
  return { id: `id-${key}`, key, severity, text: `text of ${key}`, runbook: "runbooks/x.md, 1", since: new Date(now - minutes * 60_000).toISOString(), acknowledged };
}

export function guardLease(changes: Partial<NonNullable<StatusRows["guard"]["status"]>> = {}): NonNullable<StatusRows["guard"]["status"]> {
  return { only: true, state: "GRANTED", reason: "all is looked after", leaseUntil: new Date(now + 12_000), renewals: 99, updatedAt: new Date(now - 3000), ...changes };
}

export const up = (name: SourceView["name"]): SourceView => ({ name, state: "up", reason: "works", lastUp: now });

export function statusInput(changes: Partial<StatusInput> = {}): StatusInput {
  return {
    ...{ now, stack: "paper", mode: "paper", settings },
    database: { last: { value: statusRows(), at: now - 400 }, problem: undefined },
    broker: up("broker"),
    livefeed: up("livefeed"),
    backup: null,
    guard: null,
    ...{ control: controlFacts(), alerts: { guard: null, backup: null } },
    ...changes,
  };
}
