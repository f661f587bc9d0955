import { z } from "zod";

const share = (standard: number) => z.number().positive().max(1).default(standard);

/** When the guard acts by itself. What each is based on stands in docs/guard.md. */
const settings = {
  /** Loss since midnight (UTC, market time) as a share of the equity then: the bot is halted at level kill. */
  dailyLossShare: share(0.02),
  /** Fall from the highest equity since the last rearm: the bot is halted at level kill. */
  drawdownShare: share(0.12),
  /** Open positions at present prices, of limits.exposureNotional: the stack is halted at level reduce. Above 1, for prices rise. */
  exposureShare: z.number().min(1).max(10).default(1.25),
  /** A feed that is DEGRADED, silent or stopped for longer stops the stack's bots; one that is DOWN does so at once. */
  feedDegradedSeconds: z.int().min(5).max(3600).default(120),
  /** No decision so long after a bar closed: the bot is restarted once, then halted at level pause. */
  decisionMinutes: z.number().min(0.1).max(120).default(10),
  /** Annualised tracking error of the last 7 days against the replay: an alert, a freeze of deploys, level reduce. */
  trackingErrorWarnShare: share(0.02),
  trackingErrorFreezeShare: share(0.05),
  trackingErrorReduceShare: share(0.1),
  /** How far wall clock, monotonic clock, database and exchange may be apart: beyond it no entries. */
  clockSeconds: z.number().min(0.5).max(60).default(2),
  /** How often the halt drill is due. */
  haltDrillDays: z.int().min(1).max(366).default(35),
  /** How long what runs may go without being compared with what was deployed; the daily task does it. */
  driftDays: z.int().min(1).max(366).default(7),
  memoryMegabytes: z.int().min(64).max(65536).default(128),
};

/** Paper may go without a guard, for trying things out; live never. */
export const paperGuard = z.strictObject({ enabled: z.boolean().default(true), ...settings });
export const liveGuard = z.strictObject({ enabled: z.literal(true).default(true), ...settings });

export type GuardConfiguration = z.infer<typeof paperGuard>;
