import { z } from "zod";
import type { StackConfiguration } from "../../config/schema";
import type { Context } from "../context";
import type { Engine } from "../engine";
import { CommandError, failure } from "../errors";
import { InsideService, problemIn, serviceContainer } from "../insideService";

/** Seconds a part has to answer; it waits for the receiver of a test four times, and may wait 8 s each time. */
const PATIENCE = 28;

const time = z.iso.datetime().nullable();

const alert = z.object({
  ...{ id: z.string(), key: z.string(), severity: z.enum(["warning", "critical"]), text: z.string(), runbook: z.string(), since: z.iso.datetime() },
  ...{ announced: z.boolean(), toldAt: time, acknowledged: z.boolean() },
});
export type AlertView = z.infer<typeof alert>;

/** What the commands need of a part's answer, and no more: one of another version is asked as well. */
const state = z.object({
  active: z.array(alert),
  /** Whether there is a receiver, and somebody who misses a sign of life. */
  ...{ configured: z.boolean(), heartbeatConfigured: z.boolean() },
  ...{ undelivered: z.number(), oldestUndeliveredAt: time, lastDeliveredAt: time, lastHeartbeatAt: time },
  /** When something critical was last wrong there; a part of an earlier version does not say. */
  critical: z.object({ knownSince: z.iso.datetime(), lastAt: time, lastKey: z.string().nullable() }).nullish(),
  ...{ lastProblem: z.string().nullable(), fileProblem: z.string().nullable(), lastHeartbeatProblem: z.string().nullable() },
});
export type AlertState = z.infer<typeof state>;

const tried = z.object({ what: z.string(), configured: z.boolean(), arrived: z.boolean(), answer: z.string(), milliseconds: z.number() });
export type TriedView = z.infer<typeof tried>;

/** What one part said, or why it said nothing. */
export interface PartAnswer<T> {
  readonly part: string;
  readonly answer: T | undefined;
  readonly problem: string | null;
}

/** The parts of a stack that tell of alerts, as its file declares them. */
export function alertParts({ backup, guard }: Pick<StackConfiguration, "backup" | "guard">): string[] {
  return [...(guard.enabled ? ["guard"] : []), ...(backup.enabled ? ["backup"] : [])];
}

/** What every part says of its alerts. @param patience seconds that each has to answer */
export function askForAlerts(context: Context, stack: string, parts: readonly string[], patience = PATIENCE): Promise<PartAnswer<AlertState>[]> {
  return askEach(context, stack, parts, (inside) => ask(inside, state, "GET", "/alerts"), patience);
}

/** Has every part send a test, one part after the other. */
export function tryEach(context: Context, stack: string, parts: readonly string[]): Promise<PartAnswer<TriedView[]>[]> {
  return askEach(context, stack, parts, async (inside) => (await ask(inside, z.object({ tried: z.array(tried) }), "POST", "/alerts/test")).tried);
}

async function askEach<T>(context: Context, stack: string, parts: readonly string[], question: (inside: InsideService) => Promise<T>, patience = PATIENCE): Promise<PartAnswer<T>[]> {
  const engine = context.engine();
  const answers: PartAnswer<T>[] = [];
  for (const part of parts) {
    try {
      answers.push({ part, answer: await question(await insideOf(context, engine, stack, part, patience)), problem: null });
    } catch (error) {
      // Of those that do not answer, the others still tell.
      if (!(error instanceof CommandError)) throw error;
      answers.push({ part, answer: undefined, problem: error.message });
    }
  }
  return answers;
}

async function insideOf(context: Context, engine: Engine, stack: string, part: string, patience: number): Promise<InsideService> {
  const container = await serviceContainer(context, engine, stack, part);
  if (container.state !== "running") throw failure(`container ${container.name} is ${container.state}: npx trading status says more`);
  return new InsideService(engine, container, `the ${part} service`, patience);
}

async function ask<T>(inside: InsideService, schema: z.ZodType<T>, method: "GET" | "POST", path: string): Promise<T> {
  const answered = await inside.request(method, path);
  if (answered.code !== 200) throw failure(`its service did not take it: ${problemIn(answered)}`);
  return inside.understood(schema, answered.body);
}
