import type { FindingSeverity } from "../feedState";

/** Everything that can be found about a feed. */
export const findingKinds = [
  /** Prices do not enclose each other, are not positive, or not finite; the candle is rejected. */
  "inconsistent",
  /** The open time is no multiple of the interval; the candle is rejected. */
  "off the interval",
  /** The same candle again; dropped. */
  "duplicate",
  /** A final candle came again with other values; the first is kept. */
  "revision",
  /** A candle from before the last one that nobody waits for; dropped. */
  "out of order",
  /** Candles are missing. */
  "gap",
  /** A missing candle came; it is written in its place. */
  "backfilled",
  /** A gap could not be filled; what came after it goes on. */
  "gap left open",
  "jump",
  "open jump",
  "flat",
  "silence",
  "late",
  "clock skew",
  "clock jump",
  "reconnects",
  /** Somebody acknowledged that the feed was DOWN. */
  "acknowledged",
] as const;

export type FindingKind = (typeof findingKinds)[number];

/** Something found about the feed, with why it is one and the numbers it was judged by. */
export interface FeedFinding {
  readonly kind: FindingKind;
  readonly severity: FindingSeverity;
  /** The candle it is about, epoch ms; null when it is about none. */
  readonly openTime: number | null;
  /** A sentence for people; it follows from the rest. */
  readonly reason: string;
  readonly details: Readonly<Record<string, number | string | null>>;
}
