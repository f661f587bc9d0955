import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import type { BackupContext } from "./context";
import { withClient } from "./database/connection";
import { takeArtifacts } from "./files/artifacts";
import { takeClone } from "./files/clone";

export interface FilesPart {
  readonly artifacts: NonNullable<RecoveryPoint["artifacts"]>;
  readonly clone: NonNullable<RecoveryPoint["clone"]>;
  /** Bytes that both added to what is stored. */
  readonly storedBytes: number;
}

/**
 * MLflow's artifacts and the clone, which belong to a recovery point and to a dump alike; to be taken after the database.
 *
 * @param id of the point or dump
 * @throws when files are missing that MLflow's database refers to: what has holes is no good backup. What a restore has
 *   noted as lost is no new hole: it is named in the manifest and in the log
 */
export async function takeFiles(context: BackupContext, id: string): Promise<FilesPart> {
  context.step("taking MLflow's artifacts");
  const { storedBytes: ofArtifacts, unexplained, ...artifacts } = await withClient({ sockets: context.paths.sockets, database: "mlflow" }, (mlflow) => takeArtifacts(context, id, mlflow));
  if (unexplained.length > 0) {
    throw new Error(`${unexplained.length} artifacts that MLflow's database refers to are not in its volume: ${some(unexplained)}. Bring them back from an earlier point (npx trading restore --only mlflow), or delete what refers to them in MLflow`);
  }
  const { missing } = artifacts.references;
  if (missing.length > 0) context.log.warn({ point: id, missing: missing.slice(0, 20) }, `${missing.length} artifacts were lost before a restore, and are in no backup: ${some(missing)}`);
  context.step("taking the clone");
  const { storedBytes: ofClone, ...clone } = await takeClone(context, id);
  return { artifacts, clone, storedBytes: ofArtifacts + ofClone };
}

function some(texts: readonly string[]): string {
  return `${texts.slice(0, 3).join("; ")}${texts.length > 3 ? " and more" : ""}`;
}
