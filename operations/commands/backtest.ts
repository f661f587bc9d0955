import { Command } from "commander";
import { backtest } from "../../domain/backtest";
import { backtestCandles, backtestSetting, checkedSettings, withBacktestOptions, type BacktestOptions } from "../backtestOptions";
import { backtestReport, backtestText, type BacktestInput } from "../backtestReport";
import type { Context } from "../context";
import { EXIT } from "../errors";
import type { Outcome, Wrap } from "../command";
import { recordBacktest } from "../runsOfBacktests";
import { recordingText } from "../runsRecorded";
import { sweep } from "../sweep/sweep";

/** `backtest --data FILE`: the strategy of a bot over a file of candles, with the broker's own rules; with --grid all sets of a grid. */
export function backtestCommand(context: Context, wrap: Wrap): Command {
  const command = new Command("backtest").description("run a bot's strategy over a file of candles, with the settings of the stack unless others are given");
  return withBacktestOptions(command)
    .option("--grid <file>", "run every combination of a JSON or YAML file on all cores: each setting with a list of values or { from, to, step }")
    .action(wrap<BacktestOptions>((options) => (options.grid === undefined ? runBacktest(context, options) : sweep(context, { ...options, grid: options.grid }))));
}

async function runBacktest(context: Context, options: BacktestOptions): Promise<Outcome> {
  const startTime = context.now();
  const setting = backtestSetting(context, options);
  const { configuration, bot } = setting;
  const settings = checkedSettings(bot.strategy, { ...bot.settings, ...options.set });
  const input: BacktestInput = { ...setting.input, settings, warmupBars: options.warmupBars ?? configuration.feed.warmupBars };
  const { strategy, execution, startingCash, warmupBars } = input;
  const file = backtestCandles(options.data, setting, warmupBars);
  const result = backtest(file.candles, { strategy, parameters: settings, execution, startingCash, warmupBars, keepDecisions: false });
  const report = backtestReport(input, file, result);
  if (!options.record) return { exitCode: EXIT.ok, text: backtestText(report), document: { ...report, mlflow: null } };
  const mlflow = await recordBacktest(context, configuration.portBase, report, { startTime, endTime: context.now() });
  return { exitCode: EXIT.ok, text: `${backtestText(report)}${recordingText(mlflow)}`, document: { ...report, mlflow } };
}
