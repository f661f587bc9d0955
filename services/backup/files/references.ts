import type pg from "pg";
import { z } from "zod";
import { artifactsTag, artifactsTagSchema } from "../../../mlflow/references";

/** Something that MLflow's database says is among the artifacts. */
export interface ArtifactReference {
  /** Below the root of the artifacts, without a leading slash. */
  readonly path: string;
  /** A folder has to hold at least one file. */
  readonly kind: "file" | "folder";
  /** Whose it is, for messages. */
  readonly of: string;
  /** Null where the database does not say. */
  readonly bytes: number | null;
  readonly sha256: string | null;
}

export interface ArtifactReferences {
  readonly references: readonly ArtifactReference[];
  /** Places that are not in the volume of the artifacts: no backup of ours holds them. */
  readonly elsewhere: readonly string[];
}

interface RunRow {
  readonly run_uuid: string;
  readonly artifact_uri: string | null;
  /** Value of the tag that lists what was put. */
  readonly put: string | null;
}

interface ModelRow {
  readonly of: string;
  readonly uri: string | null;
}

/**
 * What MLflow's database (3.17, PostgreSQL) says exists. Of a run that is what its tag `trading.artifacts` lists, of a
 * model its folder; what somebody deleted in MLflow is not asked for.
 *
 * @param client connected to the database `mlflow`; its snapshot has to be taken before the files'
 */
export async function artifactReferences(client: pg.ClientBase): Promise<ArtifactReferences> {
  // Before MLflow used the database there is nothing.
  const { rows: tables } = await client.query<{ there: boolean }>("SELECT to_regclass('public.runs') IS NOT NULL AND to_regclass('public.model_versions') IS NOT NULL AS there");
  if (tables[0]?.there !== true) return { references: [], elsewhere: [] };
  const runs = await client.query<RunRow>(
    `SELECT run_uuid, artifact_uri, (SELECT value FROM public.tags WHERE tags.run_uuid = runs.run_uuid AND key = $1) AS put
       FROM public.runs WHERE lifecycle_stage = 'active' ORDER BY run_uuid`,
    [artifactsTag],
  );
  const models = await client.query<ModelRow>(
    `SELECT 'model ' || name || ' version ' || version AS of, coalesce(storage_location, source) AS uri
       FROM public.model_versions WHERE status = 'READY' AND current_stage IS DISTINCT FROM 'Deleted_Internal'
      UNION ALL
     SELECT 'logged model ' || model_id, artifact_location FROM public.logged_models WHERE lifecycle_stage = 'active' AND status = 2
      ORDER BY 1`,
  );
  return referencesOf(runs.rows, models.rows);
}

/** @throws when a run's tag is not what a run's tag has to be: nobody could tell then what is missing */
export function referencesOf(runs: readonly RunRow[], models: readonly ModelRow[]): ArtifactReferences {
  const references: ArtifactReference[] = [];
  const elsewhere = new Set<string>();
  const rootOf = new Map(runs.map(({ run_uuid, artifact_uri }) => [run_uuid, artifact_uri]));
  for (const { run_uuid, artifact_uri, put } of runs) {
    const root = artifact_uri === null ? null : artifactPath(artifact_uri);
    if (root === null) {
      if (artifact_uri !== null) elsewhere.add(artifact_uri);
      continue;
    }
    if (put === null) continue;
    const of = `run ${run_uuid}`;
    for (const [name, { bytes, sha256 }] of Object.entries(tagOf(of, put))) references.push({ path: `${root}/${name}`, kind: "file", of, bytes, sha256 });
  }
  for (const { of, uri } of models) {
    if (uri === null) continue;
    const inRun = /^runs:\/+([^/]+)\/(.+)$/.exec(uri);
    const resolved = inRun ? `${rootOf.get(inRun[1]!) ?? "runs:"}/${inRun[2]}` : uri;
    const path = artifactPath(resolved);
    if (path !== null) references.push({ path, kind: "folder", of, bytes: null, sha256: null });
    // `models:/` names a logged model, which is asked for itself; a prompt's source is no place at all.
    else if (/^[a-z0-9+.-]+:\//i.test(resolved) && !/^(models|runs):/.test(resolved)) elsewhere.add(resolved);
  }
  return { references, elsewhere: [...elsewhere].sort() };
}

function tagOf(of: string, text: string): z.infer<typeof artifactsTagSchema> {
  try {
    return artifactsTagSchema.parse(JSON.parse(text));
  } catch {
    throw new Error(`MLflow's ${of}: its tag ${artifactsTag} is not the list of artifacts that it was made as: delete the tag, or the run`);
  }
}

/**
 * Where an artifact lies below the root of the artifacts that the tracking server passes on.
 * @returns null for a place that is not there
 */
export function artifactPath(uri: string): string | null {
  const proxied = /^mlflow-artifacts:(?:\/\/[^/]+)?\/+(.+)$/.exec(uri)?.[1] ?? /^(?:file:(?:\/\/)?)?\/+artifacts\/(.+)$/.exec(uri)?.[1];
  if (proxied === undefined) return null;
  const segments = proxied.split("/").filter((segment) => segment !== "");
  return segments.length === 0 || segments.some((segment) => segment === "." || segment === "..") ? null : segments.join("/");
}

/** Something that is not there as it has to be, and how that is, in words for the owner. */
export interface Lacking {
  readonly reference: ArtifactReference;
  readonly text: string;
}

/** Looks at each file that is there, then tells what is missing. */
export class ReferenceCheck {
  private readonly files: Map<string, ArtifactReference>;
  private readonly folders: Map<string, ArtifactReference>;
  private readonly wrong: Lacking[] = [];

  constructor(references: readonly ArtifactReference[]) {
    this.files = new Map(references.filter(({ kind }) => kind === "file").map((reference) => [reference.path, reference]));
    this.folders = new Map(references.filter(({ kind }) => kind === "folder").map((reference) => [reference.path, reference]));
  }

  /** @param path below the root of the artifacts */
  see(path: string, bytes: number): void {
    const file = this.files.get(path);
    if (file) {
      this.files.delete(path);
      if (file.bytes !== null && file.bytes !== bytes) this.wrong.push({ reference: file, text: `${path} (${file.of}): ${bytes} bytes instead of ${file.bytes}` });
    }
    if (this.folders.size === 0) return;
    // A model may also be named by a single file.
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) this.folders.delete(path.slice(0, end));
  }

  /** What is not there as it has to be, sorted; empty when all is. */
  lacking(): Lacking[] {
    const gone = [...this.files.values(), ...this.folders.values()].map((reference) => ({ reference, text: `${reference.path} (${reference.of})` }));
    return [...gone, ...this.wrong].sort((one, other) => (one.text < other.text ? -1 : 1));
  }

  /** The same in words alone. */
  missing(): string[] {
    return this.lacking().map(({ text }) => text);
  }
}
