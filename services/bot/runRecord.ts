import { intervalMilliseconds } from "../../domain/intervals";
import { summarize } from "../../domain/metrics";
import type { Trade } from "../../domain/orders";
import type { Metric } from "../../mlflow/client";
import { metricsAt } from "../../mlflow/points";
import { paramTexts, type RunEnd, type RunStart } from "../../mlflow/record";
import type { BotRun, CurvePoint, EquityMark, RunStore } from "./runStore";
import type { BotSettings } from "./settings";

/** What a start of the bot was made with, as its row and MLflow's parameters have it. */
export function runParams(settings: BotSettings, configurationHash: string, image: string | null): Record<string, string> {
  return {
    ...paramTexts(settings.strategySettings),
    ...{ strategy: settings.strategy, symbol: settings.symbol, interval: settings.interval, configurationHash },
    ...(image === null ? {} : { image }),
  };
}

/** How MLflow is told of a start of the bot. */
export function runStart(stack: string, bot: string, run: BotRun): RunStart {
  const { id, params, startedAt } = run;
  return {
    id,
    experiment: `${stack}/${params["strategy"] ?? "unknown"}`,
    name: `${bot} ${new Date(startedAt).toISOString()}`,
    startTime: startedAt,
    tags: { kind: "bot", stack, bot, ...(run.image === null ? {} : { image: run.image }) },
    params,
  };
}

/** Points of a curve as metrics over market time: step is the bar's number in the run, the time is the bar's close. */
export function curveMetrics(points: readonly CurvePoint[], interval: string): Metric[] {
  const length = intervalMilliseconds(interval);
  return points.flatMap(({ step, bar, equity, drawdown, trades }) => metricsAt({ equity, drawdown, trades }, bar + length, step));
}

/** All that MLflow has to hear of a run that has ended, with the run's files. */
export async function runEnd(store: RunStore, run: BotRun & { status: RunEnd["status"]; endedAt: number }): Promise<RunEnd> {
  const equity: number[] = [];
  for await (const page of store.equity(run)) for (const mark of page) equity.push(mark.equity);
  const trades: Trade[] = [];
  for await (const page of store.trades(run)) trades.push(...page);
  const length = intervalMilliseconds(run.interval);
  const points = await store.curve(run);
  const figures = summarize({ startingCash: run.startingEquity, equity, trades }, length);
  const { trades: _inCurve, ...rest } = figures;
  return {
    status: run.status,
    endTime: run.endedAt,
    metrics: [...curveMetrics(points, run.interval), ...metricsAt(rest, (points.at(-1)?.bar ?? run.endedAt) + length, equity.length)],
    artifacts: [
      { name: "equity.csv", content: () => equityText(store.equity(run)) },
      { name: "trades.json", content: () => tradesText(store.trades(run)) },
    ],
  };
}

/** Equity marks as CSV; times are the open times of the bars. */
export async function* equityText(pages: AsyncIterable<readonly EquityMark[]>): AsyncGenerator<string> {
  yield "bar,equity,cash,quantity,close\n";
  for await (const page of pages) {
    yield page.map(({ bar, equity, cash, quantity, close }) => `${[iso(bar), equity, cash, quantity, close].join(",")}\n`).join("");
  }
}

/** Trades as a JSON array, one a line. */
export async function* tradesText(pages: AsyncIterable<readonly Trade[]>): AsyncGenerator<string> {
  let before = "[";
  for await (const page of pages) {
    for (const trade of page) {
      yield `${before}\n${JSON.stringify({ ...trade, entryBar: iso(trade.entryBar), exitBar: iso(trade.exitBar) })}`;
      before = ",";
    }
  }
  yield before === "[" ? "[]\n" : "\n]\n";
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
