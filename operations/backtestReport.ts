import type { BacktestResult } from "../domain/backtest";
import type { CandleFile, CandleFinding } from "../domain/candles";
import type { ExecutionParameters } from "../domain/execution";
import type { Metrics } from "../domain/metrics";
import type { Account, Fill, Trade } from "../domain/orders";
import { decimals, NONE, percent, time } from "./format";
import { plainTable } from "./statusText";

/** What a backtest was run with. */
export interface BacktestInput {
  readonly file: string;
  readonly stack: string;
  readonly bot: string;
  readonly symbol: string;
  readonly strategy: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly execution: ExecutionParameters;
  readonly startingCash: number;
  /** Candles before trading begins. */
  readonly warmupBars: number;
  readonly intervalMilliseconds: number;
}

export interface BacktestReport extends BacktestInput {
  readonly candles: number;
  /** Intervals between the first and the last candle for which the file has none. */
  readonly missingCandles: number;
  /** Rows that could be put right, and how. */
  readonly findings: readonly CandleFinding[];
  /** Epoch milliseconds: open of the first traded bar, close of the last. */
  readonly from: number;
  readonly to: number;
  readonly profit: number;
  /** Fees of all fills, those of a position that is still open included. */
  readonly fees: number;
  /** Part of the bars that closed with an open position. */
  readonly exposure: number;
  readonly metrics: Metrics;
  readonly trades: readonly Trade[];
  readonly fills: readonly Fill[];
  readonly equity: BacktestResult["equity"];
  readonly openPosition: Account["position"];
}

/** Brings a run's results together with what they are worth only with: period, gaps, costs, exposure. */
export function backtestReport(input: BacktestInput, { candles, findings }: CandleFile, result: BacktestResult): BacktestReport {
  const { equity, trades, fills, metrics, account } = result;
  const first = candles[0]?.openTime ?? 0;
  const last = candles.at(-1)?.openTime ?? 0;
  return {
    ...input,
    candles: candles.length,
    missingCandles: Math.round((last - first) / input.intervalMilliseconds) + 1 - candles.length,
    findings,
    from: equity[0]?.bar ?? first,
    to: last + input.intervalMilliseconds,
    profit: metrics.finalEquity - metrics.startingCash,
    fees: fills.reduce((sum, fill) => sum + fill.fee, 0),
    exposure: barsHeld(result) / Math.max(1, equity.length),
    metrics,
    trades,
    fills,
    equity,
    openPosition: account.position,
  };
}

/** Bars at whose close a position was open: from the bar of the entry up to, not including, the bar of the exit. */
function barsHeld({ equity, trades, account }: BacktestResult): number {
  const held = trades.map((trade) => [trade.entryBar, trade.exitBar] as const);
  if (account.position !== null) held.push([account.position.entryBar, Number.POSITIVE_INFINITY]);
  let index = 0;
  let count = 0;
  for (const { bar } of equity) {
    while (index < held.length && held[index]![1] <= bar) index++;
    if (index < held.length && held[index]![0] <= bar) count++;
  }
  return count;
}

/** What `backtest` prints. */
export function backtestText(report: BacktestReport): string {
  const { metrics } = report;
  const settings = Object.entries(report.settings).map(([key, value]) => `${key}=${String(value)}`);
  const rows: [string, string][] = [
    ["Period", `${time(report.from)} to ${time(report.to)}`],
    ["Bars", `${metrics.bars} traded, ${report.warmupBars} of warm-up before them`],
    ["File", fileNote(report)],
    ["Trades", `${metrics.trades} (${decimals(metrics.tradesPer30Days, 2)} in 30 days)`],
    ["Profit", `${decimals(report.profit, 2)} (${percent(metrics.totalReturn)}) on ${decimals(metrics.startingCash, 2)}`],
    ["Sharpe", metrics.sharpe === undefined ? NONE : `${decimals(metrics.sharpe, 2)} (${sharpeNote(report.intervalMilliseconds)})`],
    ["Max drawdown", percent(metrics.maxDrawdown)],
    ["Fees", decimals(report.fees, 2)],
    ["Hit rate", percent(metrics.hitRate)],
    ["Profit factor", decimals(metrics.profitFactor, 2)],
    ["Exposure", `${percent(report.exposure)} of the bars`],
    ["At the end", report.openPosition === null ? "no position" : `${report.openPosition.quantity} bought at ${decimals(report.openPosition.entryPrice, 2)} still open`],
  ];
  return `Backtest of ${report.strategy} on ${report.file} (bot ${report.bot} of stack ${report.stack}: ${settings.join(", ")})\n${plainTable(["figure", "value"], rows)}\n`;
}

function fileNote({ candles, missingCandles, findings }: BacktestReport): string {
  const kinds = ["out of order", "duplicate", "inconsistent"] as const;
  const found = kinds.map((kind) => [kind, findings.filter((finding) => finding.kind === kind).length] as const);
  const notes = found.filter(([, count]) => count > 0).map(([kind, count]) => `, ${count} ${kind}`);
  return `${candles} candles, ${missingCandles} missing${notes.join("")}`;
}

function sharpeNote(intervalMilliseconds: number): string {
  const perYear = (365 * 86_400_000) / intervalMilliseconds;
  return intervalMilliseconds === 3_600_000 ? `from hourly returns, times sqrt(${perYear}); tools that use daily returns show another number` : `from returns per bar, times sqrt(${perYear})`;
}
