import { z } from "zod";
import { requestWords, type Inside } from "./inside";
import type { Check } from "./report";

/** Its clients call it so; what answers to another name may refuse them. */
const HOST = "mlflow:5000";
const ADDRESS = "http://127.0.0.1:5000";
const PAGE = 1000;
/** Runs whose artifacts are looked for one to download. */
const SAMPLED_RUNS = 20;

const experimentsPage = z.object({ experiments: z.array(z.object({ experiment_id: z.string() })).default([]), next_page_token: z.string().optional() });
const runsPage = z.object({ runs: z.array(z.object({ info: z.object({ run_id: z.string(), artifact_uri: z.string() }) })).default([]), next_page_token: z.string().optional() });
const filesPage = z.object({ files: z.array(z.object({ path: z.string(), is_dir: z.boolean() })).default([]) });

interface Run {
  readonly id: string;
  readonly artifactUri: string;
}

/** What MLflow's database held before MLflow was started on it. */
export interface MlflowRows {
  readonly runs: number;
  readonly experiments: number;
  /** Alembic's revision; null before MLflow ever used it. */
  readonly revision: string | null;
}

const ROWS = `
SELECT json_build_object('tables', (SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name IN ('runs', 'experiments', 'alembic_version')))`;
const COUNTS = `
SELECT json_build_object('runs', (SELECT count(*) FROM runs), 'experiments', (SELECT count(*) FROM experiments),
  'revision', (SELECT max(version_num) FROM alembic_version))`;
const rows = z.object({ runs: z.number(), experiments: z.number(), revision: z.string().nullable() });

export async function readMlflowRows(inside: Inside): Promise<MlflowRows> {
  const { tables } = z.object({ tables: z.number() }).parse(JSON.parse(await inside.query("mlflow", ROWS)));
  if (tables < 3) return { runs: 0, experiments: 0, revision: null };
  return rows.parse(JSON.parse(await inside.query("mlflow", COUNTS)));
}

/**
 * Looks at a started MLflow as its clients do: every run is there, and a run's file comes down whole.
 *
 * @param before what its database held before it was started
 * @param random numbers in [0, 1), for the choice of the file
 */
export async function mlflowChecks(inside: Inside, before: MlflowRows, random: () => number): Promise<Check[]> {
  const experiments = await experimentIds(inside);
  const runs = await runsOf(inside, experiments);
  const { revision } = await readMlflowRows(inside);
  return [
    {
      part: "mlflow",
      name: "its API shows every run of the database",
      // An empty database gets its default experiment from MLflow itself.
      passed: runs.length === before.runs && experiments.length >= before.experiments,
      detail: `${runs.length} of ${before.runs} runs in ${experiments.length} experiments`,
    },
    {
      part: "mlflow",
      name: "its image left the database's schema as it was",
      passed: before.revision === null || revision === before.revision,
      detail: before.revision === null ? "it had none yet" : revision === before.revision ? `revision ${revision}` : `revision ${before.revision} became ${revision}: the image that the backup names is not on this Engine`,
    },
    await artifactCheck(inside, runs, random),
  ];
}

async function artifactCheck(inside: Inside, runs: readonly Run[], random: () => number): Promise<Check> {
  const name = "a file of a run comes down through its API as it was stored";
  const found = await anyFile(inside, runs, random);
  if (found === undefined) return { part: "mlflow", name, passed: true, detail: runs.length === 0 ? "there is no run" : "no run that was looked at has a file" };
  const { run, file } = found;
  const address = `${ADDRESS}/get-artifact?${new URLSearchParams({ path: file, run_uuid: run.id })}`;
  const [served, stored] = await Promise.all([
    // The pipe's own exit code would be that of its last program.
    inside.run("mlflow", ["sh", "-c", 'set -eu; file=$(mktemp); trap "rm -f $file" EXIT; curl --silent --show-error --fail --max-time 120 --header "Host: $1" --output "$file" "$2"; sha256sum < "$file"', "sh", HOST, address]),
    inside.run("mlflow", ["sha256sum", `/artifacts/${run.artifactUri.replace(/^mlflow-artifacts:\/+/, "")}/${file}`]),
  ]);
  const [digest, expected] = [served, stored].map((text) => text.split(/\s/)[0]!);
  return { part: "mlflow", name, passed: digest === expected, detail: `${file} of run ${run.id}: SHA-256 ${digest!.slice(0, 16)}…${digest === expected ? "" : `, but ${expected!.slice(0, 16)}… is stored`}` };
}

async function anyFile(inside: Inside, runs: readonly Run[], random: () => number): Promise<{ run: Run; file: string } | undefined> {
  const left = runs.filter(({ artifactUri }) => artifactUri.startsWith("mlflow-artifacts:"));
  for (let look = 0; look < SAMPLED_RUNS && left.length > 0; look++) {
    const [run] = left.splice(Math.floor(random() * left.length), 1);
    const file = await fileBelow(inside, run!, "", random);
    if (file !== undefined) return { run: run!, file };
  }
  return undefined;
}

async function fileBelow(inside: Inside, run: Run, folder: string, random: () => number): Promise<string | undefined> {
  const query = new URLSearchParams({ run_id: run.id, ...(folder === "" ? {} : { path: folder }) });
  const { files } = filesPage.parse(await ask(inside, `/api/2.0/mlflow/artifacts/list?${query}`));
  const plain = files.filter((entry) => !entry.is_dir);
  if (plain.length > 0) return plain[Math.floor(random() * plain.length)]!.path;
  for (const { path } of files) {
    const found = await fileBelow(inside, run, path, random);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function experimentIds(inside: Inside): Promise<string[]> {
  const ids: string[] = [];
  for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
    const page = experimentsPage.parse(await ask(inside, "/api/2.0/mlflow/experiments/search", { max_results: PAGE, view_type: "ALL", ...(token === undefined ? {} : { page_token: token }) }));
    ids.push(...page.experiments.map((experiment) => experiment.experiment_id));
    token = page.next_page_token || undefined;
  }
  return ids;
}

async function runsOf(inside: Inside, experiments: readonly string[]): Promise<Run[]> {
  const runs: Run[] = [];
  if (experiments.length === 0) return runs;
  for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
    const page = runsPage.parse(
      await ask(inside, "/api/2.0/mlflow/runs/search", { experiment_ids: experiments, run_view_type: "ALL", max_results: PAGE, ...(token === undefined ? {} : { page_token: token }) }),
    );
    runs.push(...page.runs.map(({ info }) => ({ id: info.run_id, artifactUri: info.artifact_uri })));
    token = page.next_page_token || undefined;
  }
  return runs;
}

async function ask(inside: Inside, path: string, body?: object): Promise<unknown> {
  return JSON.parse(await inside.run("mlflow", requestWords(`${ADDRESS}${path}`, { host: HOST, ...(body === undefined ? {} : { body }) })));
}
