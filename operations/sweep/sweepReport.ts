import type { Metrics } from "../../domain/metrics";
import type { Axes, Grid, Settings } from "../../domain/evaluation/grid";
import { ranked } from "../../domain/evaluation/trials";
import type { CandleFile } from "../../domain/candles";
import type { BacktestInput } from "../backtestReport";
import { decimals, NONE, percent, time } from "../format";
import { plainTable } from "../statusText";

/** One set of a grid and what came of it. */
export interface SweepResult {
  /** From 1, the best first. */
  readonly rank: number;
  readonly settings: Settings;
  readonly metrics: Metrics;
}

/** A sweep as `--json` prints it. */
export interface SweepReport extends Omit<BacktestInput, "settings"> {
  /** Setting -> the values that were tried. */
  readonly grid: Readonly<Record<string, readonly unknown[]>>;
  /** All combinations, those left out included. */
  readonly combinations: number;
  readonly leftOut: Grid["leftOut"];
  readonly candles: number;
  readonly missingCandles: number;
  /** Epoch milliseconds: open of the first traded bar, close of the last. */
  readonly from: number;
  readonly to: number;
  /** By Sharpe ratio, the best first. */
  readonly results: readonly SweepResult[];
}

/** Sets that are shown, and that MLflow gets with curve and trades. */
export const bestCount = 10;

export function sweepReport(input: Omit<BacktestInput, "settings">, { candles }: CandleFile, axes: Axes, grid: Grid, figures: readonly Metrics[]): SweepReport {
  const [first, last] = [candles[0]!.openTime, candles.at(-1)!.openTime];
  return {
    ...input,
    grid: Object.fromEntries(axes),
    ...{ combinations: grid.combinations, leftOut: grid.leftOut, candles: candles.length },
    missingCandles: Math.round((last - first) / input.intervalMilliseconds) + 1 - candles.length,
    from: candles[input.warmupBars]!.openTime,
    to: last + input.intervalMilliseconds,
    results: ranked(figures).map((index, position) => ({ rank: position + 1, settings: grid.sets[index]!, metrics: figures[index]! })),
  };
}

/** The whole table as a CSV file: settings and figures of each set, the best first; empty where a figure cannot be computed. */
export function sweepCsv({ results }: SweepReport): string {
  const [first] = results;
  const [settings, figures] = [Object.keys(first!.settings), Object.keys(first!.metrics)];
  const rows = results.map((result) => [
    result.rank,
    ...settings.map((key) => result.settings[key]),
    ...figures.map((key) => result.metrics[key as keyof Metrics]),
  ]);
  return [["rank", ...settings, ...figures], ...rows].map((row) => `${row.map(csvField).join(",")}\n`).join("");
}

function csvField(value: unknown): string {
  const text = value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Names of the settings that the grid gives more than one value. */
export function variedSettings(grid: SweepReport["grid"]): string[] {
  const varied = Object.keys(grid).filter((key) => grid[key]!.length > 1);
  return varied.length > 0 ? varied : Object.keys(grid);
}

export function settingsText(settings: Settings, keys: readonly string[] = Object.keys(settings)): string {
  return keys.map((key) => `${key}=${String(settings[key])}`).join(", ");
}

/** What `backtest --grid` prints. */
export function sweepText(report: SweepReport): string {
  const { strategy, file, bot, stack, results, combinations, leftOut, warmupBars } = report;
  const varied = variedSettings(report.grid);
  const best = results.slice(0, bestCount);
  const rows = best.map(({ rank, settings, metrics }) => [
    String(rank),
    ...varied.map((key) => String(settings[key])),
    ...[decimals(metrics.sharpe, 2), percent(metrics.totalReturn), percent(metrics.maxDrawdown), String(metrics.trades), decimals(metrics.profitFactor, 2)],
  ]);
  const fixed = Object.keys(results[0]!.settings).filter((key) => !varied.includes(key));
  const without = leftOut.map(({ reason, combinations: count }) => `${count} left out (${reason})`);
  const lines = [
    `Sweep of ${strategy} on ${file} (bot ${bot} of stack ${stack}: ${settingsText(results[0]!.settings, fixed) || NONE})`,
    `${time(report.from)} to ${time(report.to)}, ${warmupBars} candles of warm-up before; ${[`${combinations} combinations`, ...without].join(", ")}`,
    plainTable(["#", ...varied, "Sharpe", "return", "max drawdown", "trades", "profit factor"], rows),
    ...(results.length > best.length ? [`The best ${best.length} of ${results.length}; all of them with --json.`] : []),
    `The best of ${results.length} looks better than it is: npx trading evaluate --grid measures the choosing itself.`,
  ];
  return `${lines.join("\n")}\n`;
}
