import pRetry from "p-retry";
import type { Logger } from "../shared/log";
import type { Metric, MlflowClient, Pairs } from "./mlflow";

export interface RunDescription {
  readonly experiment: string;
  readonly name: string;
  readonly tags: Pairs;
  readonly params: Pairs;
}

/** Metrics kept while MLflow is away; the oldest are dropped first. */
const queueLimit = 200;
const finishMilliseconds = 3000;

/**
 * Tracks one start of the bot as an MLflow run, in the background: whatever MLflow does, nobody waits for it.
 * Times are wall clock.
 */
export class RunTracker {
  private readonly stop = new AbortController();
  private readonly queue: Metric[] = [];
  private readonly worker: Promise<void>;
  private wakeWorker: () => void = () => undefined;
  private runId: string | undefined;
  private dropped = 0;

  /** Starts at once; MLflow need not be there yet. */
  constructor(
    private readonly client: MlflowClient,
    private readonly description: RunDescription,
    private readonly log: Logger,
    private readonly startTime = Date.now(),
  ) {
    this.worker = this.work();
  }

  /** Takes metrics in for later; never fails, never waits. */
  add(values: Readonly<Record<string, number>>, step: number): void {
    const timestamp = Date.now();
    for (const [key, value] of Object.entries(values)) this.queue.push({ key, value, timestamp, step });
    const excess = this.queue.length - queueLimit;
    if (excess > 0) {
      this.queue.splice(0, excess);
      this.dropped += excess;
    }
    this.wakeWorker();
  }

  /** Ends the run as FINISHED when there is one and MLflow answers within 3 s. */
  async finish(): Promise<void> {
    this.stop.abort();
    this.wakeWorker();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.log.warn({ runId: this.runId }, "MLflow did not take the end of the run in time");
        resolve();
      }, finishMilliseconds);
    });
    await Promise.race([this.end(), limit]);
    clearTimeout(timer);
  }

  private async end(): Promise<void> {
    await this.worker;
    if (this.runId === undefined) return;
    try {
      if (this.queue.length > 0) await this.send(this.runId);
      await this.client.endRun(this.runId, "FINISHED", Date.now());
    } catch (error) {
      this.log.warn({ error: (error as Error).message }, "the end of the run is not tracked");
    }
  }

  private async work(): Promise<void> {
    try {
      const runId = await this.persist("start", () => this.begin());
      await this.persist("params", () => this.client.log(runId, { params: this.description.params }));
      while (!this.stop.signal.aborted) {
        if (this.queue.length === 0) {
          await new Promise<void>((resolve) => (this.wakeWorker = resolve));
          continue;
        }
        await this.persist("metrics", () => this.send(runId));
      }
    } catch (error) {
      if (!this.stop.signal.aborted) this.log.error({ err: error }, "this run is not tracked");
    }
  }

  /** The bot holds its lock: a run of it that still counts as running belongs to an instance that was killed. */
  private async begin(): Promise<string> {
    const { experiment, name, tags } = this.description;
    const id = await this.client.experiment(experiment);
    for (const open of await this.client.openRuns(id, tags)) await this.client.endRun(open, "KILLED", Date.now());
    this.runId ??= await this.client.createRun({ experiment: id, name, startTime: this.startTime, tags });
    this.log.info({ experiment, run: name, runId: this.runId }, "run tracked in MLflow");
    return this.runId;
  }

  private async send(runId: string): Promise<void> {
    const metrics = [...this.queue];
    await this.client.log(runId, { metrics });
    const sent = new Set(metrics);
    this.queue.splice(0, this.queue.length, ...this.queue.filter((metric) => !sent.has(metric)));
    if (this.dropped > 0) this.log.warn({ dropped: this.dropped }, "metrics dropped while MLflow was away");
    this.dropped = 0;
  }

  private persist<T>(step: string, operation: () => Promise<T>): Promise<T> {
    return pRetry(
      // p-retry takes a TypeError for a mistake in the program, and fetch throws one when nobody answers.
      () => operation().catch((error: unknown) => Promise.reject(new Error(describe(error)))),
      {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 1000,
        maxTimeout: 60_000,
        signal: this.stop.signal,
        onFailedAttempt: ({ error, attemptNumber }) => {
          if (this.stop.signal.aborted) return;
          this.log.warn({ step, attempt: attemptNumber, error: error.message }, "MLflow does not take it, trying again");
        },
      },
    );
  }
}

function describe(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return cause === undefined ? (message ?? String(error)) : `${message}: ${cause.code ?? cause.message ?? "unknown"}`;
}
