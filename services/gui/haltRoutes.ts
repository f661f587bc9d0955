import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { appendAudit } from "../../control/audit";
import { problemOf } from "../../control/folder";
import { haltsOf } from "../../control/LatchFolder";
import { HALT_LEVELS } from "../../control/levels";
import { incidentId, type Halt } from "../../control/records";
import type { Logger } from "../shared/log";
import { describeProblems } from "../shared/settingsProblems";
import type { HaltAnswer, HaltRequest } from "./api";
import type { ControlReader } from "./controlReader";
import { haltsView } from "./haltsView";
import { demandThePage } from "./onlyThePage";
import { RequestError } from "./requestError";

export interface HaltRouteParts {
  readonly stack: string;
  readonly mode: "paper" | "live";
  readonly bots: readonly string[];
  readonly control: ControlReader;
  /** What is open of a bot, or of all, as far as it is known: one line for each. Must not wait for anything. */
  readonly open: (bot: string | null) => string[];
  readonly log: Logger;
  /** Milliseconds that never jump. */
  readonly monotonic?: () => number;
}

/** Two halts are at least so far apart. */
export const pauseMilliseconds = 1000;
const nothingDone = "NOT halted";

/**
 * `GET /api/halts`: what the control folder says, with every other service down; `POST /api/halt`: halts, and answers the
 * incident. Nothing here lifts a halt: that takes the command, which shows what is open and asks why.
 */
export function addHaltRoutes(app: FastifyInstance, parts: HaltRouteParts): void {
  const { stack, control, log, monotonic = () => performance.now() } = parts;
  const body = bodySchema(parts.bots);
  let last = Number.NEGATIVE_INFINITY;

  app.get("/api/halts", (_request, reply) => reply.header("cache-control", "no-store").send(haltsView(control.read(), stack, Date.now())));

  // In whatever way it fails, the person is told in words: "internal error" is no answer to whether trading was halted.
  const errorHandler = (error: FastifyError | RequestError, _request: FastifyRequest, reply: FastifyReply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, "trading was not halted from the page");
    return reply.code(status).send({ error: status >= 500 && !error.message.startsWith(nothingDone) ? `${nothingDone}: ${error.message}` : error.message });
  };

  app.post("/api/halt", { errorHandler, onRequest: async (request) => demandThePage(request) }, (request, reply) => {
    const asked = body.safeParse(request.body, { reportInput: true });
    if (!asked.success) throw new RequestError(400, describeProblems(body, request.body, asked.error, "").join("; "));
    demandConfirmation(asked.data, parts);
    if (monotonic() - last < pauseMilliseconds) throw new RequestError(429, "a halt was placed within the last second: try again");
    const answer = place(asked.data, parts);
    last = monotonic();
    log.warn({ ...asked.data, ...answer }, "halted from the page");
    return reply.code(201).header("cache-control", "no-store").send(answer);
  });
}

function bodySchema(bots: readonly string[]): z.ZodType<HaltRequest> {
  return z.strictObject({
    level: z.enum(HALT_LEVELS),
    bot: z.custom<string | null>((bot) => bot === null || bots.includes(bot as string), { error: `${bots.join(", ")}; null is every bot` }),
    reason: z.string().trim().min(1).max(2000),
    confirm: z.string().max(60).optional(),
  }) as z.ZodType<HaltRequest>;
}

function demandConfirmation({ confirm }: HaltRequest, { stack, mode }: HaltRouteParts): void {
  if (mode !== "live" || confirm === stack) return;
  throw new RequestError(400, `confirm: ${confirm === undefined ? "missing" : JSON.stringify(confirm)} - allowed: "${stack}", the name of the stack, since this is live`);
}

/** @throws {RequestError} 503 where the halt is not in force afterwards */
function place({ level, bot, reason }: HaltRequest, { stack, control: { folder }, open, log }: HaltRouteParts): HaltAnswer {
  const byHand = `on the machine: npx trading halt --stack ${stack}${bot === null ? "" : ` --bot ${bot}`} --level ${level} --reason TEXT`;
  const problem = problemOf(folder, stack);
  if (problem !== null) throw new RequestError(503, `${nothingDone}: ${problem}; ${byHand}`);
  const now = Date.now();
  const at = new Date(now).toISOString();
  const origin = { by: "page", who: "page", rule: null, numbers: {}, open: open(bot) } as const;
  const halt: Halt = { format: 1, id: incidentId("INC", now), stack, bot, level, reason, at, cause: null, runbook: "runbooks/Incident_Handling.md", ...origin };
  try {
    haltsOf(folder).place(halt);
  } catch (error) {
    throw new RequestError(503, `${nothingDone}: the control folder cannot be written (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}); ${byHand}`);
  }
  return { incident: halt.id, at: now, note: record(folder, halt, log) };
}

/** The halt is in force whether or not this works. @returns why it did not, or null */
function record(folder: string, { id, at, by, who, bot, level, reason, rule, numbers, open }: Halt, log: Logger): string | null {
  try {
    appendAudit(folder, { at, act: "halt", by, who, incident: id, bot, level, reason, rule, numbers, open });
    return null;
  } catch (error) {
    log.error({ err: error, incident: id }, "a halt is not in the audit log");
    return `it is not in the audit log (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`;
  }
}
