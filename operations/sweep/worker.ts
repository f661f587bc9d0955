import { parentPort, workerData } from "node:worker_threads";
import type { Metrics } from "../../domain/metrics";
import { runTrial, trialCount, type TrialPlan } from "../../domain/evaluation/trials";
import { sharedCandles } from "./sharedCandles";

/** What a worker thread is given. */
export interface WorkerTask {
  readonly candles: SharedArrayBuffer;
  readonly plan: TrialPlan;
  /** One 32-bit counter that all threads take their next run from. */
  readonly next: SharedArrayBuffer;
}

/** Runs that a thread has done, by their numbers. */
export type WorkerAnswer = readonly (readonly [number: number, figures: Metrics])[];

/** Runs are told together after so many milliseconds. */
const tellMilliseconds = 50;

function work({ candles: buffer, plan, next }: WorkerTask): void {
  const candles = sharedCandles(buffer);
  const counter = new Int32Array(next);
  const count = trialCount(plan);
  let done: [number, Metrics][] = [];
  let told = performance.now();
  for (let number = Atomics.add(counter, 0, 1); number < count; number = Atomics.add(counter, 0, 1)) {
    done.push([number, runTrial(candles, plan, number)]);
    if (performance.now() - told < tellMilliseconds) continue;
    parentPort!.postMessage(done satisfies WorkerAnswer);
    done = [];
    told = performance.now();
  }
  parentPort!.postMessage(done satisfies WorkerAnswer);
}

if (parentPort !== null) {
  try {
    work(workerData as WorkerTask);
  } catch (error) {
    // On the way to another thread errors of zod lose their message.
    throw new Error((error as Error).message);
  }
}
