import type { Candle } from "./candles";
import { clientOrderId } from "./clientOrderId";
import { applyIntent, defaultExecution, equityAt, isQuiet, processBar, type ExecutionParameters } from "./execution";
import { summarize, type Metrics } from "./metrics";
import { openAccount, type Account, type Fill, type Intent, type Trade } from "./orders";
import { createStrategy, type Decision, type Strategy } from "./strategies";

export interface BacktestOptions {
  /** Name of the strategy; RefStrat_01 unless given. */
  readonly strategy?: string;
  /** The strategy's settings; defaults fill what is not given. */
  readonly parameters?: unknown;
  readonly execution?: ExecutionParameters;
  /** In the quote currency; 10,000 unless given. */
  readonly startingCash?: number;
  /**
   * Open time (epoch ms) of the first bar the account lives through; the candles before it only warm the indicators.
   * The first decision is made at this bar's close.
   */
  readonly startBar?: number;
  /** The same as a number of leading candles; what the strategy asks for unless given. */
  readonly warmupBars?: number;
  /** Whether to keep the decision of every bar; yes unless given. */
  readonly keepDecisions?: boolean;
  /** Bars (open times, epoch ms) whose decision came to nothing, as where the broker refused it; none unless given. */
  readonly withoutEffect?: ReadonlySet<number>;
  /** Most that was filled of the entry decided on a bar (its open time, epoch ms), where that was not all of it; none unless given. */
  readonly sizeLimits?: ReadonlyMap<number, number>;
  /** Bars that only feed the indicators, as candles that were written after the account had gone on; none unless given. */
  readonly unseen?: ReadonlySet<number>;
}

export interface BacktestResult {
  readonly trades: Trade[];
  readonly fills: Fill[];
  /** One per bar from the start bar on; empty when they were not kept. */
  readonly decisions: Decision[];
  /** Mark-to-market equity at the close of each bar from the start bar on. */
  readonly equity: { readonly bar: number; readonly equity: number }[];
  readonly metrics: Metrics;
  /** The account after the last bar, with its open position and orders if there are any. */
  readonly account: Account;
}

/**
 * Runs a strategy over recorded candles with the same execution rules as the broker: the bar is processed, then the
 * strategy decides on its close, and what it decides is worked from the next bar on.
 * @param candles strictly ascending
 * @throws RangeError when the candles are not ascending or none is left after the warm-up
 */
export function backtest(candles: readonly Candle[], options: BacktestOptions = {}): BacktestResult {
  const execution = options.execution ?? defaultExecution;
  const startingCash = options.startingCash ?? 10_000;
  const keepDecisions = options.keepDecisions ?? true;
  const { withoutEffect, sizeLimits, unseen } = options;
  const strategy = createStrategy(options.strategy ?? "RefStrat_01", options.parameters, execution);
  const start = startIndex(candles, options, strategy);
  const interval = shortestStep(candles);
  const terms = { interval: interval ?? 0, parameters: execution };

  let account = openAccount(startingCash);
  const trades: Trade[] = [];
  const fills: Fill[] = [];
  const decisions: Decision[] = [];
  const values = new Float64Array(candles.length - start);

  for (let index = 0; index < start; index++) {
    checkOrder(candles, index);
    strategy.warmUp(candles[index]!);
  }
  for (let index = start; index < candles.length; index++) {
    checkOrder(candles, index);
    const candle = candles[index]!;
    if (unseen !== undefined && unseen.has(candle.openTime)) {
      strategy.warmUp(candle);
      values[index - start] = equityAt(account, candle.close);
      continue;
    }
    // Most bars are quiet; taking the short way there keeps a backtest to milliseconds.
    let value: number;
    if (isQuiet(account, candle)) {
      value = equityAt(account, candle.close);
    } else {
      const result = processBar(account, candle, terms);
      account = result.account;
      fills.push(...result.fills);
      trades.push(...result.trades);
      value = result.equity;
    }
    values[index - start] = value;

    let intent: Intent | null;
    if (keepDecisions) {
      const decision = strategy.onBar(candle, account);
      decisions.push(decision);
      intent = decision.intent;
    } else {
      intent = strategy.intentOn(candle, account);
    }
    if (intent !== null && withoutEffect?.has(candle.openTime) !== true) {
      const bar = candle.openTime;
      const id = clientOrderId("backtest", "bot", bar, intent.action);
      const current = { ...account, processedBar: bar };
      account = applyIntent(current, intent, { clientOrderId: id, bar, referencePrice: candle.close, sizeLimit: sizeLimits?.get(bar) ?? null }, execution).account;
    }
  }
  account = { ...account, processedBar: candles[candles.length - 1]!.openTime };
  const metrics = summarize({ startingCash, equity: values, trades }, interval);
  let equity: BacktestResult["equity"] | undefined;
  return {
    trades,
    fills,
    decisions,
    // Made when somebody asks: a sweep looks at the metrics alone.
    get equity() {
      return (equity ??= Array.from(values, (value, index) => ({ bar: candles[start + index]!.openTime, equity: value })));
    },
    metrics,
    account,
  };
}

function startIndex(candles: readonly Candle[], options: BacktestOptions, strategy: Strategy): number {
  const { startBar } = options;
  const index =
    startBar === undefined
      ? (options.warmupBars ?? strategy.warmupBars)
      : candles.findIndex((candle) => candle.openTime >= startBar);
  if (index < 0 || index >= candles.length) {
    const wanted = startBar === undefined ? `${index} candles of warm-up` : new Date(startBar).toISOString();
    throw new RangeError(`There is no candle to trade on after ${wanted}: ${candles.length} candles were given`);
  }
  return index;
}

/** Length of a bar in milliseconds, also where candles are missing; undefined for a single candle. */
function shortestStep(candles: readonly Candle[]): number | undefined {
  let shortest: number | undefined;
  for (let index = 1; index < candles.length; index++) {
    const step = candles[index]!.openTime - candles[index - 1]!.openTime;
    // What does not ascend is refused where it is come to.
    if (step > 0 && (shortest === undefined || step < shortest)) shortest = step;
  }
  return shortest;
}

function checkOrder(candles: readonly Candle[], index: number): void {
  if (index > 0 && candles[index]!.openTime <= candles[index - 1]!.openTime) {
    const at = new Date(candles[index]!.openTime).toISOString();
    throw new RangeError(`Candles must be ascending: ${at} (number ${index + 1}) does not follow the one before it`);
  }
}
