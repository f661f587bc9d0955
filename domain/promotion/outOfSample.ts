import { conditions, type EvidenceItem } from "./item";
import type { PromotionLimits } from "./limits";

/** How the strategy did on candles it was not chosen on. Null is what is not known. */
export interface OutOfSampleFacts {
  readonly sharpe: number | null;
  readonly standardError: number | null;
  readonly probability: number | null;
  readonly maxDrawdown: number | null;
  readonly trades: number | null;
  /** Configuration that was measured; null where each fold chose its own. */
  readonly configurationHash: string | null;
  readonly source: string;
}

/** @param configurationHash what is to be promoted */
export function outOfSampleItems(facts: OutOfSampleFacts | null, configurationHash: string, limits: PromotionLimits["outOfSample"]): EvidenceItem[] {
  const { sharpe, maxDrawdown, trades, probability } = limits;
  const place = { window: "out of sample", source: facts?.source ?? "none: npx trading evaluate" };
  const other = facts !== null && facts.configurationHash !== configurationHash;
  return conditions(place, [
    { id: "outOfSample.sharpe", text: "Sharpe ratio out of sample", value: facts?.sharpe ?? null, bound: "at least", limit: sharpe, unit: "ratio", standardError: facts?.standardError ?? null },
    { id: "outOfSample.probability", text: "Probability that it is above 0", value: facts?.probability ?? null, bound: "at least", limit: probability, unit: "fraction" },
    { id: "outOfSample.maxDrawdown", text: "Largest drawdown out of sample", value: facts?.maxDrawdown ?? null, bound: "at most", limit: maxDrawdown, unit: "fraction" },
    { id: "outOfSample.trades", text: "Closed trades out of sample", value: facts?.trades ?? null, bound: "at least", limit: trades, unit: "count" },
    ...(facts === null ? [] : [{ id: "outOfSample.configuration", text: "Evaluations of another configuration", value: Number(other), bound: "at most", limit: 0, unit: "count" } as const]),
  ]);
}
