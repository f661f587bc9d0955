import * as fs from "node:fs/promises";
import * as path from "node:path";
import type pg from "pg";
import type { BackupContext } from "../context";
import { demandMounted } from "../mounts";
import { isLost, readLosses } from "./losses";
import { artifactReferences, ReferenceCheck, type ArtifactReference, type ArtifactReferences } from "./references";
import { workOnFirst } from "./repositories";
import { ResticFailure, type Repository } from "./restic";
import { countFiles, eachFile, isWhole, takeSnapshot, type Taken } from "./snapshots";

/** The artifacts of a recovery point, as its manifest has them, and what they added. */
export interface ArtifactsPart extends Taken {
  readonly references: { readonly checked: number; readonly missing: string[] };
  /** Of the missing those that no restore has noted as lost: they may not be missing. */
  readonly unexplained: readonly string[];
}

/** A file in the snapshot that says what has to be in it, so that a restore can hold it against what it brought back. What was lost before has not. */
export const referencesFile = "artifact-references.json";

/** What a restore leaves in the volume while it is not done; it is nobody's artifact. */
export const unfinishedNames = [".restored-", ".before-", ".swap-"] as const;

export function isUnfinished(name: string): boolean {
  return unfinishedNames.some((start) => name.startsWith(start));
}

/**
 * Takes MLflow's artifacts of a recovery point. To be called after the database's snapshot and under the mutex: MLflow
 * writes artifacts before it says that a run is complete, so all that the database refers to is there by now.
 *
 * @param mlflow connected to MLflow's database: what it says exists by now is more than what it said in its snapshot
 * @returns with `unexplained` not empty the point is not a good one
 */
export function takeArtifacts(context: BackupContext, id: string, mlflow: pg.ClientBase): Promise<ArtifactsPart> {
  return storeArtifacts(context, id, () => artifactReferences(mlflow));
}

/** @param look what has to be there; asked for again where it was not */
export async function storeArtifacts(context: BackupContext, id: string, look: () => Promise<ArtifactReferences>): Promise<ArtifactsPart> {
  await demandMounted("MLflow's artifacts", context.paths.artifacts);
  const repository = await workOnFirst(context);
  const { references, elsewhere } = await look();
  if (elsewhere.length > 0) context.log.warn({ point: id, places: elsewhere.slice(0, 20) }, "MLflow refers to artifacts that are not in its volume: no backup of ours holds them");
  context.step("MLflow's artifacts are stored");
  const first = await attempt(context, repository, id, references).catch((error: unknown) => {
    if (error instanceof ResticFailure && error.reason === "incomplete") return error.message;
    throw error;
  });
  if (typeof first !== "string" && first.unexplained.length === 0) return first;
  // A file may just have been written anew, or removed with its run: what is still so on a second look is so.
  context.log.warn({ point: id, problem: typeof first === "string" ? first : first.unexplained }, "the artifacts are stored once more");
  return attempt(context, repository, id, (await look()).references);
}

async function attempt(context: BackupContext, repository: Repository, id: string, references: readonly ArtifactReference[]): Promise<ArtifactsPart> {
  const { paths, stack, signal } = context;
  const list = path.join(paths.temporary, referencesFile);
  await fs.mkdir(paths.temporary, { recursive: true });
  const losses = await readLosses(paths.artifacts);
  const content = JSON.stringify(references.filter((reference) => !isLost(reference, losses)));
  await fs.writeFile(list, content);
  const skip = (file: string) => path.dirname(file) === paths.artifacts && isUnfinished(path.basename(file));
  const before = await countFiles(paths.artifacts, skip);
  const taken = await takeSnapshot(repository, {
    ...{ host: `trading-${stack}`, tags: ["kind:artifacts", `point:${id}`], paths: [paths.artifacts, list], signal },
    excludes: unfinishedNames.map((start) => path.join(paths.artifacts, `${start}*`)),
  });
  const after = await countFiles(paths.artifacts, skip);
  const artifacts = { files: taken.files - 1, bytes: taken.bytes - Buffer.byteLength(content) };
  if (!isWhole(artifacts, before, after)) {
    throw new Error(`MLflow's artifacts: the snapshot holds ${artifacts.files} files of ${artifacts.bytes} bytes, and there are ${after.files} of ${after.bytes}`);
  }
  const check = new ReferenceCheck(references);
  await eachFile(repository, taken.snapshot, (file, bytes) => check.see(path.relative(paths.artifacts, file), bytes), { below: paths.artifacts, signal });
  const lacking = check.lacking();
  const unexplained = lacking.filter(({ reference }) => !isLost(reference, losses)).map(({ text }) => text);
  return { ...taken, ...artifacts, references: { checked: references.length, missing: lacking.map(({ text }) => text) }, unexplained };
}
