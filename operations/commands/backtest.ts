import { Command, InvalidArgumentError } from "commander";
import { describeIssues } from "../../config/issues";
import { backtest } from "../../domain/backtest";
import { intervalMilliseconds, type Candle } from "../../domain/candles";
import { strategySettingsSchema } from "../../domain/strategies";
import { backtestReport, backtestText, type BacktestInput } from "../backtestReport";
import { readCandleFile } from "../candleFile";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import { recordBacktest, recordingText } from "../runsOfBacktests";
import { chosenBot, declaredStack } from "../stack";

interface Options extends GlobalOptions {
  readonly data: string;
  readonly bot?: string;
  readonly set?: Readonly<Record<string, unknown>>;
  readonly startingCash?: number;
  readonly warmupBars?: number;
  readonly feeRate?: number;
  readonly slippageRate?: number;
  /** False with --no-record. */
  readonly record: boolean;
}

/** `backtest --data FILE`: the strategy of a bot over a file of candles, with the broker's own rules. */
export function backtestCommand(context: Context, wrap: Wrap): Command {
  return new Command("backtest")
    .description("run a bot's strategy over a file of candles, with the settings of the stack unless others are given")
    .requiredOption("--data <file>", "candles as .csv or .csv.gz: open_time_ms,open,high,low,close,volume, or as CryptoDataDownload writes them")
    .option("--bot <name>", "bot whose strategy and settings are used; the stack's first when left out")
    .option("--set <key=value>", "another value for a setting of the strategy, for example --set emaFast=12; may be repeated", collectSetting)
    .option("--starting-cash <amount>", "cash at the start, in the quote currency", numberFrom("an amount above 0", (value) => value > 0))
    .option("--warmup-bars <count>", "candles before trading begins", numberFrom("a whole number from 0 on", (value) => Number.isInteger(value) && value >= 0))
    .option("--fee-rate <fraction>", "fee of each side, for example 0.001", numberFrom("a fraction from 0 to 0.1", (value) => value >= 0 && value <= 0.1))
    .option("--slippage-rate <fraction>", "slippage of each fill, for example 0.0005", numberFrom("a fraction from 0 to 0.1", (value) => value >= 0 && value <= 0.1))
    .option("--no-record", "leave no run of it in the stack's MLflow")
    .action(wrap<Options>((options) => runBacktest(context, options)));
}

function collectSetting(text: string, before: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
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

function numberFrom(allowed: string, accepts: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || !accepts(value)) throw new InvalidArgumentError(`Allowed: ${allowed}.`);
    return value;
  };
}

async function runBacktest(context: Context, options: Options): Promise<Outcome> {
  const startTime = context.now();
  const declared = declaredStack(context.root, options.stack);
  const { configuration } = declared;
  const bot = chosenBot(declared, options.bot);
  const settings = checkedSettings(bot.strategy, { ...bot.settings, ...options.set });
  const { feeRate, slippageRate, priceTick, quantityStep, priceCollar } = configuration.broker;
  const execution = { feeRate: options.feeRate ?? feeRate, slippageRate: options.slippageRate ?? slippageRate, priceTick, quantityStep, priceCollar };
  const input: BacktestInput = {
    file: options.data,
    stack: options.stack,
    bot: bot.name,
    symbol: bot.symbol,
    strategy: bot.strategy,
    settings,
    execution,
    startingCash: options.startingCash ?? bot.startingCash,
    warmupBars: options.warmupBars ?? configuration.feed.warmupBars,
    intervalMilliseconds: intervalMilliseconds(configuration.interval),
  };
  const { candles, findings } = readCandleFile(options.data);
  checkInterval(candles, input, configuration.interval);
  if (candles.length <= input.warmupBars) {
    throw usage(`${input.file}: holds ${candles.length} candles and ${input.warmupBars} go into the warm-up; allowed: a longer file, or a smaller --warmup-bars`);
  }
  const result = backtest(candles, {
    strategy: input.strategy,
    parameters: settings,
    execution,
    startingCash: input.startingCash,
    warmupBars: input.warmupBars,
    keepDecisions: false,
  });
  const report = backtestReport(input, { candles, findings }, result);
  if (!options.record) return { exitCode: EXIT.ok, text: backtestText(report), document: { ...report, mlflow: null } };
  const mlflow = await recordBacktest(context, configuration.portBase, report, { startTime, endTime: context.now() });
  return { exitCode: EXIT.ok, text: `${backtestText(report)}${recordingText(mlflow)}`, document: { ...report, mlflow } };
}

function checkedSettings(strategy: string, values: Record<string, unknown>): Record<string, unknown> {
  const schema = strategySettingsSchema(strategy);
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data as Record<string, unknown>;
  const lines = describeIssues(parsed.error.issues, schema, values, "--set ");
  throw usage(lines.map((line) => line.trim()).join("; "));
}

function checkInterval(candles: readonly Candle[], { file, intervalMilliseconds: wanted }: BacktestInput, interval: string): void {
  for (let index = 1; index < candles.length; index++) {
    const step = candles[index]!.openTime - candles[index - 1]!.openTime;
    if (step % wanted !== 0) {
      throw usage(`${file}: candle ${new Date(candles[index]!.openTime).toISOString()} is ${step / 1000} s after the one before; allowed: candles of ${interval}`);
    }
  }
}
