import { intervalMilliseconds } from "../../domain/intervals";
import type { Metric } from "../../mlflow/client";
import { metricsAt, thinned } from "../../mlflow/points";
import { paramTexts, type RunEnd, type RunStart } from "../../mlflow/record";
import type { ParityEvidence, UnsentParity } from "./unsentParities";

/** How MLflow is told of a comparison of a bot with a replay. */
export function parityStart(stack: string, parity: UnsentParity): RunStart {
  const { runId, bot, at, image, strategy, symbol, interval, configurationHash, reference, fromBar, toBar } = parity;
  return {
    id: runId,
    experiment: `${stack}/${strategy}`,
    name: `${bot} parity ${at.toISOString()}`,
    startTime: at.getTime(),
    tags: { kind: "parity", stack, bot, ...(image === null ? {} : { image }) },
    params: {
      ...paramTexts({ strategy, symbol, interval, configurationHash, reference }),
      ...(fromBar === null || toBar === null ? {} : { from: fromBar.toISOString(), to: toBar.toISOString() }),
      ...(image === null ? {} : { image }),
    },
  };
}

/** Its figures, the bot's equity curve and trades within what was compared, and where the two part first. */
export function parityEnd(parity: UnsentParity, evidence: ParityEvidence): RunEnd {
  const { at, verdict, cause, frozen, reason, note, firstDifference } = parity;
  return {
    status: "FINISHED",
    endTime: at.getTime(),
    metrics: [...metricsAt(figures(parity), at.getTime(), 0), ...curve(parity, evidence)],
    artifacts: [
      { name: "verdict.json", content: () => once(document({ verdict, cause, frozen, reason, note, firstDifference })) },
      { name: "equity.csv", content: () => once(`bar,equity\n${evidence.equity.map(({ bar, equity }) => `${iso(bar)},${equity}\n`).join("")}`) },
      { name: "trades.json", content: () => once(document(evidence.trades.map((trade) => ({ ...trade, entryBar: iso(trade.entryBar), exitBar: iso(trade.exitBar) })))) },
    ],
  };
}

/** Fractions are plain numbers; what is not known is left out. */
function figures(parity: UnsentParity): Record<string, number | undefined> {
  const { decisionsCompared, decisionsMatched, tradesCompared, tradesMatched, refused, late } = parity;
  const share = (matched: number, compared: number): number | undefined => (compared > 0 ? matched / compared : undefined);
  const known = (value: number | null): number | undefined => value ?? undefined;
  return {
    ...{ decisionsCompared, tradesCompared, refused, late, frozen: Number(parity.frozen) },
    decisionMatch: share(decisionsMatched, decisionsCompared),
    tradeMatch: share(tradesMatched, tradesCompared),
    trackingError: known(parity.trackingError),
    meanDifference: known(parity.meanDifference),
    equityGap: known(parity.equityGap),
    slippageMedian: known(parity.slippageMedian),
    slippageP95: known(parity.slippageP95),
    referenceSlippageMedian: known(parity.referenceSlippageMedian),
    referenceSlippageP95: known(parity.referenceSlippageP95),
  };
}

/** Equity over market time: step is the bar's number, the time is the bar's close. */
function curve({ interval }: UnsentParity, { equity }: ParityEvidence): Metric[] {
  const length = intervalMilliseconds(interval);
  return thinned(equity.length).flatMap((index) => metricsAt({ equity: equity[index]!.equity }, equity[index]!.bar + length, index + 1));
}

function document(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
