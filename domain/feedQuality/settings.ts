import { z } from "zod";

/** A bound beyond which the feed is DEGRADED, and one beyond which it is DOWN. */
function bounds(value: z.ZodNumber, degraded: number, down: number) {
  return z
    .strictObject({ degraded: value.default(degraded), down: value.default(down) })
    .refine((bound) => bound.degraded <= bound.down, { path: ["degraded"], message: "allowed: at most what down is" })
    .prefault({});
}
const seconds = z.number().positive().max(86_400);
const fraction = z.number().positive().max(10);
const count = z.int().min(1).max(10_000);

/** When a feed counts as DEGRADED or DOWN; unknown keys are errors. Durations are wall seconds at the market's own speed. */
export const feedQualitySettings = z.strictObject({
  /** Since the source was last heard of. */
  silenceSeconds: bounds(seconds, 60, 180),
  /** A closed candle after its time. */
  lateSeconds: bounds(seconds, 90, 300),
  /** Candles missing between two others; from the second number on DOWN at once. */
  missingCandles: bounds(count, 1, 2),
  /** After so many attempts, or so long, a gap counts as one that cannot be filled. */
  backfillAttempts: z.int().min(1).max(100).default(3),
  backfillSeconds: seconds.default(600),
  /** A gap blocks entries until this many candles have followed it, beside those of the warm-up. */
  gapWindowCandles: z.int().min(0).max(10_000).default(24),
  /** Change of the close from candle to candle, up or down. */
  jump: bounds(fraction, 0.1, 0.25),
  /** Open against the close before, up or down: noted only. */
  openJump: fraction.default(0.005),
  /** Candles in a row without a range or without volume. */
  flatCandles: bounds(count, 2, 6),
  /** Candles in a row that contradict themselves. */
  inconsistentCandles: bounds(count, 1, 2),
  /** Local clock against the source's, median of five. */
  clockSkewMilliseconds: bounds(z.number().positive().max(3_600_000), 500, 2000),
  /** Wall clock against the monotonic one, at once: sleep, or somebody set the clock. */
  clockJumpSeconds: bounds(seconds, 2, 30),
  /** Connections made anew within an hour. */
  reconnectsPerHour: bounds(count, 3, 10),
  /** Candles out of order within an hour; more degrade the feed. */
  outOfOrderPerHour: count.default(3),
  /** Clean closed candles before the feed is HEALTHY again; 3 in live and 1 in paper when left out. */
  recoveryCandles: z.int().min(1).max(100).optional(),
});

export type FeedQualitySettings = Readonly<z.infer<typeof feedQualitySettings>>;

export const defaultFeedQuality: FeedQualitySettings = Object.freeze(feedQualitySettings.parse({}));
