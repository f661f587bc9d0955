import * as path from "node:path";
import { configurationHash } from "../domain/strategies";
import { metricsAt, thinned } from "../mlflow/points";
import { paramTexts } from "../mlflow/record";
import type { BacktestInput, BacktestReport } from "./backtestReport";
import type { Context } from "./context";
import { newRunId, type KeptRun } from "./runs";
import { originOf, recordRun, type Origin, type Recording } from "./runsRecorded";
import type { SendOptions } from "./runsToMlflow";

export interface BacktestTimes {
  /** Wall clock, epoch ms. */
  readonly startTime: number;
  readonly endTime: number;
}

/** Records a backtest as a run in the stack's MLflow, as {@link recordRun} does. */
export async function recordBacktest(
  context: Context,
  portBase: number,
  report: BacktestReport,
  times: BacktestTimes,
  options: Omit<SendOptions, "url"> = {},
): Promise<Recording> {
  const { stack, bot, strategy } = report;
  const [experiment, name] = [`${stack}/${strategy}`, `backtest ${bot} ${iso(times.startTime)}`];
  const make = async (): Promise<KeptRun> => backtestRun(report, { id: newRunId(), name, experiment, ...times, ...(await originOf(context, report)) });
  return recordRun(context, portBase, { stack, experiment, name, what: "backtest", make }, options);
}

/** The run as MLflow will have it. */
export function backtestRun(
  report: BacktestReport,
  made: BacktestTimes & Origin & { readonly id: string; readonly name: string; readonly experiment: string },
): KeptRun {
  const { id, name, experiment, startTime, endTime, image } = made;
  const { stack, bot, strategy, settings, metrics, equity, trades } = report;
  const { trades: _inCurve, ...figures } = metrics;
  const { profit, exposure, fees } = report;
  return {
    start: {
      id,
      experiment,
      name,
      startTime,
      tags: { kind: "backtest", stack, bot, ...(image === null ? {} : { image }) },
      params: { ...paramTexts(settings), ...marketParams(report, made), ...{ configurationHash: configurationHash({ strategy, settings }) } },
    },
    end: {
      status: "FINISHED",
      endTime,
      metrics: [...curve(report), ...metricsAt({ ...figures, profit, exposure, fees }, report.to, equity.length)],
      artifacts: {
        "equity.csv": `bar,equity\n${equity.map((mark) => `${iso(mark.bar)},${mark.equity}\n`).join("")}`,
        "trades.json": `${JSON.stringify(trades.map((trade) => ({ ...trade, entryBar: iso(trade.entryBar), exitBar: iso(trade.exitBar) })), null, 1)}\n`,
      },
    },
  };
}

/** What a run was made of beside the strategy's settings, as parameters. */
export function marketParams(report: Omit<BacktestInput, "settings"> & Pick<BacktestReport, "candles" | "missingCandles" | "from" | "to">, { image, fileHash }: Origin): Record<string, string> {
  const { execution, strategy, symbol, intervalMilliseconds, startingCash, warmupBars, file, candles, missingCandles, from, to } = report;
  return {
    ...paramTexts({ ...execution, strategy, symbol, intervalMilliseconds, startingCash, warmupBars }),
    ...paramTexts({ file: path.basename(file), fileHash, candles, missingCandles }),
    ...{ from: iso(from), to: iso(to) },
    ...(image === null ? {} : { image }),
  };
}

/** Equity, drawdown and closed trades over market time: step is the bar's number, the time is the bar's close. */
function curve({ equity, trades, startingCash, intervalMilliseconds }: BacktestReport): KeptRun["end"]["metrics"] {
  const kept = new Set(thinned(equity.length));
  let peak = startingCash;
  let closed = 0;
  return equity.flatMap(({ bar, equity: value }, index) => {
    peak = Math.max(peak, value);
    while (closed < trades.length && trades[closed]!.exitBar <= bar) closed++;
    return kept.has(index) ? metricsAt({ equity: value, drawdown: 1 - value / peak, trades: closed }, bar + intervalMilliseconds, index + 1) : [];
  });
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
