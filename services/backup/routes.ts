import type { FastifyInstance } from "fastify";
import { JOBS, type Job } from "../../domain/backup/jobs";
import type { BackupStatus } from "../../domain/backup/status";
import { isLoopback } from "../shared/loopback";
import { hasWork } from "./plan";
import type { Scheduler } from "./scheduler";
import type { BackupSettings } from "./settings";

export interface RouteParts {
  readonly app: FastifyInstance;
  readonly settings: Pick<BackupSettings, "secondCopy">;
  readonly scheduler: Pick<Scheduler, "ask">;
  readonly status: () => BackupStatus;
}

/** `GET /v1/status`, and `POST /v1/jobs/:job` for whoever is inside the container. */
export function addRoutes({ app, settings, scheduler, status }: RouteParts): void {
  app.get("/v1/status", () => status());

  app.post<{ Params: { job: string } }>("/v1/jobs/:job", (request, reply) => {
    if (!isLoopback(request.ip)) return reply.code(403).send({ error: "only from inside the backup's container" });
    const { job } = request.params;
    if (!isJob(job)) return reply.code(404).send({ error: `job: "${job}" - allowed: ${JOBS.join(", ")}` });
    if (!hasWork(settings, job)) return reply.code(409).send({ error: `job: "${job}" has nothing to do: no second copy is configured` });
    const asked = scheduler.ask(job);
    return reply.code(202).send({ job, state: asked ? "asked" : "running", look: `/v1/status, jobs.${job}` });
  });
}

function isJob(text: string): text is Job {
  return (JOBS as readonly string[]).includes(text);
}
