import { z } from "zod";
import { LIMITS, loosened, type PromotionLimits } from "../domain/promotion/limits";

const { outOfSample, paper, parity, feed, operations, release, canary } = LIMITS;
const number = (least: number, most: number, standard: number) => z.number().min(least).max(most).default(standard);
const count = (least: number, most: number, standard: number) => z.int().min(least).max(most).default(standard);

/**
 * `trading:promotion`: what a promotion to this stack asks for; docs/promotion.md says what each is. It stands with the
 * stack that is promoted to, for there it is decided.
 */
export const promotion = z.strictObject({
  /** Why less is asked for than by default; needed where it is, and shown for as long as it is. */
  reason: z.string().trim().min(10).max(500).optional(),
  outOfSample: z
    .strictObject({
      sharpe: number(0, 10, outOfSample.sharpe),
      maxDrawdown: number(0.01, 0.5, outOfSample.maxDrawdown),
      trades: count(1, 100_000, outOfSample.trades),
      probability: number(0.5, 0.9999, outOfSample.probability),
    })
    .prefault({}),
  paper: z
    .strictObject({
      days: number(1, 3660, paper.days),
      trades: count(1, 100_000, paper.trades),
      maxDrawdown: number(0.01, 0.5, paper.maxDrawdown),
      /** Least Sharpe ratio, in its own standard errors. */
      standardErrors: number(-3, 5, paper.standardErrors),
    })
    .prefault({}),
  parity: z
    .strictObject({
      days: number(1, 1100, parity.days),
      decisionMatch: number(0.95, 1, parity.decisionMatch),
      tradeMatch: number(0.95, 1, parity.tradeMatch),
      trackingError: number(0, 0.1, parity.trackingError),
    })
    .prefault({}),
  feed: z
    .strictObject({
      healthyShare: number(0.9, 1, feed.healthyShare),
      knownHours: number(1, 168, feed.knownHours),
      down: count(0, 10, feed.down),
      openGaps: count(0, 100, feed.openGaps),
      skewMilliseconds: number(10, 5000, feed.skewMilliseconds),
    })
    .prefault({}),
  operations: z
    .strictObject({
      backupHours: number(1, 168, operations.backupHours),
      secondCopyHours: number(1, 336, operations.secondCopyHours),
      restoreTestDays: number(1, 100, operations.restoreTestDays),
      haltDrillDays: number(1, 100, operations.haltDrillDays),
      freeDiskShare: number(0.02, 0.9, operations.freeDiskShare),
    })
    .prefault({}),
  release: z.strictObject({ hours: number(0, 2160, release.hours) }).prefault({}),
  canary: z
    .strictObject({
      /** Days after a promotion in which less is risked; 0 for none. */
      days: number(0, 365, canary.days),
      /** Part of each entry that is made then, and of the limits that there are. */
      fraction: number(0.001, 1, canary.fraction),
    })
    .prefault({}),
});
export type PromotionConfiguration = z.infer<typeof promotion>;

/** A line for the owner where less is asked for than by default, and nobody says why. */
export function promotionIssues(configuration: PromotionConfiguration): string[] {
  const less = loosened(limitsOf(configuration));
  if (less.length === 0 || configuration.reason !== undefined) return [];
  const names = less.map(({ limit, value, standard }) => `${limit} = ${value} (${standard} by default)`);
  return [`  trading:promotion.reason = nothing: ${names.join(", ")} ${names.length === 1 ? "asks" : "ask"} for less than by default; allowed: a sentence that says why`];
}

export function limitsOf({ reason: _, ...limits }: PromotionConfiguration): PromotionLimits {
  return limits;
}
