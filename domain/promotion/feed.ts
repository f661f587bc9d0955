import { conditions, type EvidenceItem } from "./item";
import type { PromotionLimits } from "./limits";

/** Hours in which the feed's states are looked at. */
const HEALTHY_HOURS = 168;
const DOWN_HOURS = 72;

/** How a bot's feed was. Null is what is not known. */
export interface FeedFacts {
  readonly healthyShare: number | null;
  /** Hours that the share is known for. */
  readonly knownHours: number;
  readonly down: number | null;
  readonly openGaps: number | null;
  readonly skewMilliseconds: number | null;
  /** Whether its candles are no exchange's of this very time: then days of paper trading are none. */
  readonly simulated: boolean;
  readonly source: string;
}

export function feedItems(facts: FeedFacts | null, limits: PromotionLimits["feed"]): EvidenceItem[] {
  const { healthyShare, knownHours, down, openGaps, skewMilliseconds } = limits;
  const source = facts?.source ?? "the page does not answer";
  return [
    ...conditions({ window: `${HEALTHY_HOURS} hours, ${Math.floor(facts?.knownHours ?? 0)} known`, source }, [
      { id: "feed.healthy", text: "Share of the time the feed was HEALTHY", value: facts?.healthyShare ?? null, bound: "at least", limit: healthyShare, unit: "fraction" },
      { id: "feed.known", text: "Hours that its state is known of", value: facts?.knownHours ?? null, bound: "at least", limit: knownHours, unit: "hours" },
    ]),
    ...conditions({ window: `${DOWN_HOURS} hours`, source }, [{ id: "feed.down", text: "Times the feed was DOWN", value: facts?.down ?? null, bound: "at most", limit: down, unit: "count" }]),
    ...conditions({ window: "now", source }, [
      { id: "feed.market", text: "Markets that are made up or recorded", value: facts === null ? null : Number(facts.simulated), bound: "at most", limit: 0, unit: "count" },
      { id: "feed.gaps", text: "Candles that are missing", value: facts?.openGaps ?? null, bound: "at most", limit: openGaps, unit: "count" },
      // Only the newest measurement is kept; a source without a clock has none, and nothing to be wrong.
      ...(facts?.skewMilliseconds == null ? [] : [{ id: "feed.skew", text: "Difference of the clocks", value: Math.abs(facts.skewMilliseconds), bound: "at most", limit: skewMilliseconds, unit: "milliseconds" } as const]),
    ]),
  ];
}
