import * as path from "node:path";
import { failureText, MlflowClient, MlflowError, type RunInfo } from "../mlflow/client";
import { completeRun, parentTag, type RunEnd } from "../mlflow/record";
import { registerVersion, type KnownVersion } from "../mlflow/registry";
import { underLock } from "./lock";
import { keptRuns, readRun, removeHalfWritten, removeRun, type KeptRun } from "./runs";

export interface SendOptions {
  /** Address of the stack's MLflow. */
  readonly url: string;
  /** Wall milliseconds for one call, and for all of them; 3 s and 20 s unless given. */
  readonly requestMilliseconds?: number;
  readonly totalMilliseconds?: number;
  /** Wall milliseconds to wait for another command that sends; 10 s unless given. */
  readonly lockMilliseconds?: number;
}

/** A run that MLflow has, and the version that was registered of it. */
export interface SentRun extends RunInfo {
  readonly version?: KnownVersion;
}

/** What became of the runs that were kept. */
export interface Sent {
  /** Runs that MLflow has now: our id -> its run. */
  readonly sent: ReadonlyMap<string, SentRun>;
  /** How many still wait. */
  readonly waiting: number;
  /** Why not all were sent; null when all were. */
  readonly reason: string | null;
}

/**
 * Sends the runs that are kept in a folder to MLflow, the oldest first, and removes what it has taken; one command at a
 * time does so. It may be ended anywhere: a run that was sent and not removed is found in MLflow the next time.
 */
export async function sendKeptRuns(folder: string, options: SendOptions): Promise<Sent> {
  const sent = new Map<string, SentRun>();
  const { totalMilliseconds = 20_000, lockMilliseconds = 10_000, requestMilliseconds = 3000 } = options;
  let reason: string | null = null;
  const work = async (): Promise<void> => {
    removeHalfWritten(folder, Date.now());
    const signal = AbortSignal.timeout(totalMilliseconds);
    const client = new MlflowClient(options.url, { requestMilliseconds, uploadMilliseconds: totalMilliseconds, signal });
    for (const id of keptRuns(folder)) {
      try {
        const run = readRun(folder, id);
        if (run === undefined) continue;
        sent.set(id, await sendWhole(client, run));
        removeRun(folder, id);
      } catch (error) {
        reason = signal.aborted ? `MLflow took no more within ${totalMilliseconds / 1000} s` : reasonOf(error);
        // What is wrong with one run says nothing of the next; a server that does not answer does.
        if (signal.aborted || !isOfThisRun(error)) break;
      }
    }
  };
  try {
    await underLock(path.join(folder, "lock"), work, { timeoutMilliseconds: lockMilliseconds });
  } catch (error) {
    reason = (error as Error).message;
  }
  return { sent, waiting: keptRuns(folder).length, reason };
}

/** A run that somebody deleted in MLflow takes those below it with it. */
async function sendWhole(client: MlflowClient, { start, end, children = [], version }: KeptRun): Promise<SentRun> {
  const run = await completeRun(client, start, endOf(end));
  if (run.deleted) return run;
  for (const child of children) await completeRun(client, { ...child.start, tags: { ...child.start.tags, [parentTag]: run.runId } }, endOf(child.end));
  return version === undefined ? run : { ...run, version: await registerVersion(client, { ...version, tags: { ...version.tags, evaluationRun: run.runId } }, run) };
}

function endOf(end: KeptRun["end"]): RunEnd {
  const artifacts = Object.entries(end.artifacts).map(([name, text]) => ({
    name,
    content: async function* () {
      yield text;
    },
  }));
  return { ...end, artifacts };
}

/** A file that is damaged, or a run that MLflow refuses. */
function isOfThisRun(error: unknown): boolean {
  if (error instanceof MlflowError) return error.isRefusal;
  return error instanceof Error && error.message.includes("is damaged");
}

function reasonOf(error: unknown): string {
  return error instanceof MlflowError || isOfThisRun(error) ? failureText(error) : `MLflow does not answer (${failureText(error)})`;
}
