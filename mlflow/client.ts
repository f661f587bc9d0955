import { z } from "zod";
import { deadline } from "../domain/deadline";

/** Name and value, as MLflow lists them. */
export type Pairs = Readonly<Record<string, string>>;

export interface Metric {
  readonly key: string;
  readonly value: number;
  /** Epoch ms; with step and value what makes a point one and the same when it is sent again. */
  readonly timestamp: number;
  readonly step: number;
}

export type RunStatus = "FINISHED" | "FAILED" | "KILLED";

/** A run as MLflow knows it. */
export interface RunInfo {
  readonly runId: string;
  /** Where its artifacts are, for {@link MlflowClient.putArtifact}. */
  readonly artifactUri: string;
  /** RUNNING until its end is told. */
  readonly status: RunStatus | "RUNNING" | "SCHEDULED";
  /** Somebody deleted it in MLflow. */
  readonly deleted: boolean;
}

/** MLflow answered with an error; `code` is its own name for it. */
export class MlflowError extends Error {
  override readonly name = "MlflowError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(`MLflow: ${status} ${code}: ${message}`);
  }

  /** MLflow understood, and will not take this request however often it is sent. */
  get isRefusal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
}

export interface MlflowOptions {
  /** Wall milliseconds for one call; 5000 unless given. */
  readonly requestMilliseconds?: number;
  /** Wall milliseconds for one artifact; 60,000 unless given. */
  readonly uploadMilliseconds?: number;
  /** Ends every call. */
  readonly signal?: AbortSignal;
}

const experimentAnswer = z.object({ experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string() }) });
const createdExperiment = z.object({ experiment_id: z.string() });
const runSchema = z
  .object({ info: z.object({ run_id: z.string(), artifact_uri: z.string(), status: z.enum(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]), lifecycle_stage: z.string() }) })
  .transform(({ info }): RunInfo => ({ runId: info.run_id, artifactUri: info.artifact_uri, status: info.status, deleted: info.lifecycle_stage === "deleted" }));
const runAnswer = z.object({ run: runSchema });
const searchAnswer = z.object({ runs: z.array(runSchema).default([]) });

/**
 * Header of every call: MLflow's server closes a connection on which it heard nothing for 5 s, and a process that was busy
 * or asleep meanwhile sends its next call on it before it learns of that.
 */
export const ownConnection = { connection: "close" } as const;

type Call = RequestInit & { readonly headers: Pairs };

const artifactScheme = /^mlflow-artifacts:\/+/;
/** What MLflow takes in one batch (1000 entities, 1 MB), with room to spare. */
const batchMetrics = 900;

/** The few calls of MLflow's REST API (2.0) that record a run. Every call fails when MLflow does not answer in time. */
export class MlflowClient {
  constructor(
    private readonly url: string,
    private readonly options: MlflowOptions = {},
  ) {}

  /** Id of the experiment; made, or brought back, when there is none. */
  async experiment(name: string): Promise<string> {
    const found = await this.findExperiment(name);
    if (found !== undefined) return found;
    try {
      return createdExperiment.parse(await this.call("POST", "experiments/create", { name })).experiment_id;
    } catch (error) {
      // Somebody else made it at the same time.
      const made = isMlflowError(error, "RESOURCE_ALREADY_EXISTS") ? await this.findExperiment(name) : undefined;
      if (made === undefined) throw error;
      return made;
    }
  }

  /** Starts a run; `experiment` is an id, `startTime` epoch ms. */
  async createRun(run: { experiment: string; name: string; startTime: number; tags: Pairs }): Promise<RunInfo> {
    const answer = await this.call("POST", "runs/create", {
      experiment_id: run.experiment,
      run_name: run.name,
      start_time: run.startTime,
      tags: listOf(run.tags),
    });
    return runAnswer.parse(answer).run;
  }

  /** Every run of an experiment with these tags, deleted ones included, in the order of their ids. */
  async searchRuns(experiment: string, tags: Pairs): Promise<RunInfo[]> {
    const filter = Object.entries(tags).map(([key, value]) => `tags."${key}" = '${value}'`);
    const answer = await this.call("POST", "runs/search", {
      experiment_ids: [experiment],
      filter: filter.join(" AND "),
      run_view_type: "ALL",
      max_results: 100,
    });
    return searchAnswer.parse(answer).runs.sort((left, right) => (left.runId < right.runId ? -1 : 1));
  }

  /** Writes parameters and points of metrics, where what is known already is left as it is, and tags over what they were. */
  async log(runId: string, values: { params?: Pairs; metrics?: readonly Metric[]; tags?: Pairs }): Promise<void> {
    const { params = {}, metrics = [], tags } = values;
    const first = { run_id: runId, params: listOf(params), metrics: metrics.slice(0, batchMetrics), ...(tags && { tags: listOf(tags) }) };
    await this.call("POST", "runs/log-batch", first);
    for (let from = batchMetrics; from < metrics.length; from += batchMetrics) {
      await this.call("POST", "runs/log-batch", { run_id: runId, metrics: metrics.slice(from, from + batchMetrics) });
    }
  }

  async endRun(runId: string, status: RunStatus, endTime: number): Promise<void> {
    await this.call("POST", "runs/update", { run_id: runId, status, end_time: endTime });
  }

  async deleteRun(runId: string): Promise<void> {
    await this.call("POST", "runs/delete", { run_id: runId });
  }

  /**
   * Writes a file of the run through the server, piece by piece, over what is there.
   * @throws Error when the run's artifacts are kept where the server does not pass them on to
   */
  async putArtifact(run: Pick<RunInfo, "runId" | "artifactUri">, name: string, content: AsyncIterable<string>): Promise<void> {
    if (!artifactScheme.test(run.artifactUri)) throw new Error(`MLflow keeps the artifacts of run ${run.runId} at ${run.artifactUri}: only mlflow-artifacts:/ can be written`);
    const path = `${run.artifactUri.replace(artifactScheme, "")}/${name}`.split("/").map(encodeURIComponent).join("/");
    const request = { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: encoded(content), duplex: "half" };
    // Node's fetch takes pieces as they come; the types it is given with do not know it.
    await this.send(`/api/2.0/mlflow-artifacts/artifacts/${path}`, this.options.uploadMilliseconds ?? 60_000, request as unknown as Call);
  }

  private async findExperiment(name: string): Promise<string | undefined> {
    try {
      const query = new URLSearchParams({ experiment_name: name });
      const { experiment } = experimentAnswer.parse(await this.call("GET", `experiments/get-by-name?${query}`));
      if (experiment.lifecycle_stage === "deleted") {
        await this.call("POST", "experiments/restore", { experiment_id: experiment.experiment_id });
      }
      return experiment.experiment_id;
    } catch (error) {
      if (isMlflowError(error, "RESOURCE_DOES_NOT_EXIST")) return undefined;
      throw error;
    }
  }

  /**
   * One call of MLflow's REST API 2.0.
   * @param path below /api/2.0/mlflow/
   * @throws {MlflowError} for what MLflow refuses
   */
  async call(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<unknown> {
    const text = await this.send(`/api/2.0/mlflow/${path}`, this.options.requestMilliseconds ?? 5000, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return text === "" ? {} : (JSON.parse(text) as unknown);
  }

  private async send(path: string, milliseconds: number, request: Call): Promise<string> {
    const signals = [deadline(milliseconds), ...(this.options.signal === undefined ? [] : [this.options.signal])];
    const headers = { ...request.headers, ...ownConnection };
    const response = await fetch(new URL(path, this.url), { ...request, headers, redirect: "error", signal: AbortSignal.any(signals) });
    const text = await response.text();
    if (response.ok) return text;
    const { error_code, message, detail } = parseError(text);
    throw new MlflowError(response.status, error_code ?? "UNKNOWN", message ?? detail ?? text.slice(0, 200));
  }
}

/** Whether MLflow answered with this code of its own. */
export function isMlflowError(error: unknown, code: string): boolean {
  return error instanceof MlflowError && error.code === code;
}

/** An error in one line; fetch says only "fetch failed", its cause says why. */
export function failureText(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return cause === undefined ? (message ?? String(error)) : `${message}: ${cause.code ?? cause.message ?? "unknown"}`;
}

async function* encoded(content: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const piece of content) if (piece !== "") yield encoder.encode(piece);
}

function listOf(pairs: Pairs): { key: string; value: string }[] {
  return Object.entries(pairs).map(([key, value]) => ({ key, value }));
}

function parseError(text: string): { error_code?: string; message?: string; detail?: string } {
  try {
    return JSON.parse(text) as { error_code?: string; message?: string; detail?: string };
  } catch {
    return {};
  }
}
