import { backtest } from "../../domain/backtest";
import type { CandleFile } from "../../domain/candles";
import { metricsAt } from "../../mlflow/points";
import { paramTexts } from "../../mlflow/record";
import { backtestReport } from "../backtestReport";
import { newRunId, type KeptRun } from "../runs";
import { backtestRun, marketParams, type BacktestTimes } from "../runsOfBacktests";
import type { Origin } from "../runsRecorded";
import { bestCount, settingsText, sweepCsv, variedSettings, type SweepReport } from "./sweepReport";

export interface MadeSweep extends BacktestTimes, Origin {
  readonly experiment: string;
  readonly name: string;
}

/** A sweep as MLflow will have it: the whole table, and below it the best sets, each like a backtest of its own. */
export function sweepRun(report: SweepReport, file: CandleFile, made: MadeSweep): KeptRun {
  const { experiment, name, startTime, endTime, image } = made;
  const { stack, bot, results, combinations, grid, to } = report;
  const [best] = results;
  const { trades, sharpe, maxDrawdown, totalReturn } = best!.metrics;
  const figures = { sets: results.length, bestSharpe: sharpe, bestMaxDrawdown: maxDrawdown, bestTotalReturn: totalReturn, bestTrades: trades };
  return {
    start: {
      ...{ id: newRunId(), experiment, name, startTime },
      tags: { kind: "sweep", stack, bot, ...(image === null ? {} : { image }) },
      params: { ...marketParams(report, made), ...paramTexts({ grid, combinations, leftOut: combinations - results.length }) },
    },
    end: { status: "FINISHED", endTime, metrics: metricsAt(figures, to, 0), artifacts: { "sweep.csv": sweepCsv(report) } },
    children: results.slice(0, bestCount).map((result) => childRun(report, result, file, made)),
  };
}

function childRun(report: SweepReport, { rank, settings }: SweepReport["results"][number], file: CandleFile, made: MadeSweep): KeptRun {
  const { strategy, execution, startingCash, warmupBars } = report;
  const result = backtest(file.candles, { strategy, parameters: settings, execution, startingCash, warmupBars, keepDecisions: false });
  const name = `${made.name} no. ${rank}: ${settingsText(settings, variedSettings(report.grid))}`;
  const { start, end } = backtestRun(backtestReport({ ...report, settings }, file, result), { ...made, id: newRunId(), name });
  return { start: { ...start, tags: { ...start.tags, kind: "sweep set", rank: String(rank) } }, end };
}
