import type { FastifyInstance } from "fastify";
import { RUNBOOKS } from "../../domain/guard/verdict";
import type { Guard } from "./Guard";
import type { GuardSettings } from "./settings";

/** `GET /v1/status`: how the guard stands, what it sees, and the bots' containers. */
export function addRoutes(app: FastifyInstance, guard: Guard, { bots, thresholds }: Pick<GuardSettings, "bots" | "thresholds">): void {
  app.get("/v1/status", () => {
    const { lease, lookedAt, lookProblem, problems, verdicts } = guard.state;
    return {
      format: 1,
      lease,
      lastLookSeconds: lookedAt === null ? null : Math.round((performance.now() - lookedAt) / 100) / 10,
      lookProblem,
      problems: Object.values(problems),
      verdicts: verdicts.map((verdict) => ({ ...verdict, runbook: RUNBOOKS[verdict.rule] })),
      thresholds,
      bots: bots.map(({ name, container }) => ({ name, container, running: guard.keeper.of(name).state?.running ?? null })),
    };
  });
}
