import { z } from "zod";
import { MlflowClient, MlflowError } from "./client";

const pair = z.object({ key: z.string(), value: z.string() });
const metric = z.object({ key: z.string(), value: z.union([z.number(), z.string()]).transform(Number) });
const answer = z.object({
  runs: z
    .array(
      z.object({
        info: z.object({ run_id: z.string(), run_name: z.string().optional(), start_time: z.coerce.number() }),
        data: z.object({ metrics: z.array(metric).default([]), params: z.array(pair).default([]) }),
      }),
    )
    .default([]),
});
const experimentAnswer = z.object({ experiment: z.object({ experiment_id: z.string() }) });

/** A run with the last value of each of its metrics. */
export interface FoundRun {
  readonly runId: string;
  readonly name: string;
  /** Epoch ms. */
  readonly startTime: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly params: Readonly<Record<string, string>>;
}

/** By what a run is known: names and values without a quotation mark. */
export interface RunMarks {
  readonly tags: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
}

/**
 * The newest finished run of an experiment that carries all of these tags and parameters.
 * @param url address of MLflow
 * @returns undefined when there is no such experiment or run
 * @throws Error when MLflow does not answer, or not as it should
 */
export async function newestRun(url: string, experiment: string, { tags, params = {} }: RunMarks): Promise<FoundRun | undefined> {
  const client = new MlflowClient(url);
  const found = await client.call("GET", `experiments/get-by-name?${new URLSearchParams({ experiment_name: experiment })}`).catch((error: unknown) => {
    if (error instanceof MlflowError && error.status === 404) return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const marks = (kind: string, pairs: Readonly<Record<string, string>>) => Object.entries(pairs).map(([key, value]) => `${kind}."${key}" = '${value}'`);
  const filter = [...marks("tags", tags), ...marks("params", params), "attributes.status = 'FINISHED'"].join(" AND ");
  const body = { experiment_ids: [experimentAnswer.parse(found).experiment.experiment_id], filter, max_results: 1, order_by: ["attributes.start_time DESC"] };
  const [run] = answer.parse(await client.call("POST", "runs/search", body)).runs;
  if (run === undefined) return undefined;
  const { info, data } = run;
  return {
    ...{ runId: info.run_id, name: info.run_name ?? info.run_id, startTime: info.start_time },
    metrics: Object.fromEntries(data.metrics.map(({ key, value }) => [key, value])),
    params: Object.fromEntries(data.params.map(({ key, value }) => [key, value])),
  };
}
