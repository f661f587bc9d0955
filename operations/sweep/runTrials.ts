import { availableParallelism } from "node:os";
import * as path from "node:path";
import { setImmediate as letOthersWork } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Candle } from "../../domain/candles";
import type { Metrics } from "../../domain/metrics";
import { runTrial, trialCount, type TrialPlan } from "../../domain/evaluation/trials";
import { shareCandles } from "./sharedCandles";
import type { WorkerAnswer, WorkerTask } from "./worker";

export interface TrialOptions {
  /** Worker threads; 0 runs all in this one. As many as the machine has cores unless given, fewer for few runs. */
  readonly threads?: number;
  /** Told now and then how many runs are done. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** Runs that are worth the start of a thread. */
const runsPerThread = 16;

/** Threads that a plan is run on. */
export function threadsFor(runs: number): number {
  return runs <= runsPerThread ? 0 : Math.min(availableParallelism(), Math.ceil(runs / runsPerThread));
}

/**
 * Runs a plan on all cores. What comes out is the same whatever the number of threads.
 * @param candles strictly ascending
 * @returns the figures by window, and in it by set
 * @throws what the first run that fails throws
 */
export async function runTrials(candles: readonly Candle[], plan: TrialPlan, options: TrialOptions = {}): Promise<Metrics[][]> {
  const count = trialCount(plan);
  const { threads = threadsFor(count), onProgress = () => undefined } = options;
  const figures = new Array<Metrics>(count);
  if (threads === 0) {
    for (let number = 0; number < count; number++) {
      figures[number] = runTrial(candles, plan, number);
      onProgress(number + 1, count);
      await letOthersWork();
    }
  } else {
    let done = 0;
    const task: WorkerTask = { candles: shareCandles(candles), plan, next: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
    await onThreads(threads, task, (answer) => {
      for (const [number, found] of answer) figures[number] = found;
      done += answer.length;
      onProgress(done, count);
    });
  }
  return plan.windows.map((_, window) => figures.slice(window * plan.sets.length, (window + 1) * plan.sets.length));
}

/** Ends when all threads have ended, or, with its error, when the first one fails. */
async function onThreads(threads: number, workerData: WorkerTask, take: (answer: WorkerAnswer) => void): Promise<void> {
  const workers = Array.from({ length: threads }, () => new Worker(path.join(__dirname, "worker.mjs"), { workerData, execArgv: [] }));
  const ends = workers.map(
    (worker) =>
      new Promise<void>((resolve, reject) => {
        worker.on("message", take);
        worker.on("error", reject);
        worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a worker thread ended with exit code ${code}`))));
      }),
  );
  try {
    await Promise.all(ends);
  } finally {
    await Promise.allSettled(workers.map((worker) => worker.terminate()));
    await Promise.allSettled(ends);
  }
}
