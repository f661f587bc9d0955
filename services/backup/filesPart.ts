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
 * @throws when files are missing that MLflow's database refers to: what has holes is no good backup
 */
export async function takeFiles(context: BackupContext, id: string): Promise<FilesPart> {
  context.step("taking MLflow's artifacts");
  const { storedBytes: ofArtifacts, ...artifacts } = await withClient({ sockets: context.paths.sockets, database: "mlflow" }, (mlflow) => takeArtifacts(context, id, mlflow));
  const { missing } = artifacts.references;
  if (missing.length > 0) {
    const named = `${missing.slice(0, 3).join("; ")}${missing.length > 3 ? " and more" : ""}`;
    throw new Error(`${missing.length} artifacts that MLflow's database refers to are not in its volume: ${named}. Bring them back from an earlier point (npx trading restore --only mlflow), or delete what refers to them in MLflow`);
  }
  context.step("taking the clone");
  const { storedBytes: ofClone, ...clone } = await takeClone(context, id);
  return { artifacts, clone, storedBytes: ofArtifacts + ofClone };
}
