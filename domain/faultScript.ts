import { z } from "zod";
import type { Candle } from "./candles";

/** Number of a candle of the synthetic market, from 0. */
const bar = z.int().min(0).max(10_000_000);
const bars = z.int().min(1).max(10_000).default(1);

/** A fault of the synthetic market's feed; unknown keys are errors. */
export const faultSettings = z.discriminatedUnion("kind", [
  /** Candles do not arrive; asking for them once more brings them, or never does. */
  z.strictObject({ kind: z.literal("gap"), bar, bars, backfill: z.boolean().default(true) }),
  /** The same candle arrives several times more. */
  z.strictObject({ kind: z.literal("duplicate"), bar, count: z.int().min(1).max(100).default(1) }),
  /** After the candle, another one for the same time arrives, its close moved by a fraction. */
  z.strictObject({ kind: z.literal("revision"), bar, fraction: z.number().min(-0.5).max(0.5).default(0.01) }),
  /** The candle arrives only after the one that follows it. */
  z.strictObject({ kind: z.literal("outOfOrder"), bar }),
  /** Nothing at all arrives for so many market seconds after the candle's close. */
  z.strictObject({ kind: z.literal("stale"), bar, seconds: z.number().positive().max(604_800).default(600) }),
  /** Candles without range and volume at the close before. */
  z.strictObject({ kind: z.literal("flat"), bar, bars }),
  /** The candle closes so much higher or lower. */
  z.strictObject({ kind: z.literal("jump"), bar, fraction: z.number().min(-0.9).max(10).default(0.15) }),
  /** The local clock is so much ahead of the source's. */
  z.strictObject({ kind: z.literal("clockSkew"), bar, bars, milliseconds: z.number().min(-3_600_000).max(3_600_000).default(1000) }),
  /** The connection is lost and made anew so many times. */
  z.strictObject({ kind: z.literal("reconnectStorm"), bar, count: z.int().min(1).max(100).default(12) }),
]);

export type Fault = Readonly<z.infer<typeof faultSettings>>;

/** What reaches the feed when a candle closes. */
export type Arrival =
  /** `delay` in milliseconds of market time after the close of the bar it is asked for. */
  | { readonly kind: "candle"; readonly candle: Candle; readonly delay: number }
  | { readonly kind: "reconnect" }
  | { readonly kind: "clockSkew"; readonly milliseconds: number };

/** A market whose candles reach the feed as a script of faults has it. */
export { FaultyMarket } from "./FaultyMarket";
