import type { CandleFile } from "../../domain/candles";
import type { BootstrapOptions } from "../../domain/evaluation/bootstrap";
import type { Axes, Grid, Settings } from "../../domain/evaluation/grid";
import { stitch, type FoldRun, type OutOfSample } from "../../domain/evaluation/outOfSample";
import type { Fold, SplitOptions } from "../../domain/evaluation/splits";
import { unproven } from "../../domain/evaluation/unproven";
import { sharpe } from "../../domain/kpis/sharpe";
import type { Metrics } from "../../domain/metrics";
import { configurationHash } from "../../domain/strategies";
import type { BacktestInput } from "../backtestReport";
import { decimals, NONE, percent, time } from "../format";
import { plainTable } from "../statusText";
import { settingsText, variedSettings } from "../sweep/sweepReport";

export type EvaluationInput = Omit<BacktestInput, "settings">;

/** A fold with what it chose and what that came to. */
export interface EvaluatedFold {
  readonly fold: Fold;
  readonly settings: Settings;
  /** Of the chosen set, on what it was chosen on. */
  readonly inSample: Metrics;
  readonly run: FoldRun;
}

/** A stretch of market time, epoch milliseconds: open of the first bar, close of the last. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export interface FoldReport {
  /** From 1. */
  readonly number: number;
  readonly settings: Settings;
  readonly inSample: Stretch & { readonly sharpe: number | undefined; readonly trades: number };
  readonly outOfSample: Stretch & { readonly sharpe: number | undefined; readonly trades: number; readonly totalReturn: number };
  /** A position that was open at the end is counted as sold. */
  readonly openAtEnd: boolean;
}

/** An evaluation as `--json` prints it. */
export interface EvaluationReport extends EvaluationInput, Stretch {
  readonly candles: number;
  readonly missingCandles: number;
  /** SHA-256 of what the candles say, in hexadecimal. */
  readonly dataHash: string;
  readonly split: SplitOptions & BootstrapOptions;
  /** Setting -> the values that were chosen among; null where the settings were given. */
  readonly grid: Readonly<Record<string, readonly unknown[]>> | null;
  readonly sets: number;
  readonly leftOut: Grid["leftOut"];
  /** What was measured, where that is one configuration: the given one, or the one that all folds chose. */
  readonly configuration: { readonly settings: Settings; readonly hash: string } | null;
  readonly folds: readonly FoldReport[];
  readonly outOfSample: OutOfSample & Stretch;
  /** The folds' curves as one, by their returns. */
  readonly equity: readonly { readonly bar: number; readonly equity: number }[];
  /** What the data cannot prove, in words. */
  readonly unproven: readonly string[];
}

export interface EvaluationParts {
  readonly input: EvaluationInput;
  readonly file: CandleFile;
  readonly split: SplitOptions & BootstrapOptions;
  readonly axes: Axes | null;
  readonly grid: Grid;
  readonly folds: readonly EvaluatedFold[];
  readonly measured: OutOfSample;
  readonly dataHash: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

export function evaluationReport({ input, file, split, axes, grid, folds, measured, dataHash, now }: EvaluationParts): EvaluationReport {
  const { candles } = file;
  const { strategy, intervalMilliseconds, startingCash, warmupBars, execution } = input;
  const stretch = (from: number, to: number): Stretch => ({ from: candles[from]!.openTime, to: candles[to - 1]!.openTime + intervalMilliseconds });
  const all = stretch(warmupBars, candles.length);
  const missingCandles = Math.round((all.to - candles[0]!.openTime) / intervalMilliseconds) - candles.length;
  const hashes = new Set(folds.map(({ settings }) => configurationHash({ strategy, settings })));
  const bars = folds.flatMap(({ run }) => run.equity.map(({ bar }) => bar));
  const curve = stitch(folds.map(({ run }) => run), startingCash).slice(1);
  const inSample = folds.flatMap(({ inSample: { sharpe: ratio } }) => (ratio === undefined ? [] : [ratio]));
  return {
    ...input,
    ...all,
    ...{ candles: candles.length, missingCandles, dataHash, split },
    ...{ grid: axes === null ? null : Object.fromEntries(axes), sets: grid.sets.length, leftOut: grid.leftOut },
    configuration: hashes.size === 1 ? { settings: folds[0]!.settings, hash: [...hashes][0]! } : null,
    folds: folds.map(({ fold, settings, inSample: { sharpe: ratio, trades }, run }, index) => ({
      ...{ number: index + 1, settings },
      inSample: { ...stretch(fold.inSample.from, fold.inSample.to), sharpe: ratio, trades },
      outOfSample: {
        ...stretch(fold.outOfSample.from, fold.outOfSample.to),
        sharpe: sharpe(stitch([run], startingCash), (365 * 86_400_000) / intervalMilliseconds),
        ...{ trades: run.trades.length, totalReturn: run.equity.at(-1)!.equity / startingCash - 1 },
      },
      openAtEnd: run.openAtEnd,
    })),
    outOfSample: { ...measured, ...stretch(folds[0]!.fold.outOfSample.from, folds.at(-1)!.fold.outOfSample.to) },
    equity: curve.map((equity, index) => ({ bar: bars[index]!, equity })),
    unproven: unproven({
      ...{ measured, sets: grid.sets.length, chosen: hashes.size, missingCandles, ageDays: Math.max(0, (now - all.to) / 86_400_000) },
      inSampleSharpe: inSample.length === 0 ? undefined : inSample.reduce((sum, ratio) => sum + ratio, 0) / inSample.length,
      ...{ feeRate: execution.feeRate, slippageRate: execution.slippageRate },
    }),
  };
}

/** What `evaluate` prints. */
export function evaluationText(report: EvaluationReport): string {
  const { strategy, file, bot, stack, split, grid, sets, configuration, folds, outOfSample } = report;
  const varied = grid === null ? [] : variedSettings(grid);
  const day = (at: number) => time(at).slice(0, 10);
  const foldRows = folds.map(({ number, settings, inSample, outOfSample: measured, openAtEnd }) => [
    ...[String(number), `${day(inSample.from)} to ${day(inSample.to)}`, decimals(inSample.sharpe, 2)],
    ...varied.map((key) => String(settings[key])),
    ...[`${day(measured.from)} to ${day(measured.to)}`, decimals(measured.sharpe, 2), percent(measured.totalReturn), `${measured.trades}${openAtEnd ? " + 1 open" : ""}`],
  ]);
  const { sharpe: estimate, interval, trades } = outOfSample;
  const rows: [string, string][] = [
    ["Period", `${time(outOfSample.from)} to ${time(outOfSample.to)}, ${outOfSample.bars} bars`],
    ["Sharpe", estimate === undefined ? NONE : `${decimals(estimate.sharpe, 2)}, standard error ${decimals(estimate.standardError, 2)}`],
    ["90 % interval", interval === undefined ? NONE : `${decimals(interval.low, 2)} to ${decimals(interval.high, 2)} (records drawn again, seed ${split.seed})`],
    ["PSR(0)", percent(estimate?.probability)],
    ["Minimum record", outOfSample.minimumTrackRecordDays === undefined ? NONE : `${Math.ceil(outOfSample.minimumTrackRecordDays)} days; these are ${Math.floor(outOfSample.days)}`],
    ["Return", percent(outOfSample.totalReturn)],
    ["Max drawdown", percent(outOfSample.maxDrawdown)],
    ["Trades", `${trades.trades} (${decimals(outOfSample.tradesPer30Days, 2)} in 30 days)`],
    ["Hit rate", percent(trades.hitRate)],
    ["Profit factor", decimals(trades.profitFactor, 2)],
  ];
  const what = grid === null ? settingsText(configuration!.settings) : `the best of ${sets} sets in each fold`;
  return `${[
    `Evaluation of ${strategy} on ${file} (bot ${bot} of stack ${stack}: ${what})`,
    `${split.folds} folds, ${split.anchored ? "each choosing from the beginning on" : "each choosing on the newest candles"}, ${split.embargoBars} candles of embargo between`,
    plainTable(["fold", "in sample", "Sharpe", ...varied, "out of sample", "Sharpe", "return", "trades"], foldRows),
    "Out of sample, all folds:",
    plainTable(["figure", "value"], rows),
    "What these data cannot prove:",
    ...report.unproven.map((sentence) => `- ${sentence}`),
  ].join("\n")}\n`;
}
