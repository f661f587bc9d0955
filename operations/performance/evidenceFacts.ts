import { intervalMilliseconds } from "../../domain/intervals";
import type { EvidenceFacts } from "../../domain/promotion/evidence";
import type { BotConfiguration, StackConfiguration } from "../../config/schema";
import type { FoundRun } from "../../mlflow/newestRun";
import type { PageStatus } from "../page";
import type { PerformanceAnswer } from "./performanceService";

const day = 86_400_000;

/** Kinds of refusal that stand for a limit of the bot or of the stack. */
const limitKinds: ReadonlySet<string> = new Set([
  ...["order quantity", "order notional", "position quantity", "position notional"],
  ...["orders per hour", "orders per day", "time between entries", "stack exposure", "stack orders per hour", "stack orders per day"],
]);

export interface EvidenceSources {
  readonly configuration: StackConfiguration;
  readonly bot: BotConfiguration;
  readonly performance: PerformanceAnswer;
  /** Newest evaluation in MLflow; a text says why it is not known. */
  readonly evaluation: FoundRun | undefined | string;
  readonly page: PageStatus | undefined;
  /** Image that the bot's container was made of; null where that is not known. */
  readonly image: string | null;
}

/** Puts together what is known of a bot, from where it is known. */
export function evidenceFacts({ configuration, bot, performance, evaluation, page, image }: EvidenceSources): EvidenceFacts {
  const found = performance.bots.find((each) => each.bot === bot.name);
  const bar = intervalMilliseconds(configuration.interval);
  const all = found?.kpis.find(({ span }) => span === "all");
  const parity = found?.parity ?? null;
  const feed = page?.feeds.find(({ symbol }) => symbol === bot.symbol);
  const week = feed?.health.find(({ hours }) => hours === 168);
  return {
    outOfSample: typeof evaluation === "object" ? outOfSample(evaluation) : null,
    paper:
      all === undefined
        ? null
        : {
            days: (all.bars * bar) / day,
            ...{ sharpe: all.sharpe, standardError: all.sharpeError, minimumReturns: all.sharpeMinimumReturns, maxDrawdown: all.drawdownMax, trades: all.trades },
            source: `trading.kpis, window all, to ${iso(all.bar)}`,
          },
    parity:
      parity === null
        ? null
        : {
            decisionMatch: share(parity.decisionsMatched, parity.decisionsCompared),
            // Where neither has a trade there is none that differs.
            tradeMatch: parity.tradesCompared === 0 && parity.decisionsCompared > 0 ? 1 : share(parity.tradesMatched, parity.tradesCompared),
            ...{ trackingError: parity.trackingError, frozen: parity.frozen, reason: parity.reason, configurationHash: parity.configurationHash, image: parity.image },
            days: parity.fromBar === null || parity.toBar === null ? 0 : (parity.toBar - parity.fromBar + bar) / day,
            source: `trading.parities of ${iso(parity.at)}, against the ${parity.reference}`,
          },
    feed:
      feed === undefined
        ? null
        : {
            healthyShare: week?.healthy ?? null,
            knownHours: (week?.known ?? 0) / 3_600_000,
            down: performance.feeds.find(({ symbol }) => symbol === bot.symbol)?.down ?? null,
            openGaps: sum(feed.measures["missingCandles"], feed.measures["leftOpenCandles"]),
            skewMilliseconds: numberOf(feed.measures["clockSkewMilliseconds"]),
            simulated: configuration.feed.source === "synthetic" || configuration.feed.source === "recording",
            source: "the page's feed, and trading.feed_states",
          },
    limitRefusals: page?.bots.find(({ name }) => name === bot.name)?.rejections.filter(({ kind }) => limitKinds.has(kind)).reduce((total, { count }) => total + count, 0) ?? null,
    configurationHash: bot.configurationHash,
    image,
  };
}

function outOfSample({ name, startTime, metrics, params }: FoundRun): EvidenceFacts["outOfSample"] {
  const of = (key: string) => metrics[key] ?? null;
  return {
    ...{ sharpe: of("outOfSampleSharpe"), standardError: of("standardError"), probability: of("probability"), maxDrawdown: of("maxDrawdown"), trades: of("trades") },
    configurationHash: params["configurationHash"] ?? null,
    source: `MLflow run "${name}" of ${iso(startTime)}`,
  };
}

function share(matched: number, compared: number): number | null {
  return compared === 0 ? null : matched / compared;
}

function numberOf(value: number | string | null | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** Candles that are waited for, and those that were given up; null where the feed says neither. */
function sum(...values: readonly (number | string | null | undefined)[]): number | null {
  const known = values.map(numberOf).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((one, other) => one + other, 0);
}

function iso(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}
