import { Command } from "commander";
import { numberFrom, withBacktestOptions, wholeNumberFrom } from "../backtestOptions";
import type { Wrap } from "../command";
import type { Context } from "../context";
import { evaluate, type EvaluationOptions } from "../evaluation/evaluate";

/** `evaluate --data FILE`: what a configuration, or the choosing among a grid, comes to on candles it was not chosen on. */
export function evaluateCommand(context: Context, wrap: Wrap): Command {
  const command = new Command("evaluate").description("measure a bot's settings, or the choosing of them from a grid, walking forward over candles that were not chosen on");
  return withBacktestOptions(command)
    .option("--grid <file>", "let every fold choose from this JSON or YAML file: each setting with a list of values or { from, to, step }")
    .option("--folds <count>", "times that settings are chosen and measured", wholeNumberFrom(1, 100), 5)
    .option("--in-sample <fraction>", "part of the candles that the first fold chooses on", numberFrom("a fraction from 0.1 to 0.9", (value) => value >= 0.1 && value <= 0.9), 0.5)
    .option("--anchored", "let every fold choose on all candles from the beginning, not only on the newest")
    .option("--embargo <bars>", "candles between what is chosen on and what is measured on (default: one in a hundred)", wholeNumberFrom(0))
    .option("--seed <number>", "seed of the records that are drawn again for the interval", wholeNumberFrom(0, 2 ** 32 - 1), 1)
    .action(wrap<EvaluationOptions>((options) => evaluate(context, options)));
}
