import { fractionAt } from "../../domain/canary";
import { simulatedFills } from "../../domain/simulatedFills";
import { alertsView, type AlertSources } from "./alertsView";
import type { BackupView, BotView, PositionView, SourceView, StatusView } from "./api";
import { limitsOf, reconciliationOf, rejectionViews } from "./brokerView";
import type { ControlFacts } from "./controlReader";
import { feedsOf } from "./feedView";
import type { GuardStatus } from "./guardStatus";
import { guardView } from "./guardView";
import { haltsView } from "./haltsView";
import { decisionView, type BotRows, type StatusRows } from "./rows";
import type { BotSettings, GuiSettings } from "./settings";
import type { SnapshotState } from "./snapshot";
import { trust } from "./trust";

export interface StatusInput {
  now: number;
  stack: string;
  mode: "paper" | "live";
  settings: GuiSettings;
  database: SnapshotState<StatusRows>;
  broker: SourceView;
  livefeed: SourceView;
  backup: BackupView | null;
  control: ControlFacts;
  /** Whether the guard is ready, and what it says; null where the stack has none. */
  guard: { source: SourceView; said: SnapshotState<GuardStatus> } | null;
  alerts: AlertSources;
}

/** Values read longer ago than this are shown as old. */
export const staleMilliseconds = 10_000;

/** Puts rows and answers together into what the page shows. */
export function statusView(input: StatusInput): StatusView {
  const { now, settings, database, broker, livefeed } = input;
  const rows = database.last?.value;
  const readAt = database.last?.at ?? null;
  const stale = readAt === null || database.problem !== undefined || now - readAt > staleMilliseconds;
  const sources: SourceView[] = [
    database.problem === undefined
      ? { name: "database", state: "up", reason: "answers", lastUp: readAt }
      : { name: "database", state: "down", reason: database.problem, lastUp: readAt },
    broker,
    livefeed,
    ...(input.guard === null ? [] : [input.guard.source]),
  ];
  const feeds = feedsOf(settings.bots, rows, now);
  const strangers = rejectionViews(rows?.strangers ?? []);
  const fraction = fractionAt(settings.canary ?? null, now);
  const bots = settings.bots.map((bot) => botView(bot, rows?.bots.find((candidate) => candidate.name === bot.name), fraction));
  const fills = fillsStatement(rows);
  const halts = haltsView(input.control, input.stack, now);
  const guard = guardView(input.guard?.said ?? null, rows?.guard, now);
  const alerts = alertsView(input.alerts);
  return {
    now,
    stack: input.stack,
    mode: input.mode,
    fills,
    configurationHash: settings.configuration.hash,
    mlflowPageUrl: settings.mlflowPageUrl,
    canary: fraction === 1 ? null : (settings.canary ?? null),
    trust: trust({ now, stale, readAt, sources, feeds, bots, strangers, backup: input.backup, halts, guard, alerts, notices: settings.notices ?? [] }),
    sources,
    readAt,
    stale,
    session: rows?.session
      ? { source: rows.session.source, replay: rows.session.replay, startedAt: rows.session.startedAt.getTime() }
      : null,
    feeds,
    bots,
    strangers,
    backup: input.backup,
    ...{ halts, guard, alerts },
  };
}

function botView(bot: BotSettings, rows: BotRows | undefined, fraction: number): BotView {
  const account = rows?.account;
  const { limits: _limits, ...shown } = bot;
  const equity = rows?.lastEquity?.equity ?? account?.startingCash ?? null;
  const peak = rows?.peakEquity ?? account?.startingCash ?? null;
  return {
    ...shown,
    running: rows?.running ?? null,
    registered: account !== undefined,
    processedBar: account?.processedBar?.getTime() ?? null,
    lastCandle: rows?.lastCandle?.openTime.getTime() ?? null,
    lastClose: rows?.lastCandle?.close ?? null,
    behind: rows?.behind ?? 0,
    lastDecision: rows?.lastDecision === undefined ? null : decisionView(rows.lastDecision),
    pendingOrders: (rows?.pendingOrders ?? []).map((order) => ({ ...order, bar: order.bar.getTime() })),
    startingCash: account?.startingCash ?? null,
    cash: account?.cash ?? null,
    equity,
    drawdown: equity === null || peak === null ? null : Math.max(0, 1 - equity / peak),
    maxDrawdown: rows?.maxDrawdown ?? (account === undefined ? null : 0),
    position: rows === undefined ? null : positionView(rows),
    trades: rows?.trades.count ?? 0,
    wins: rows?.trades.wins ?? 0,
    realisedProfit: rows?.trades.profit ?? 0,
    fees: rows?.trades.fees ?? 0,
    configurationHash: account?.configurationHash ?? null,
    limits: limitsOf(bot, rows, fraction),
    rejections: rejectionViews(rows?.broker.rejections ?? []),
    reconciliation: reconciliationOf(rows),
    frozen: rows?.parity?.frozen === true ? rows.parity.reason : null,
  };
}

function positionView({ account, lastEquity }: BotRows): PositionView | null {
  if (account === undefined || account.quantity === 0 || account.entryPrice === null || account.entryBar === null) return null;
  const { quantity, entryPrice, stopPrice } = account;
  const entryFee = account.entryFee ?? 0;
  const close = lastEquity?.close ?? null;
  return {
    quantity,
    entryPrice,
    entryBar: account.entryBar.getTime(),
    entryFee,
    stopPrice,
    unrealisedProfit: close === null ? null : quantity * (close - entryPrice) - entryFee,
    riskToStop: close === null || stopPrice === null ? null : Math.max(0, quantity * (close - stopPrice)),
  };
}

function fillsStatement(rows: StatusRows | undefined): string {
  const simulated = (rows?.bots ?? []).reduce((sum, bot) => sum + bot.fills.simulated, 0);
  const real = (rows?.bots ?? []).reduce((sum, bot) => sum + bot.fills.real, 0);
  if (real > 0) return simulated > 0 ? `${real} fills from the exchange, ${simulated} simulated` : "Fills come from the exchange: real money";
  return simulatedFills;
}
