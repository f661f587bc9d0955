import { z } from "zod";
import { HALT_LEVELS } from "../control/levels";

/** What the commands take from `/api/status` of the stack's page; more keys are no error. Times are epoch milliseconds. */
const pageStatus = z.object({
  stack: z.string(),
  /** One sentence about what stands behind the fills. */
  fills: z.string(),
  /** When the values were read from the database; null when they never were. */
  readAt: z.number().nullable(),
  /** The values are older than they should be. */
  stale: z.boolean(),
  trust: z.object({ level: z.string(), title: z.string(), reasons: z.array(z.string()) }),
  feeds: z.array(
    z.object({
      symbol: z.string(),
      interval: z.string(),
      state: z.string(),
      reason: z.string(),
      lastCandle: z.number().nullable(),
      leaseUntil: z.number().nullable(),
      /** Since when it is in this state; null when that is not known. */
      since: z.number().nullable(),
      /** Findings of the last hour of wall time. */
      findings: z.array(z.object({ kind: z.string(), severity: z.string(), count: z.number() })),
      /** What the state was judged by. */
      measures: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
      /** How it was in the last hours of wall time: share that it was HEALTHY, and milliseconds that are known. */
      health: z.array(z.object({ hours: z.number(), healthy: z.number().nullable(), known: z.number() })).default([]),
    }),
  ),
  /** How the backups stand; null where nothing is backed up. */
  backup: z
    .object({
      problem: z.string().nullable(),
      readAt: z.number().nullable(),
      jobs: z.array(z.object({ job: z.string(), lastGood: z.number().nullable(), failures: z.number(), lastReason: z.string().nullable() })),
      newestPoint: z.object({ id: z.string(), at: z.number(), bytes: z.number() }).nullable(),
      restorable: z.object({ from: z.number(), to: z.number() }).nullable(),
      proof: z.object({ point: z.string(), at: z.number(), from: z.string() }).nullable(),
      secondCopy: z.object({ kind: z.string(), lastGood: z.number().nullable() }).nullable(),
      /** Share in use of the backups' disk. */
      diskUsed: z.number().nullable().optional(),
      alarms: z.array(z.object({ severity: z.enum(["warning", "critical"]), text: z.string() })),
      undelivered: z.number(),
    })
    .nullable(),
  /** Whether trading is halted, as the page reads it in the control folder; a page of an earlier version does not say. */
  halts: z
    .object({
      problem: z.string().nullable(),
      inForce: z.array(z.object({ id: z.string(), level: z.enum(HALT_LEVELS), bot: z.string().nullable(), since: z.number().nullable(), by: z.string().nullable(), who: z.string().nullable(), reason: z.string(), held: z.boolean(), rearm: z.string() })),
      freezes: z.array(z.object({ id: z.string(), bot: z.string().nullable(), since: z.number().nullable(), reason: z.string(), until: z.number().nullable() })),
    })
    .nullable()
    .default(null),
  /** How the guard stands; null where the stack has none. */
  guard: z
    .object({
      problem: z.string().nullable(),
      readAt: z.number().nullable(),
      lease: z.object({ state: z.string(), reason: z.string(), until: z.number().nullable() }).nullable(),
      actions: z.array(z.object({ at: z.number(), rule: z.string(), bot: z.string().nullable(), action: z.string(), level: z.string().nullable(), incident: z.string().nullable(), reason: z.string() })),
    })
    .nullable()
    .default(null),
  /** Alerts that are raised now, the worst first. */
  alerts: z
    .object({
      active: z.array(z.object({ id: z.string(), sender: z.string(), key: z.string(), severity: z.enum(["warning", "critical"]), text: z.string(), runbook: z.string(), since: z.number(), acknowledged: z.boolean() })),
      unknown: z.array(z.object({ sender: z.string(), problem: z.string() })),
      undelivered: z.number(),
    })
    .nullable()
    .default(null),
  bots: z.array(
    z.object({
      name: z.string(),
      processedBar: z.number().nullable(),
      cash: z.number().nullable(),
      equity: z.number().nullable(),
      position: z.object({ quantity: z.number(), entryPrice: z.number(), stopPrice: z.number().nullable() }).nullable(),
      /** Decisions, orders and fills counted against each other; null before the broker has counted. */
      reconciliation: z.object({ at: z.number(), intended: z.number(), sent: z.number(), mismatch: z.string().nullable() }).nullable(),
      rejections: z.array(z.object({ kind: z.string(), count: z.number(), lastAt: z.number(), lastReason: z.string() })),
      lastDecision: z.object({ bar: z.number(), action: z.string(), reason: z.string() }).nullable(),
    }),
  ),
});

export type PageStatus = z.infer<typeof pageStatus>;
export type PageFeed = PageStatus["feeds"][number];
export type PageGuard = NonNullable<PageStatus["guard"]>;
export type PageBackup = NonNullable<PageStatus["backup"]>;
export type PageBot = PageStatus["bots"][number];

/** Longer than the page needs, and short enough for a command that has to work without it. */
const TIMEOUT_MILLISECONDS = 3000;

/** What a body says, or undefined when it is no such answer. */
export function parsePageStatus(body: unknown): PageStatus | undefined {
  const parsed = pageStatus.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

/** Asks the page on this machine; undefined when nothing that answers like it is there. */
export async function fetchPage(port: number, milliseconds: number = TIMEOUT_MILLISECONDS): Promise<PageStatus | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/status`, { signal: AbortSignal.timeout(milliseconds), redirect: "error" });
    return response.ok ? parsePageStatus(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}
