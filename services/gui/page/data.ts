import type { BotView, CandlesView, DecisionView, EquityView, FeedView, FindingView, HaltAnswer, HaltRequest, HaltsView, PerformanceView, StatusView, TradeView } from "../api";

/** An answer takes at most this long; later ones come when they come. */
const patienceMilliseconds = 8000;

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(patienceMilliseconds) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}

/** Whether trading is halted, known with every other service down. */
export const getHalts = (): Promise<HaltsView> => get<HaltsView>("/api/halts");

/** @throws with the server's words when trading was not halted */
export async function postHalt(request: HaltRequest): Promise<HaltAnswer> {
  const signal = AbortSignal.timeout(patienceMilliseconds);
  const response = await fetch("/api/halt", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(request), signal });
  if (response.status === 201) return (await response.json()) as HaltAnswer;
  const { error } = (await response.json().catch(() => ({}))) as { error?: string };
  throw new Error(error ?? `the server of this page answered ${response.status}`);
}

export const getStatus = (): Promise<StatusView> => get<StatusView>("/api/status");

export const getPerformance = (bot: string): Promise<PerformanceView> => get<PerformanceView>(`/api/performance?bot=${encodeURIComponent(bot)}`);

export interface History {
  candles: CandlesView;
  trades: TradeView[];
  equity: EquityView;
  decisions: DecisionView[];
  findings: FindingView[];
}

export async function getHistory(bot: string): Promise<History> {
  const query = `?bot=${encodeURIComponent(bot)}`;
  const [candles, trades, equity, decisions, findings] = await Promise.all([
    get<CandlesView>(`/api/candles${query}&limit=400`),
    get<TradeView[]>(`/api/trades${query}&limit=200`),
    get<EquityView>(`/api/equity${query}&limit=1000`),
    get<DecisionView[]>(`/api/decisions${query}&limit=50`),
    get<FindingView[]>(`/api/findings${query}&limit=50`),
  ]);
  return { candles, trades, equity, decisions, findings };
}

/** Changes when the history has something new. */
export function historyVersion(bot: BotView, feed: FeedView | undefined): string {
  return [feed?.newestFinding, bot.name, bot.lastCandle, bot.processedBar, bot.lastDecision?.bar, bot.trades, bot.position?.stopPrice].join("|");
}
