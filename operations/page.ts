import { z } from "zod";

/** What the commands take from `/api/status` of the stack's page; more keys are no error. Times are epoch milliseconds. */
const pageStatus = z.object({
  stack: z.string(),
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
    }),
  ),
  bots: z.array(
    z.object({
      name: z.string(),
      processedBar: z.number().nullable(),
      cash: z.number().nullable(),
      equity: z.number().nullable(),
      position: z.object({ quantity: z.number(), entryPrice: z.number(), stopPrice: z.number().nullable() }).nullable(),
      lastDecision: z.object({ bar: z.number(), action: z.string(), reason: z.string() }).nullable(),
    }),
  ),
});

export type PageStatus = z.infer<typeof pageStatus>;
export type PageFeed = PageStatus["feeds"][number];
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
