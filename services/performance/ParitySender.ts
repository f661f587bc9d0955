import { setTimeout as delay } from "node:timers/promises";
import { failureText, MlflowClient, MlflowError } from "../../mlflow/client";
import { completeRun } from "../../mlflow/record";
import type { Logger } from "../shared/log";
import { parityEnd, parityStart } from "./parityRecord";
import type { UnsentParities } from "./unsentParities";

export interface ParitySenderOptions {
  readonly stack: string;
  /** Address of MLflow. */
  readonly url: string;
  readonly store: Pick<UnsentParities, "next" | "evidence" | "markSent">;
  readonly log: Logger;
  /** Wall milliseconds after a failed try; a minute unless given. */
  readonly retryMilliseconds?: number;
  /** Wall milliseconds for one call of MLflow's; 5 s unless given. */
  readonly requestMilliseconds?: number;
}

/**
 * Tells MLflow of every comparison, in the background: nobody waits for it, and what MLflow has not heard of yet stands in
 * table `parities`. It may end, or fail, anywhere: what MLflow has of a comparison already is found there and completed.
 */
export class ParitySender {
  private readonly stop = new AbortController();
  private readonly client: MlflowClient;
  private running: Promise<void> | undefined;
  private again = false;
  private failure: string | undefined;
  /** Comparisons that MLflow understood and does not take; a new start of the service tries them again. */
  private readonly refused: number[] = [];

  constructor(private readonly options: ParitySenderOptions) {
    const { requestMilliseconds } = options;
    this.client = new MlflowClient(options.url, { signal: this.stop.signal, ...(requestMilliseconds === undefined ? {} : { requestMilliseconds }) });
  }

  /** Says that there may be something to send; asked while it sends, it looks once more. */
  wake(): void {
    if (this.stop.signal.aborted) return;
    if (this.running === undefined) this.running = this.work().finally(() => (this.running = undefined));
    else this.again = true;
  }

  async close(): Promise<void> {
    this.stop.abort(new Error("the service stops"));
    await this.running;
  }

  private async work(): Promise<void> {
    const { log, retryMilliseconds = 60_000 } = this.options;
    do {
      this.again = false;
      try {
        await this.sendAll();
        if (this.failure !== undefined) log.info("MLflow takes comparisons again");
        this.failure = undefined;
      } catch (error) {
        if (this.stop.signal.aborted) return;
        const text = failureText(error);
        if (text !== this.failure) log.warn({ error: text }, "comparisons are not sent to MLflow, it is tried again");
        this.failure = text;
        await delay(retryMilliseconds, undefined, { signal: this.stop.signal }).catch(() => undefined);
        this.again = true;
      }
    } while (this.again && !this.stop.signal.aborted);
  }

  private async sendAll(): Promise<void> {
    const { stack, store, log } = this.options;
    for (;;) {
      const parity = await store.next(this.refused);
      if (parity === undefined) return;
      this.stop.signal.throwIfAborted();
      try {
        const { runId } = await completeRun(this.client, parityStart(stack, parity), parityEnd(parity, await store.evidence(parity)));
        await store.markSent(parity.id);
        log.info({ bot: parity.bot, mlflowRun: runId, verdict: parity.verdict }, "comparison sent to MLflow");
      } catch (error) {
        // What MLflow has lost meanwhile can be made again; what it will not take must not hold up the rest.
        if (!(error instanceof MlflowError) || !error.isRefusal || error.code === "RESOURCE_DOES_NOT_EXIST") throw error;
        log.error({ bot: parity.bot, error: failureText(error) }, "MLflow refuses this comparison");
        this.refused.push(parity.id);
      }
    }
  }
}
