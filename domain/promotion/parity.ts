import { conditions, type EvidenceItem } from "./item";
import type { PromotionLimits } from "./limits";

/** What a replay of the recorded candles says of a bot. Null is what is not known. */
export interface ParityFacts {
  readonly decisionMatch: number | null;
  readonly tradeMatch: number | null;
  readonly trackingError: number | null;
  /** Whether it forbids promotions and changes of live by itself. */
  readonly frozen: boolean;
  readonly reason: string;
  /** Since the bot has its present configuration: what it did under another is not compared. */
  readonly days: number;
  /** Configuration that was replayed. */
  readonly configurationHash: string;
  /** Image that was replayed, as the bot was told; null where it was told none. */
  readonly image: string | null;
  readonly source: string;
}

/**
 * @param configurationHash what is to be promoted
 * @param image the bot's image that is to be promoted; null where that is not known
 */
export function parityItems(facts: ParityFacts | null, configurationHash: string, image: string | null, limits: PromotionLimits["parity"]): EvidenceItem[] {
  const { days, decisionMatch, tradeMatch, trackingError } = limits;
  const place = { window: facts === null ? "none" : `${facts.days.toFixed(1)} days`, source: facts?.source ?? "none: npx trading parity" };
  return conditions(place, [
    { id: "parity.decisions", text: "Decisions that a replay makes as well", value: facts?.decisionMatch ?? null, bound: "at least", limit: decisionMatch, unit: "fraction" },
    { id: "parity.trades", text: "Trades that a replay makes as well", value: facts?.tradeMatch ?? null, bound: "at least", limit: tradeMatch, unit: "fraction" },
    { id: "parity.trackingError", text: "Tracking error a year against a replay", value: facts?.trackingError ?? null, bound: "at most", limit: trackingError, unit: "fraction" },
    // A record that is long enough says nothing where most of it was made by other settings.
    { id: "parity.days", text: "Days of this configuration that a replay was held against", value: facts?.days ?? null, bound: "at least", limit: days, unit: "days" },
    ...(facts === null
      ? []
      : [
          { id: "parity.configuration", text: "Replays of another configuration", value: Number(facts.configurationHash !== configurationHash), bound: "at most", limit: 0, unit: "count" } as const,
          { id: "parity.image", text: "Replays of another image of the bot", value: image === null || facts.image === null ? null : Number(facts.image !== image), bound: "at most", limit: 0, unit: "count" } as const,
          { id: "parity.frozen", text: "Replays that forbid a promotion", value: Number(facts.frozen), bound: "at most", limit: 0, unit: "count" } as const,
        ]),
  ]);
}
