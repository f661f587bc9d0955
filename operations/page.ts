import { z } from "zod";

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
      alarms: z.array(z.object({ severity: z.enum(["warning", "critical"]), text: z.string() })),
      undelivered: z.number(),
    })
    .nullable(),
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
export async function fetchPage(port: number): Promise<PageStatus | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/status`, { signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS), redirect: "error" });
    return response.ok ? parsePageStatus(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}
