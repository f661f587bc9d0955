import { expandGrid, type Grid } from "../../domain/evaluation/grid";
import { strategySettingsSchema } from "../../domain/strategies";
import { backtestCandles, backtestSetting, warmupFor, type BacktestOptions, type BacktestSetting } from "../backtestOptions";
import type { BacktestInput } from "../backtestReport";
import type { Outcome } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import { originOf, recordingText, recordRun } from "../runsRecorded";
import { checkSettings, readGridFile } from "./gridFile";
import { sweepProgress } from "./progress";
import { sweepRun } from "./runOfSweep";
import { runTrials } from "./runTrials";
import { sweepReport, sweepText } from "./sweepReport";

export type GridOptions = BacktestOptions & { readonly grid: string };

/** Runs that are sent together may take MLflow longer than one. */
export const sendMilliseconds = 120_000;

/** `backtest --grid FILE`: every set of a grid over the candles. */
export async function sweep(context: Context, options: GridOptions): Promise<Outcome> {
  const startTime = context.now();
  const setting = backtestSetting(context, options);
  const { axes, grid } = gridOf(setting, options);
  const input: Omit<BacktestInput, "settings"> = { ...setting.input, warmupBars: warmupFor(grid.sets, setting, options) };
  const file = backtestCandles(options.data, setting, input.warmupBars);
  const { strategy, execution, startingCash, warmupBars } = input;
  const window = { from: warmupBars, to: file.candles.length };
  const write = (text: string) => context.writeError(text);
  const plan = { strategy, execution, startingCash, warmupBars, sets: grid.sets, windows: [window] };
  const [figures] = await runTrials(file.candles, plan, { onProgress: sweepProgress(write) });
  const report = sweepReport(input, file, axes, grid, figures!);
  const text = sweepText(report);
  if (!options.record) return { exitCode: EXIT.ok, text, document: { ...report, mlflow: null } };
  const [experiment, name] = [`${input.stack}/${strategy}`, `sweep ${input.bot} ${new Date(startTime).toISOString()}`];
  const times = { startTime, endTime: context.now() };
  const make = async () => sweepRun(report, file, { experiment, name, ...times, ...(await originOf(context, report)) });
  write("- handing it to MLflow\n");
  const mlflow = await recordRun(context, setting.configuration.portBase, { stack: input.stack, experiment, name, what: "sweep", make }, { totalMilliseconds: sendMilliseconds });
  return { exitCode: EXIT.ok, text: `${text}${recordingText(mlflow)}`, document: { ...report, mlflow } };
}

/**
 * The sets of the grid file over the bot's settings and those of the command line.
 * @throws {CommandError} with exit code 2, naming file, key, value and what is allowed
 */
export function gridOf({ bot }: Pick<BacktestSetting, "bot">, { grid: file, set = {} }: GridOptions): { readonly axes: ReturnType<typeof readGridFile>; readonly grid: Grid } {
  const schema = strategySettingsSchema(bot.strategy);
  const axes = readGridFile(file, schema);
  for (const [key, value] of Object.entries(set)) {
    checkSettings(schema, [{ [key]: value }], "--set ");
    if (axes.has(key)) throw usage(`--set ${key} = ${JSON.stringify(value)}: ${file} gives it as well; allowed: in one of them`);
  }
  const grid = expandGrid(axes, { ...bot.settings, ...set }, schema);
  if (grid.sets.length === 0) {
    const reasons = grid.leftOut.map(({ reason, combinations }) => `${combinations} x ${reason}`);
    throw usage(`${file}: none of the ${grid.combinations} combinations is allowed (${reasons.join(", ")})`);
  }
  return { axes, grid };
}
