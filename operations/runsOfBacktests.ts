import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { CLONE_FOLDER, readOwner } from "../config/clone";
import { stackPorts } from "../config/names";
import { configurationHash } from "../domain/strategies";
import { metricsAt, thinned } from "../mlflow/points";
import { paramTexts } from "../mlflow/record";
import type { BacktestReport } from "./backtestReport";
import type { Context } from "./context";
import { keepRun, newRunId, runsFolder, type KeptRun } from "./runs";
import { sendKeptRuns, type SendOptions } from "./runsToMlflow";
import { botContainer } from "./stack";

/** Whether MLflow has a backtest, for `--json`. */
export interface Recording {
  readonly state: "recorded" | "kept" | "not recorded";
  readonly experiment: string;
  readonly name: string;
  /** MLflow's own id of the run; null until it has it. */
  readonly runId: string | null;
  /** Page of the run; null until MLflow has it. */
  readonly url: string | null;
  /** Runs of this stack that wait for MLflow. */
  readonly waiting: number;
  /** Why it is not recorded, or why others wait; null when there is nothing to say. */
  readonly reason: string | null;
}

export interface BacktestTimes {
  /** Wall clock, epoch ms. */
  readonly startTime: number;
  readonly endTime: number;
}

/**
 * Records a backtest as a run in the stack's MLflow: written into the clone first, sent when MLflow answers, with what
 * waits from earlier ones. Whatever goes wrong is said and changes nothing of the backtest.
 *
 * @param portBase first of the stack's ports on 127.0.0.1
 */
export async function recordBacktest(
  context: Context,
  portBase: number,
  report: BacktestReport,
  times: BacktestTimes,
  options: Omit<SendOptions, "url"> = {},
): Promise<Recording> {
  const address = `http://127.0.0.1:${stackPorts(portBase).mlflow}`;
  const folder = runsFolder(context.root, report.stack);
  const name = `backtest ${report.bot} ${new Date(times.startTime).toISOString()}`;
  const base = { experiment: `${report.stack}/${report.strategy}`, name, runId: null, url: null, waiting: 0 };
  const id = newRunId();
  try {
    readOwner(context.root);
    keepRun(folder, backtestRun(report, { id, name, experiment: base.experiment, ...times, ...(await origin(context, report)) }));
  } catch (error) {
    return { ...base, state: "not recorded", reason: (error as Error).message };
  }
  context.whenInterrupted(`the backtest is kept in ${path.join(CLONE_FOLDER, "stacks", report.stack, "runs")} and sent to MLflow with the next one`);
  const { sent, waiting, reason } = await sendKeptRuns(folder, { url: address, ...options });
  const ours = sent.get(id);
  if (ours === undefined) return { ...base, state: "kept", waiting, reason };
  const experimentId = /^mlflow-artifacts:\/+([^/]+)\//.exec(ours.artifactUri)?.[1];
  const url = experimentId === undefined ? address : `${address}/#/experiments/${experimentId}/runs/${ours.runId}`;
  return { ...base, state: "recorded", runId: ours.runId, url, waiting, reason };
}

/** One line for people. */
export function recordingText({ state, experiment, name, url, waiting, reason }: Recording): string {
  if (state === "not recorded") return `not recorded in MLflow: ${reason}\n`;
  if (state === "recorded") {
    const others = waiting === 0 ? "" : `; ${waiting} earlier ${waiting === 1 ? "one still waits" : "ones still wait"}: ${reason}`;
    return `recorded in MLflow as "${name}" in experiment ${experiment}: ${url}${others}\n`;
  }
  return `kept, ${reason ?? "MLflow does not answer"}; sent with the next backtest${waiting > 1 ? ` (${waiting} wait)` : ""}\n`;
}

/** What a backtest came of beside its settings. */
export interface Origin {
  /** Image that the stack's bot runs; null when there is no such container. */
  readonly image: string | null;
  /** SHA-256 of the candle file, in hexadecimal. */
  readonly fileHash: string;
}

async function origin(context: Context, { file, stack, bot }: BacktestReport): Promise<Origin> {
  const fileHash = createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  // Without Docker, or without a container of this clone, a backtest has no image.
  const image = await Promise.resolve()
    .then(async () => {
      const container = await context.engine().container(botContainer(stack, bot));
      return container !== undefined && container.owner === readOwner(context.root) ? container.imageId : null;
    })
    .catch(() => null);
  return { image, fileHash };
}

/** The run as MLflow will have it. */
export function backtestRun(
  report: BacktestReport,
  made: BacktestTimes & Origin & { readonly id: string; readonly name: string; readonly experiment: string },
): KeptRun {
  const { id, name, experiment, startTime, endTime, image, fileHash } = made;
  const { stack, bot, strategy, settings, execution, metrics, equity, trades } = report;
  const { trades: _inCurve, ...figures } = metrics;
  const { profit, exposure, fees } = report;
  return {
    start: {
      id,
      experiment,
      name,
      startTime,
      tags: { kind: "backtest", stack, bot, ...(image === null ? {} : { image }) },
      params: {
        ...paramTexts(settings),
        ...paramTexts(execution),
        ...paramTexts({ strategy, symbol: report.symbol, intervalMilliseconds: report.intervalMilliseconds }),
        ...paramTexts({ startingCash: report.startingCash, warmupBars: report.warmupBars }),
        ...paramTexts({ file: path.basename(report.file), fileHash, candles: report.candles, missingCandles: report.missingCandles }),
        ...{ from: iso(report.from), to: iso(report.to), configurationHash: configurationHash({ strategy, settings }) },
        ...(image === null ? {} : { image }),
      },
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
