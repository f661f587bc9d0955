import { canonicalJson } from "../../domain/canonicalJson";
import { metricsAt, thinned } from "../../mlflow/points";
import { paramTexts } from "../../mlflow/record";
import { modelName } from "../modelAliases";
import { newRunId, type KeptRun } from "../runs";
import { marketParams, type BacktestTimes } from "../runsOfBacktests";
import type { Origin } from "../runsRecorded";
import { settingsText } from "../sweep/sweepReport";
import type { EvaluatedFold, EvaluationReport } from "./evaluationReport";

export interface MadeEvaluation extends BacktestTimes, Origin {
  readonly experiment: string;
  readonly name: string;
}

/** The figures of an evaluation by their names in MLflow. */
export function evaluationFigures({ outOfSample }: EvaluationReport): Record<string, number | undefined> {
  const { sharpe, interval, minimumTrackRecordDays, maxDrawdown, totalReturn, trades, tradesPer30Days, bars } = outOfSample;
  return {
    ...{ outOfSampleSharpe: sharpe?.sharpe, standardError: sharpe?.standardError, probability: sharpe?.probability },
    ...{ sharpeLow: interval?.low, sharpeHigh: interval?.high, minimumTrackRecordDays, maxDrawdown, totalReturn, bars },
    ...{ trades: trades.trades, tradesPer30Days, hitRate: trades.hitRate, profitFactor: trades.profitFactor },
  };
}

/** An evaluation as MLflow will have it: split, seed, figures of all folds and of each, the stitched curve, what it cannot prove. */
export function evaluationRun(report: EvaluationReport, folds: readonly EvaluatedFold[], made: MadeEvaluation): KeptRun {
  const { experiment, name, startTime, endTime, image } = made;
  const { stack, bot, split, grid, sets, configuration, dataHash, equity, outOfSample } = report;
  const trades = folds.flatMap(({ run }, index) => run.trades.map((trade) => ({ fold: index + 1, ...trade, entryBar: iso(trade.entryBar), exitBar: iso(trade.exitBar) })));
  const { equity: _inItsOwnFile, ...facts } = report;
  return {
    start: {
      ...{ id: newRunId(), experiment, name, startTime },
      tags: { kind: "evaluation", stack, bot, ...(image === null ? {} : { image }) },
      params: {
        ...(configuration === null ? {} : { ...paramTexts(configuration.settings), configurationHash: configuration.hash }),
        ...marketParams(report, made),
        ...paramTexts({ ...split, sets, dataHash, ...(grid === null ? {} : { grid }) }),
      },
    },
    end: {
      status: "FINISHED",
      endTime,
      metrics: [...curve(report), ...foldPoints(report), ...metricsAt(evaluationFigures(report), outOfSample.to, equity.length)],
      artifacts: {
        "equity.csv": `bar,equity\n${equity.map((mark) => `${iso(mark.bar)},${mark.equity}\n`).join("")}`,
        "trades.json": `${JSON.stringify(trades, null, 1)}\n`,
        "evaluation.json": `${JSON.stringify(facts, (_key, value: unknown) => (value === undefined ? null : value), 1)}\n`,
      },
    },
    ...(configuration === null ? {} : { version: versionOf(report, configuration, endTime) }),
  };
}

/** The measured configuration as a version of the model of its strategy and symbol: one for a configuration and its candles. */
function versionOf(report: EvaluationReport, { settings, hash }: NonNullable<EvaluationReport["configuration"]>, evaluated: number): NonNullable<KeptRun["version"]> {
  const { strategy, symbol, dataHash, stack, outOfSample } = report;
  const figures = Object.entries(evaluationFigures(report)).flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, String(value)]]));
  return {
    model: modelName(strategy, symbol),
    key: { configurationHash: hash, dataHash },
    tags: { ...Object.fromEntries(figures), strategy, symbol, configuration: canonicalJson(settings), stack, evaluated: iso(evaluated) },
    description: `${settingsText(settings)}; measured from ${iso(outOfSample.from)} to ${iso(outOfSample.to)}`,
  };
}

function curve({ equity, startingCash, intervalMilliseconds }: EvaluationReport): KeptRun["end"]["metrics"] {
  let peak = startingCash;
  const kept = new Set(thinned(equity.length));
  return equity.flatMap(({ bar, equity: value }, index) => {
    peak = Math.max(peak, value);
    return kept.has(index) ? metricsAt({ equity: value, drawdown: 1 - value / peak }, bar + intervalMilliseconds, index + 1) : [];
  });
}

/** Step is the fold's number, the time its end. */
function foldPoints({ folds }: EvaluationReport): KeptRun["end"]["metrics"] {
  return folds.flatMap(({ number, inSample, outOfSample }) => metricsAt({ foldInSampleSharpe: inSample.sharpe, foldSharpe: outOfSample.sharpe, foldTrades: outOfSample.trades }, outOfSample.to, number));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
