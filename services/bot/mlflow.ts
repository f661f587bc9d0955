import { z } from "zod";

/** Name and value, as MLflow lists them. */
export type Pairs = Readonly<Record<string, string>>;

export interface Metric {
  readonly key: string;
  readonly value: number;
  /** Wall time, epoch ms. */
  readonly timestamp: number;
  readonly step: number;
}

export type RunStatus = "FINISHED" | "FAILED" | "KILLED";

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
}

const experimentAnswer = z.object({ experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string() }) });
const createdExperiment = z.object({ experiment_id: z.string() });
const runAnswer = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });
const searchAnswer = z.object({ runs: z.array(runAnswer.shape.run).default([]) });

const requestMilliseconds = 5000;

/** The few calls of MLflow's REST API (2.0) that track a bot's run. */
export class MlflowClient {
  constructor(private readonly url: string) {}

  /** Id of the experiment; made when there is none. */
  async experiment(name: string): Promise<string> {
    try {
      const query = new URLSearchParams({ experiment_name: name });
      const { experiment } = experimentAnswer.parse(await this.call("GET", `experiments/get-by-name?${query}`));
      if (experiment.lifecycle_stage === "deleted") {
        await this.call("POST", "experiments/restore", { experiment_id: experiment.experiment_id });
      }
      return experiment.experiment_id;
    } catch (error) {
      if (!(error instanceof MlflowError && error.code === "RESOURCE_DOES_NOT_EXIST")) throw error;
      return createdExperiment.parse(await this.call("POST", "experiments/create", { name })).experiment_id;
    }
  }

  /** Starts a run; @returns its id */
  async createRun(run: { experiment: string; name: string; startTime: number; tags: Pairs }): Promise<string> {
    const answer = await this.call("POST", "runs/create", {
      experiment_id: run.experiment,
      run_name: run.name,
      start_time: run.startTime,
      tags: listOf(run.tags),
    });
    return runAnswer.parse(answer).run.info.run_id;
  }

  /** Runs with all these tags that nobody has ended. */
  async openRuns(experiment: string, tags: Pairs): Promise<string[]> {
    const filter = ["attributes.status = 'RUNNING'", ...Object.entries(tags).map(([key, value]) => `tags."${key}" = '${value}'`)];
    const answer = await this.call("POST", "runs/search", {
      experiment_ids: [experiment],
      filter: filter.join(" AND "),
      max_results: 100,
    });
    return searchAnswer.parse(answer).runs.map((run) => run.info.run_id);
  }

  async log(runId: string, values: { params?: Pairs; metrics?: readonly Metric[] }): Promise<void> {
    const { params = {}, metrics = [] } = values;
    await this.call("POST", "runs/log-batch", { run_id: runId, params: listOf(params), metrics });
  }

  async endRun(runId: string, status: RunStatus, endTime: number): Promise<void> {
    await this.call("POST", "runs/update", { run_id: runId, status, end_time: endTime });
  }

  private async call(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(new URL(`/api/2.0/mlflow/${path}`, this.url), {
      method,
      headers: { "content-type": "application/json" },
      signal: AbortSignal.timeout(requestMilliseconds),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return text === "" ? {} : (JSON.parse(text) as unknown);
    const { error_code, message } = parseError(text);
    throw new MlflowError(response.status, error_code ?? "UNKNOWN", message ?? text.slice(0, 200));
  }
}

function listOf(pairs: Pairs): { key: string; value: string }[] {
  return Object.entries(pairs).map(([key, value]) => ({ key, value }));
}

function parseError(text: string): { error_code?: string; message?: string } {
  try {
    return JSON.parse(text) as { error_code?: string; message?: string };
  } catch {
    return {};
  }
}
