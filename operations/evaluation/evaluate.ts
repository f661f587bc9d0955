import { candlesHash } from "../../domain/evaluation/candlesHash";
import type { Axes, Grid, Settings } from "../../domain/evaluation/grid";
import { measure, runFold } from "../../domain/evaluation/outOfSample";
import { defaultEmbargo, walkForward, type Fold } from "../../domain/evaluation/splits";
import { ranked, type TrialPlan, type Window } from "../../domain/evaluation/trials";
import { backtestCandles, backtestSetting, checkedSettings, warmupFor, type BacktestOptions, type BacktestSetting } from "../backtestOptions";
import type { Outcome } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import { aliasText, alignAliases } from "../modelAliases";
import { originOf, recordingText, recordRun } from "../runsRecorded";
import { sweepProgress } from "../sweep/progress";
import { runTrials } from "../sweep/runTrials";
import { gridOf, sendMilliseconds } from "../sweep/sweep";
import { evaluationReport, evaluationText, type EvaluatedFold } from "./evaluationReport";
import { evaluationRun } from "./runOfEvaluation";

export interface EvaluationOptions extends BacktestOptions {
  readonly folds: number;
  readonly inSample: number;
  readonly anchored?: boolean;
  readonly embargo?: number;
  readonly seed: number;
}

/** Records that are drawn again, of stretches that are a week long on the average. */
const resamples = 1000;
const blockMilliseconds = 7 * 86_400_000;

/** `evaluate`: chooses on the candles in sample, measures on those out of sample, records both. */
export async function evaluate(context: Context, options: EvaluationOptions): Promise<Outcome> {
  const startTime = context.now();
  const setting = backtestSetting(context, options);
  const { axes, grid } = setsOf(setting, options);
  const input = { ...setting.input, warmupBars: warmupFor(grid.sets, setting, options) };
  const file = backtestCandles(options.data, setting, input.warmupBars);
  const { candles } = file;
  const all: Window = { from: input.warmupBars, to: candles.length };
  const split = {
    ...{ folds: options.folds, inSampleFraction: options.inSample, anchored: options.anchored === true, embargoBars: options.embargo ?? defaultEmbargo(all) },
    ...{ seed: options.seed, resamples, blockBars: Math.max(1, Math.round(blockMilliseconds / input.intervalMilliseconds)) },
  };
  const folds = foldsOf(options.data, all, split);

  const { strategy, execution, startingCash, warmupBars } = input;
  const plan: TrialPlan = { strategy, execution, startingCash, warmupBars, sets: grid.sets, windows: folds.map(({ inSample }) => inSample) };
  const write = (text: string) => context.writeError(text);
  const inSample = await runTrials(candles, plan, { onProgress: sweepProgress(write) });
  const evaluated = folds.map((fold, index): EvaluatedFold => {
    const best = ranked(inSample[index]!)[0]!;
    const settings = grid.sets[best]!;
    return { fold, settings, inSample: inSample[index]![best]!, run: runFold(candles, plan, settings, fold.outOfSample) };
  });
  const measured = measure(evaluated.map(({ run }) => run), { startingCash, barMilliseconds: input.intervalMilliseconds, ...split });
  const dataHash = candlesHash(candles);
  const report = evaluationReport({ input, file, split, axes, grid, folds: evaluated, measured, dataHash, now: startTime });
  const text = evaluationText(report);
  if (!options.record) return { exitCode: EXIT.ok, text, document: { ...report, mlflow: null, aliases: null } };

  const [experiment, name] = [`${input.stack}/${strategy}`, `evaluation ${input.bot} ${new Date(startTime).toISOString()}`];
  const times = { startTime, endTime: context.now() };
  const make = async () => evaluationRun(report, evaluated, { experiment, name, ...times, ...(await originOf(context, report)) });
  write("- handing it to MLflow\n");
  const mlflow = await recordRun(context, setting.configuration.portBase, { stack: input.stack, experiment, name, what: "evaluation", make }, { totalMilliseconds: sendMilliseconds });
  // What the stack runs may have been registered just now.
  const aliases = mlflow.state === "recorded" ? await alignAliases(input.stack, setting.configuration.portBase) : null;
  return { exitCode: EXIT.ok, text: `${text}${recordingText(mlflow)}${aliases === null ? "" : aliasText(aliases)}`, document: { ...report, mlflow, aliases } };
}

/** The sets to choose among: those of the grid, or the one configuration. */
function setsOf(setting: BacktestSetting, options: EvaluationOptions): { readonly axes: Axes | null; readonly grid: Grid } {
  if (options.grid !== undefined) return gridOf(setting, { ...options, grid: options.grid });
  const { strategy, settings } = setting.bot;
  const only: Settings = checkedSettings(strategy, { ...settings, ...options.set });
  return { axes: null, grid: { sets: [only], combinations: 1, leftOut: [] } };
}

function foldsOf(file: string, all: Window, split: Parameters<typeof walkForward>[1]): Fold[] {
  try {
    return walkForward(all, split);
  } catch (error) {
    throw usage(`${file}: ${(error as Error).message}`);
  }
}
