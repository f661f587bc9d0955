import * as fs from "node:fs/promises";
import * as path from "node:path";
import { withClient } from "../database/connection";
import type { ToolContext } from "../progress";
import { storedReferences } from "./losses";
import { artifactReferences, type ArtifactReference } from "./references";

/** Folder that the tools of one restore share, and the file in which the first of them tells the next what MLflow refers to. */
export const workFolder = "/scratch";
const fileName = "restored-artifact-references.json";

/**
 * Leaves word of the artifacts that a restored database of MLflow refers to, for the tool that restores artifacts: what was
 * stored of them may be older than the database.
 *
 * @param sockets folder of the socket of the server that the restored database is in
 */
export async function leaveReferences(sockets: string, work: string, { progress }: Pick<ToolContext, "progress">): Promise<void> {
  const file = path.join(work, fileName);
  await fs.rm(file, { force: true });
  const found = await withClient({ sockets, database: "mlflow" }, artifactReferences).catch((error: Error) => error);
  if (!(found instanceof Error)) return await fs.writeFile(file, JSON.stringify(found.references));
  // A run that nobody can make sense of must not keep a whole stack from coming back: the next recovery point names it.
  progress({ step: "verify", text: `which artifacts MLflow's database refers to is not known: ${found.message}` });
}

/** @returns null where nobody left word */
export async function restoredReferences(work: string): Promise<ArtifactReference[] | null> {
  try {
    return storedReferences.parse(JSON.parse(await fs.readFile(path.join(work, fileName), "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
