import { feedItems, type FeedFacts } from "./feed";
import type { EvidenceItem } from "./item";
import { LIMITS, type PromotionLimits } from "./limits";
import { outOfSampleItems, type OutOfSampleFacts } from "./outOfSample";
import { paperItems, type PaperFacts } from "./paper";
import { parityItems, type ParityFacts } from "./parity";
import { unprovenOf } from "./unproven";

/** What is known of one bot. Null is what is not known; fractions are plain numbers, times epoch ms. */
export interface EvidenceFacts {
  readonly outOfSample: OutOfSampleFacts | null;
  readonly paper: PaperFacts | null;
  readonly parity: ParityFacts | null;
  readonly feed: FeedFacts | null;
  /** Entries that were refused for a limit; null where that is not known. */
  readonly limitRefusals: number | null;
  /** Of what the bot trades, and what is to be promoted. */
  readonly configurationHash: string;
  /** Image that the bot runs; null where that is not known. */
  readonly image: string | null;
}

export interface Evidence {
  readonly holds: boolean;
  readonly items: readonly EvidenceItem[];
  /** What the data cannot prove yet, each in a sentence. */
  readonly unproven: readonly string[];
}

/** Holds what is known of a bot against what a promotion asks for. */
export function evidenceOf(facts: EvidenceFacts, limits: PromotionLimits = LIMITS): Evidence {
  const { outOfSample, paper, parity, feed, limitRefusals, configurationHash, image } = facts;
  const items = [
    ...outOfSampleItems(outOfSample, configurationHash, limits.outOfSample),
    ...paperItems(paper, limitRefusals, limits.paper),
    ...parityItems(parity, configurationHash, image, limits.parity),
    ...feedItems(feed, limits.feed),
  ];
  return { holds: items.every(({ holds }) => holds), items, unproven: unprovenOf(facts, limits.paper.days) };
}
