import { z } from "zod";
import { isMlflowError, type MlflowClient, type Pairs, type RunInfo } from "./client";

/** A configuration as a version of a registered model, to be made where there is none with the same key. */
export interface ModelVersion {
  /** Name of the registered model; no slash and no colon. */
  readonly model: string;
  /** Tags that say which version it is: there is one version for each key. */
  readonly key: Pairs;
  /** What else is known of it; the newest evaluation counts. */
  readonly tags: Pairs;
  readonly description: string;
}

/** A version that MLflow has. */
export interface KnownVersion {
  readonly model: string;
  /** A whole number from 1 on. */
  readonly version: number;
  readonly tags: Pairs;
}

const versionSchema = z
  .object({ name: z.string(), version: z.coerce.number(), tags: z.array(z.object({ key: z.string(), value: z.string().default("") })).default([]) })
  .transform(({ name, version, tags }): KnownVersion => ({ model: name, version, tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])) }));
const searchAnswer = z.object({ model_versions: z.array(versionSchema).default([]) });
const versionAnswer = z.object({ model_version: versionSchema });

/**
 * The version that has this key: found, or made of a run, and given its tags. To be called again after any failure; when
 * an earlier try, or somebody else at the same time, made one as well, the first one stays.
 * @param run whose artifacts are the version's source
 */
export async function registerVersion(client: MlflowClient, { model, key, tags, description }: ModelVersion, run: Pick<RunInfo, "runId" | "artifactUri">): Promise<KnownVersion> {
  await ensureModel(client, model);
  const known = await versionsWith(client, model, key);
  if (known.length === 0) {
    await client.call("POST", "model-versions/create", { name: model, source: run.artifactUri, run_id: run.runId, tags: listOf({ ...tags, ...key }), description });
  }
  const [first, ...twins] = known.length > 0 ? known : await versionsWith(client, model, key);
  for (const { version } of twins) await unlessGone(client.call("DELETE", "model-versions/delete", { name: model, version: String(version) }));
  const { version } = first!;
  for (const [tag, value] of Object.entries(tags)) {
    if (first!.tags[tag] !== value) await client.call("POST", "model-versions/set-tag", { name: model, version: String(version), key: tag, value });
  }
  return { model, version, tags: { ...first!.tags, ...tags } };
}

/** Versions of a model that have all these tags, the oldest first; none where there is no such model. */
export async function versionsWith(client: MlflowClient, model: string, tags: Pairs): Promise<KnownVersion[]> {
  const filter = [`name = '${model}'`, ...Object.entries(tags).map(([key, value]) => `tags."${key}" = '${value}'`)].join(" AND ");
  const answer = await client.call("GET", `model-versions/search?${new URLSearchParams({ filter, max_results: "1000" })}`);
  return searchAnswer.parse(answer).model_versions.sort((one, other) => one.version - other.version);
}

/** The version that an alias stands for; undefined when it stands for none. */
export async function aliasedVersion(client: MlflowClient, model: string, alias: string): Promise<number | undefined> {
  try {
    return versionAnswer.parse(await client.call("GET", `registered-models/alias?${new URLSearchParams({ name: model, alias })}`)).model_version.version;
  } catch (error) {
    // MLflow has one code for a model that is not there and another for an alias that is not.
    if (isMlflowError(error, "RESOURCE_DOES_NOT_EXIST") || isMlflowError(error, "INVALID_PARAMETER_VALUE")) return undefined;
    throw error;
  }
}

/** Makes an alias stand for a version, or for none. */
export async function setAlias(client: MlflowClient, model: string, alias: string, version: number | undefined): Promise<void> {
  if (version === undefined) await unlessGone(client.call("DELETE", "registered-models/alias", { name: model, alias }));
  else await client.call("POST", "registered-models/alias", { name: model, alias, version: String(version) });
}

async function ensureModel(client: MlflowClient, name: string): Promise<void> {
  try {
    await client.call("POST", "registered-models/create", { name });
  } catch (error) {
    if (!isMlflowError(error, "RESOURCE_ALREADY_EXISTS")) throw error;
  }
}

async function unlessGone(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!isMlflowError(error, "RESOURCE_DOES_NOT_EXIST")) throw error;
  });
}

function listOf(pairs: Pairs): { key: string; value: string }[] {
  return Object.entries(pairs).map(([key, value]) => ({ key, value }));
}
