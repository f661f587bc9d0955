import { setTimeout as delay } from "node:timers/promises";
import { failureText, MlflowClient, MlflowError, type RunInfo } from "../../mlflow/client";
import { completeRun, openRun, type RunEnd } from "../../mlflow/record";
import type { Logger } from "../shared/log";
import { curveMetrics, runEnd, runStart } from "./runRecord";
import type { BotRun, RunStore } from "./runStore";
import { WakeUp } from "./wakeUp";

export interface RunSenderOptions {
  readonly stack: string;
  readonly bot: string;
  /** Address of MLflow. */
  readonly url: string;
  readonly store: Pick<RunStore, "unsent" | "noteMlflowRun" | "markSent" | "curve" | "equity" | "trades">;
  readonly log: Logger;
  /** Wall milliseconds after a failed try, doubled each time up to the second; 1 s and 60 s unless given. */
  readonly backoffMilliseconds?: readonly [number, number];
  /** Wall milliseconds for one call of MLflow's; 5 s unless given. */
  readonly requestMilliseconds?: number;
}

/** Runs looked at in one go. */
const batch = 10;
/** How long a run that MLflow refused is left alone. */
const refusedMilliseconds = 3_600_000;
const forever = 2 ** 31 - 1;

/**
 * Tells MLflow of the bot's runs, in the background: nobody waits for it, and all it has to remember is in table `runs`.
 * It may end, or fail, anywhere: what MLflow has of a run already is found there and left, and the rest is sent again.
 */
export class RunSender {
  private readonly stop = new AbortController();
  private readonly wakeUp = new WakeUp();
  private readonly client: MlflowClient;
  private readonly worker: Promise<void>;
  private readonly refused = new Map<string, number>();
  /** The running run in MLflow, and the last step of its curve that was sent. */
  private current: { id: string; run: RunInfo; step: number } | undefined;
  private finishing = false;

  constructor(private readonly options: RunSenderOptions) {
    const { requestMilliseconds } = options;
    this.client = new MlflowClient(options.url, {
      signal: this.stop.signal,
      ...(requestMilliseconds === undefined ? {} : { requestMilliseconds }),
    });
    this.worker = this.work();
  }

  /** Says that there may be something to send. */
  wake(): void {
    this.wakeUp.call();
  }

  /** Tries once more what is not sent, and ends; what is left then, the next start sends. */
  async finish(milliseconds: number): Promise<void> {
    this.finishing = true;
    this.wakeUp.call();
    const cut = new AbortController();
    const limit = delay(milliseconds, undefined, { signal: cut.signal }).catch(() => undefined);
    await Promise.race([this.worker, limit]);
    cut.abort();
    this.stop.abort(new Error("the bot stops"));
    this.wakeUp.call();
  }

  private async work(): Promise<void> {
    const [first, most] = this.options.backoffMilliseconds ?? [1000, 60_000];
    let backoff = first;
    let failure: string | undefined;
    while (!this.stop.signal.aborted) {
      const last = this.finishing;
      let pause = forever;
      try {
        await this.sendAll();
        if (failure !== undefined) this.options.log.info("MLflow takes runs again");
        failure = undefined;
        backoff = first;
      } catch (error) {
        const text = failureText(error);
        if (text !== failure && !this.stop.signal.aborted) this.options.log.warn({ error: text }, "runs are not sent to MLflow, it is tried again");
        failure = text;
        pause = backoff;
        backoff = Math.min(2 * backoff, most);
      }
      if (last) return;
      await this.wakeUp.sleep(pause, this.stop.signal);
    }
  }

  private async sendAll(): Promise<void> {
    for (;;) {
      const now = performance.now();
      for (const [id, since] of this.refused) if (now - since > refusedMilliseconds) this.refused.delete(id);
      const runs = await this.options.store.unsent([...this.refused.keys()], batch);
      for (const run of runs) {
        this.stop.signal.throwIfAborted();
        await this.send(run).catch((error: unknown) => {
          if (!isRefusal(error)) throw error;
          this.options.log.error({ run: run.id, error: failureText(error) }, "MLflow refuses this run");
          this.refused.set(run.id, now);
          if (this.current?.id === run.id) this.current = undefined;
        });
      }
      // A run that goes on is looked at once; only ended ones make room for more.
      if (runs.length < batch) return;
    }
  }

  private async send(run: BotRun): Promise<void> {
    const { stack, bot, store, log } = this.options;
    const start = runStart(stack, bot, run);
    if (run.status !== "RUNNING" && run.endedAt !== null) {
      const ended = run as BotRun & { status: RunEnd["status"]; endedAt: number };
      const { runId } = await completeRun(this.client, start, await runEnd(store as RunStore, ended));
      await store.markSent(run.id, runId);
      log.info({ run: run.id, mlflowRun: runId, status: run.status }, "run sent to MLflow");
      return;
    }
    if (this.current?.id !== run.id) {
      const opened = await openRun(this.client, start);
      await store.noteMlflowRun(run.id, opened.runId);
      log.info({ run: run.id, mlflowRun: opened.runId, experiment: start.experiment }, "run opened in MLflow");
      this.current = { id: run.id, run: opened, step: 0 };
    }
    if (this.current.run.deleted) return;
    const points = await store.curve(run, this.current.step);
    if (points.length === 0) return;
    try {
      await this.client.log(this.current.run.runId, { metrics: curveMetrics(points, run.interval) });
    } catch (error) {
      // The run may be gone from MLflow: the next try looks for it, or makes it again.
      if (error instanceof MlflowError && error.status < 500) this.current = undefined;
      throw error;
    }
    this.current.step = points.at(-1)!.step;
  }
}

/** MLflow will not take the run. What it has lost meanwhile can be made again. */
function isRefusal(error: unknown): boolean {
  return error instanceof MlflowError && error.isRefusal && error.code !== "RESOURCE_DOES_NOT_EXIST";
}
