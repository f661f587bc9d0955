import { InvalidArgumentError, type Command } from "commander";
import { describeIssues } from "../config/issues";
import type { BotConfiguration, StackConfiguration } from "../config/schema";
import { intervalMilliseconds, type Candle, type CandleFile } from "../domain/candles";
import type { Settings } from "../domain/evaluation/grid";
import { createStrategy, strategySettingsSchema } from "../domain/strategies";
import type { BacktestInput } from "./backtestReport";
import { readCandleFile } from "./candleFile";
import type { GlobalOptions } from "./command";
import type { Context } from "./context";
import { usage } from "./errors";
import { chosenBot, declaredStack } from "./stack";

/** Options of every command that runs a strategy over a file of candles. */
export interface BacktestOptions extends GlobalOptions {
  readonly data: string;
  readonly grid?: string;
  readonly bot?: string;
  readonly set?: Settings;
  readonly startingCash?: number;
  readonly warmupBars?: number;
  readonly feeRate?: number;
  readonly slippageRate?: number;
  /** False with --no-record. */
  readonly record: boolean;
}

export function withBacktestOptions(command: Command): Command {
  return command
    .requiredOption("--data <file>", "candles as .csv or .csv.gz: open_time_ms,open,high,low,close,volume, or as CryptoDataDownload writes them")
    .option("--bot <name>", "bot whose strategy and settings are used; the stack's first when left out")
    .option("--set <key=value>", "another value for a setting of the strategy, for example --set emaFast=12; may be repeated", collectSetting)
    .option("--starting-cash <amount>", "cash at the start, in the quote currency", numberFrom("an amount above 0", (value) => value > 0))
    .option("--warmup-bars <count>", "candles before trading begins", wholeNumberFrom(0))
    .option("--fee-rate <fraction>", "fee of each side, for example 0.001", numberFrom("a fraction from 0 to 0.1", (value) => value >= 0 && value <= 0.1))
    .option("--slippage-rate <fraction>", "slippage of each fill, for example 0.0005", numberFrom("a fraction from 0 to 0.1", (value) => value >= 0 && value <= 0.1))
    .option("--no-record", "leave no run of it in the stack's MLflow");
}

function collectSetting(text: string, before: Settings | undefined): Settings {
  const [, key, value] = /^([A-Za-z][A-Za-z0-9]*)=(.+)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError("Allowed: key=value, for example emaFast=12.");
  let parsed: unknown = value;
  try {
    parsed = JSON.parse(value);
  } catch {
    // Text that is no JSON is a string; the strategy's schema says whether it may be one.
  }
  return { ...before, [key]: parsed };
}

/** An option's number; what is not accepted is told with what is allowed. */
export function numberFrom(allowed: string, accepts: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || !accepts(value)) throw new InvalidArgumentError(`Allowed: ${allowed}.`);
    return value;
  };
}

export function wholeNumberFrom(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const allowed = most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least} on` : `a whole number from ${least} to ${most}`;
  return numberFrom(allowed, (value) => Number.isInteger(value) && value >= least && value <= most);
}

/** What a run has of the stack and of the command line, without the strategy's settings. */
export interface BacktestSetting {
  readonly configuration: StackConfiguration;
  readonly bot: BotConfiguration;
  readonly input: Omit<BacktestInput, "settings" | "warmupBars">;
}

/** @throws {CommandError} with exit code 2 for a stack or a bot that there is not */
export function backtestSetting(context: Context, options: BacktestOptions): BacktestSetting {
  const declared = declaredStack(context.root, options.stack);
  const { configuration } = declared;
  const bot = chosenBot(declared, options.bot);
  const { feeRate, slippageRate, priceTick, quantityStep, priceCollar } = configuration.broker;
  return {
    configuration,
    bot,
    input: {
      ...{ file: options.data, stack: options.stack, bot: bot.name, symbol: bot.symbol, strategy: bot.strategy },
      execution: { feeRate: options.feeRate ?? feeRate, slippageRate: options.slippageRate ?? slippageRate, priceTick, quantityStep, priceCollar },
      startingCash: options.startingCash ?? bot.startingCash,
      intervalMilliseconds: intervalMilliseconds(configuration.interval),
    },
  };
}

/** @throws {CommandError} with exit code 2, naming each wrong setting */
export function checkedSettings(strategy: string, values: Settings): Settings {
  const schema = strategySettingsSchema(strategy);
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data as Settings;
  const lines = describeIssues(parsed.error.issues, schema, values, "--set ");
  throw usage(lines.map((line) => line.trim()).join("; "));
}

/**
 * Candles before trading begins: those of the command line, else those of the stack, and more where a set needs more
 * before it may enter, so that all sets trade the same bars.
 */
export function warmupFor(sets: readonly Settings[], { configuration, bot }: BacktestSetting, options: BacktestOptions): number {
  return options.warmupBars ?? sets.reduce((most, settings) => Math.max(most, createStrategy(bot.strategy, settings).warmupBars), configuration.feed.warmupBars);
}

/** The candles of `--data`, of the stack's interval and more than go into the warm-up. */
export function backtestCandles(file: string, { configuration, input }: BacktestSetting, warmupBars: number): CandleFile {
  const found = readCandleFile(file);
  checkInterval(found.candles, file, input.intervalMilliseconds, configuration.interval);
  const { length } = found.candles;
  if (length <= warmupBars) throw usage(`${file}: holds ${length} candles and ${warmupBars} go into the warm-up; allowed: a longer file, or a smaller --warmup-bars`);
  return found;
}

function checkInterval(candles: readonly Candle[], file: string, wanted: number, interval: string): void {
  for (let index = 1; index < candles.length; index++) {
    const step = candles[index]!.openTime - candles[index - 1]!.openTime;
    if (step % wanted !== 0) {
      throw usage(`${file}: candle ${new Date(candles[index]!.openTime).toISOString()} is ${step / 1000} s after the one before; allowed: candles of ${interval}`);
    }
  }
}

