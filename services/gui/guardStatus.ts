import { z } from "zod";

/** What the page takes of the guard's `GET /v1/status`; more keys are no error. */
export const guardStatus = z.object({
  /** What it cannot do, and why. */
  problems: z.array(z.string()),
  /** Rules that are broken now, or were when they last acted. */
  verdicts: z.array(z.object({ rule: z.string(), bot: z.string().nullable(), reason: z.string(), numbers: z.record(z.string(), z.union([z.number(), z.string(), z.null()])) })),
  thresholds: z.object({
    dailyLossShare: z.number(),
    drawdownShare: z.number(),
    exposureShare: z.number(),
    feedDegradedSeconds: z.number(),
    decisionMinutes: z.number(),
    trackingErrorWarnShare: z.number(),
    trackingErrorFreezeShare: z.number(),
    trackingErrorReduceShare: z.number(),
    clockSeconds: z.number(),
    haltDrillDays: z.number(),
    driftDays: z.number(),
  }),
  /** Whether the container of each bot runs; null where Docker has not said. */
  bots: z.array(z.object({ name: z.string(), running: z.boolean().nullable() })),
});
export type GuardStatus = z.infer<typeof guardStatus>;

/** What the page takes of a service's `GET /v1/alerts`; more keys are no error. */
export const alertState = z.object({
  /** Whether there is a receiver. */
  configured: z.boolean(),
  active: z.array(
    z.object({ id: z.string(), key: z.string(), severity: z.enum(["warning", "critical"]), text: z.string(), runbook: z.string(), since: z.iso.datetime(), acknowledged: z.boolean() }),
  ),
  undelivered: z.number(),
});
export type AlertState = z.infer<typeof alertState>;
