import { z } from "zod";
import { stackNames } from "../../config/names";
import { JOBS, type Job, type JobRun } from "../../domain/backup/jobs";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { failure } from "../errors";
import { owner } from "../stack";

const SERVICE = "backup";
/** Reachable from inside the container alone. */
const ADDRESS = "http://127.0.0.1:8080/v1";
/** Seconds the service has to answer. */
const PATIENCE = 15;
const POLL_MILLISECONDS = 1000;
/** A service that says nothing for so long while a job runs is gone. */
const SILENCE_MILLISECONDS = 90_000;

const run = z.object({
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

/** The stack's backup container, whether it runs or not; this clone's own. */
export async function backupContainer(context: Context, engine: Engine, stack: string): Promise<ContainerFact> {
  const name = stackNames(stack).container(SERVICE);
  const container = await engine.container(name);
  if (container === undefined) throw failure(`container ${name} does not exist: npm run pulumi -- up --refresh --stack ${stack}`, { stack });
  if (container.owner !== owner(context.root)) throw failure(`container ${name} belongs to another clone of this project and was left as it is`, { stack });
  return container;
}

/** Asks the backup service of a stack, from inside its container. */
export class BackupService {
  constructor(
    private readonly context: Context,
    private readonly engine: Engine,
    private readonly container: ContainerFact,
  ) {
    if (container.state !== "running") throw failure(`container ${container.name} is ${container.state}: npx trading status says more`);
  }

  /** @throws {CommandError} when it does not answer, or with something else */
  async status(): Promise<Status> {
    const { code, body } = await this.request("GET", "/status");
    if (code !== 200) throw failure(`the backup service does not say how it is: ${problemIn(code, body)}`);
    const parsed = status.safeParse(body);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw failure(`the backup service is of another version than this command (its answer: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}): npm run pulumi -- up`);
  }

  /**
   * Runs a job now and waits for its end, however long it takes.
   *
   * @param report told of what is being done
   * @returns its run, good or failed
   */
  async runJob(job: Job, report: (text: string) => void): Promise<JobRun> {
    const before = await this.status();
    const { code, body } = await this.request("POST", `/jobs/${job}`);
    if (code !== 202) throw failure(`the backup service did not take it: ${problemIn(code, body)}`);
    // A job that runs already is not begun a second time: its run is the one that is waited for.
    const since = before.jobs[job].running?.since ?? before.jobs[job].lastRun?.finishedAt ?? "";
    return await this.follow(job, since, report);
  }

  private async follow(job: Job, since: string, report: (text: string) => void): Promise<JobRun> {
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
        if (running === null && lastRun !== null && lastRun.startedAt >= since) return lastRun;
        const text = running?.step ?? (now.waitingFor === null ? "" : `waits for: ${now.waitingFor}`);
        if (text !== "" && text !== said) report((said = text));
      }
      await this.context.wait(POLL_MILLISECONDS);
    }
  }

  private async request(method: "GET" | "POST", path: string): Promise<{ readonly code: number; readonly body: unknown }> {
    const { exitCode, output } = await this.engine.execute(this.container.id, [
      ...["curl", "--silent", "--show-error", "--max-time", String(PATIENCE), "--request", method],
      ...["--write-out", "\n%{http_code}", `${ADDRESS}${path}`],
    ]);
    if (exitCode !== 0) throw failure(`the backup service does not answer: ${output.trim().replace(/\s*\n\s*/g, " ") || `exit code ${exitCode}`}`);
    const at = output.trimEnd().lastIndexOf("\n");
    return { code: Number(output.trimEnd().slice(at + 1)), body: parsed(output.slice(0, Math.max(0, at))) };
  }
}

function problemIn(code: number, body: unknown): string {
  const said = (body as { error?: unknown } | undefined)?.error;
  return typeof said === "string" ? said : `answer ${code} is not understood`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
