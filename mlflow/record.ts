import { createHash } from "node:crypto";
import { isMlflowError, MlflowClient, type Metric, type Pairs, type RunInfo, type RunStatus } from "./client";
import { artifactsTag, type PutArtifacts } from "./references";

/** What a run is called and what it was started with. */
export interface RunStart {
  /** Our own id of the run: it carries it as a tag, by which it is found again. */
  readonly id: string;
  /** Name of the experiment; made when there is none. */
  readonly experiment: string;
  readonly name: string;
  /** Epoch ms. */
  readonly startTime: number;
  readonly tags: Pairs;
  readonly params: Pairs;
}

export interface Artifact {
  readonly name: string;
  /** The content from its beginning; asked for again at every try. */
  readonly content: () => AsyncIterable<string>;
}

/** How a run ended. */
export interface RunEnd {
  readonly status: RunStatus;
  /** Epoch ms. */
  readonly endTime: number;
  readonly metrics: readonly Metric[];
  readonly artifacts: readonly Artifact[];
}

/** Tag that holds our own id of a run. */
export const runTag = "trading.run";

/** Tag by which MLflow knows the run that another one is below. */
export const parentTag = "mlflow.parentRunId";

/** Longest value of a parameter that MLflow keeps. */
const parameterLength = 6000;

/** Settings as MLflow's parameters have them: texts, and JSON for what is no plain value. */
export function paramTexts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]));
}

/**
 * The run in MLflow that belongs to ours, with its parameters: found by its tag, or made. To be called again after any
 * failure: a run that was made without our hearing of it is found the next time.
 */
export async function openRun(client: MlflowClient, start: RunStart): Promise<RunInfo> {
  const { id, name, startTime, tags, params } = start;
  const experiment = await client.experiment(start.experiment);
  const known = await ourRuns(client, experiment, id);
  const run = known[0] ?? (await client.createRun({ experiment, name, startTime, tags: { ...tags, [runTag]: id } }));
  if (!run.deleted) {
    const short = Object.entries(params).map(([key, value]) => [key, value.slice(0, parameterLength)]);
    await client.log(run.runId, { params: Object.fromEntries(short) as Pairs });
  }
  return run;
}

/**
 * Completes a run that has ended: metrics, artifacts, status. Again safe to repeat from the beginning.
 * @returns the run that is left; not the given one when an earlier try had made another
 */
export async function completeRun(client: MlflowClient, start: RunStart, end: RunEnd): Promise<RunInfo> {
  const run = await openRun(client, start);
  // A run that somebody deleted in MLflow is not wanted there.
  if (run.deleted) return run;
  // Its end is written last: what has ended is whole, and is not sent again.
  if (run.status !== end.status) await putEnd(client, run, end);
  await removeTwins(client, start, run);
  return run;
}

async function putEnd(client: MlflowClient, run: RunInfo, end: RunEnd): Promise<void> {
  if (end.metrics.length > 0) await client.log(run.runId, { metrics: end.metrics });
  if (end.artifacts.length > 0) await client.log(run.runId, { tags: { [artifactsTag]: JSON.stringify(await putAll(client, run, end.artifacts)) } });
  await client.endRun(run.runId, end.status, end.endTime);
}

/** Writes the run's files. @returns what they were, for whoever has to know that they are all there */
async function putAll(client: MlflowClient, run: RunInfo, artifacts: readonly Artifact[]): Promise<PutArtifacts> {
  const put: PutArtifacts = {};
  for (const { name, content } of artifacts) {
    const hash = createHash("sha256");
    let bytes = 0;
    const counted = async function* () {
      for await (const piece of content()) {
        hash.update(piece);
        bytes += Buffer.byteLength(piece);
        yield piece;
      }
    };
    await client.putArtifact(run, name, counted());
    put[name] = { bytes, sha256: hash.digest("hex") };
  }
  return put;
}

/** A run that was made although the answer was lost, and was not there yet when it was looked for, goes. */
async function removeTwins(client: MlflowClient, { experiment, id }: RunStart, kept: RunInfo): Promise<void> {
  const runs = await ourRuns(client, await client.experiment(experiment), id);
  for (const twin of runs) {
    if (twin.runId === kept.runId || twin.deleted) continue;
    await client.deleteRun(twin.runId).catch((error: unknown) => {
      if (!isMlflowError(error, "RESOURCE_DOES_NOT_EXIST")) throw error;
    });
  }
}

/** Runs that carry our id, those first that nobody has deleted. */
async function ourRuns(client: MlflowClient, experiment: string, id: string): Promise<RunInfo[]> {
  const runs = await client.searchRuns(experiment, { [runTag]: id });
  return [...runs.filter((run) => !run.deleted), ...runs.filter((run) => run.deleted)];
}
