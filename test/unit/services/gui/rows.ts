import type { SourceView } from "../../../../services/gui/api";
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
      { symbol: "BTCUSDT", interval: "1h", state: "HEALTHY", reason: "candles arrive in order", lastOpenTime: bar, updatedAt: new Date(now - 5000), leaseUntil: new Date(now + 55_000), since: new Date(now - 2 * hour), renewals: 720, repairs: 0, measures: {} },
    ],
    quality: [qualityRows()],
    bots: [botRows()],
    strangers: [],
    ...changes,
  };
}

export const up = (name: SourceView["name"]): SourceView => ({ name, state: "up", reason: "works", lastUp: now });

export function statusInput(changes: Partial<StatusInput> = {}): StatusInput {
  return {
    ...{ now, stack: "paper", mode: "paper", settings },
    database: { last: { value: statusRows(), at: now - 400 }, problem: undefined },
    broker: up("broker"),
    livefeed: up("livefeed"),
    backup: null,
    ...changes,
  };
}
