import { z } from "zod";
import { JOBS, type Job } from "../../domain/backup/jobs";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { failure } from "../errors";
import { InsideService, problemIn, serviceContainer } from "../insideService";

const SERVICE = "backup";
/** Seconds the service has to answer unless told otherwise. */
const PATIENCE_SECONDS = 15;
const POLL_MILLISECONDS = 1000;
/** A service that says nothing for so long while a job runs is gone. */
const SILENCE_MILLISECONDS = 90_000;

const run = z.object({
  /** What tells one run from another; a service of an earlier version gives none. */
  id: z.union([z.string(), z.number()]).optional(),
  job: z.enum(JOBS),
  ...{ startedAt: z.string(), finishedAt: z.string(), reason: z.string() },
  outcome: z.enum(["good", "failed"]),
  ...{ bytes: z.number().nullable(), storedBytes: z.number().nullable(), point: z.string().nullable() },
});

/** What the commands need of its status, and no more: a service of another version is asked as well. */
const status = z.object({
  jobs: z.record(z.enum(JOBS), z.object({ running: z.object({ since: z.string(), step: z.string() }).nullable(), lastRun: run.nullable() })),
  waitingFor: z.string().nullable(),
  imagesNotArchived: z.array(z.string()).nullable(),
  /** Files that wait to be put into Git. */
  outbox: z.number().default(0),
});
type Status = z.infer<typeof status>;
/** A run of a job that has ended. */
export type EndedRun = z.infer<typeof run>;
type JobView = Status["jobs"][Job];

/** What the service says of a job it was asked to run. */
const asked = z.object({ state: z.enum(["asked", "running"]) });

/** The stack's backup container, whether it runs or not; this clone's own. */
export function backupContainer(context: Context, engine: Engine, stack: string): Promise<ContainerFact> {
  return serviceContainer(context, engine, stack, SERVICE);
}

/** Asks the backup service of a stack, from inside its container. */
export class BackupService {
  private readonly inside: InsideService;

  constructor(
    private readonly context: Context,
    engine: Engine,
    container: ContainerFact,
    patienceSeconds = PATIENCE_SECONDS,
  ) {
    if (container.state !== "running") throw failure(`container ${container.name} is ${container.state}: npx trading status says more`);
    this.inside = new InsideService(engine, container, "the backup service", patienceSeconds);
  }

  /** @throws {CommandError} when it does not answer, or with something else */
  async status(): Promise<Status> {
    const answer = await this.inside.request("GET", "/status");
    if (answer.code !== 200) throw failure(`the backup service does not say how it is: ${problemIn(answer)}`);
    return this.inside.understood(status, answer.body);
  }

  /**
   * Runs a job now and waits for its end, however long it takes. Where it runs already, that run is the one waited for.
   *
   * @param report told of what is being done
   * @returns its run, good or failed
   */
  async runJob(job: Job, report: (text: string) => void): Promise<EndedRun> {
    const before = await this.job(job);
    await this.ask(job);
    return await this.follow(job, before, report);
  }

  /**
   * The same with a run that begins after this was called: one that is under way may have looked already at what has
   * changed since, and is only waited for.
   */
  async freshRun(job: Job, report: (text: string) => void): Promise<EndedRun> {
    for (;;) {
      const before = await this.job(job);
      const runs = before.running !== null || (await this.ask(job)) === "running";
      if (runs) report("waits for the end of the run that is under way: a new one follows");
      const ended = await this.follow(job, before, report);
      if (!runs) return ended;
    }
  }

  private async job(job: Job): Promise<JobView> {
    return (await this.status()).jobs[job];
  }

  /** @returns whether a run of the job was under way, or one was asked for */
  private async ask(job: Job): Promise<"asked" | "running"> {
    const answer = await this.inside.request("POST", `/jobs/${job}`);
    const taken = asked.safeParse(answer.body);
    if (answer.code !== 202 || !taken.success) throw failure(`the backup service did not take it: ${problemIn(answer)}`);
    return taken.data.state;
  }

  /** Waits for the first run to end that had not ended `before`; known by which run it is and not by when: the clock may go back. */
  private async follow(job: Job, before: JobView, report: (text: string) => void): Promise<EndedRun> {
    let said = "";
    let heard = this.context.now();
    for (;;) {
      let now: Status | undefined;
      try {
        now = await this.status();
        heard = this.context.now();
      } catch (error) {
        if (this.context.now() - heard > SILENCE_MILLISECONDS) throw failure(`${(error as Error).message}; what became of the job is not known`);
      }
      if (now !== undefined) {
        const { running, lastRun } = now.jobs[job];
        // A run is noted as ended a moment before it is no longer under way: of one that was, only the latter counts.
        if (running === null && lastRun !== null && (before.running !== null || identity(lastRun) !== identity(before.lastRun))) return lastRun;
        const text = running?.step ?? (now.waitingFor === null ? "" : `waits for: ${now.waitingFor}`);
        if (text !== "" && text !== said) report((said = text));
      }
      await this.context.wait(POLL_MILLISECONDS);
    }
  }
}

/** What tells a run from every other one of its job; no run has another one's beginning and end at once. */
function identity(of: JobView["lastRun"]): string | null {
  return of === null ? null : String(of.id ?? `${of.startedAt} to ${of.finishedAt}`);
}
