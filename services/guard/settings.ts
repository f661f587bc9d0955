import { z } from "zod";
import { alertSettings } from "../shared/alerts/settings";

const share = z.number().positive();

/** SETTINGS of the guard; unknown keys are errors. */
export const guardSettings = z.strictObject({
  /** The bots it may stop and restart. */
  bots: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9]{0,30}$/, "a lower-case letter, then up to 30 lower-case letters and digits"),
        symbol: z.string().min(1),
        /** Cash the account is opened with, in the quote currency: what the first loss is counted from. */
        startingCash: z.number().positive(),
        /** Orders in an hour of market time. */
        ordersPerHour: z.int().min(1),
        /** Name of its container on the Engine. */
        container: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes"),
        /** Between SIGTERM and SIGKILL. */
        graceSeconds: z.int().min(0).max(600),
      }),
    )
    .min(1),
  interval: z.string().regex(/^[1-9][0-9]{0,3}[mhd]$/, 'a count and one of m, h, d, such as "1h"'),
  limits: z.strictObject({ exposureNotional: z.number().positive(), ordersPerHour: z.int().min(1) }),
  thresholds: z.strictObject({
    dailyLossShare: share,
    drawdownShare: share,
    exposureShare: share,
    feedDegradedSeconds: z.number().positive(),
    decisionMinutes: z.number().positive(),
    trackingErrorWarnShare: share,
    trackingErrorFreezeShare: share,
    trackingErrorReduceShare: share,
    clockSeconds: z.number().positive(),
    haltDrillDays: z.number().positive(),
    driftDays: z.number().positive(),
  }),
  alerts: alertSettings,
});

export type GuardSettings = z.infer<typeof guardSettings>;
export type GuardedBot = GuardSettings["bots"][number];
