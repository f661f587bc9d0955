import * as fs from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";
import type { ArtifactReference } from "./references";

/**
 * A file in the root of MLflow's artifacts: what its database refers to and a restore found nowhere. It lies with the
 * artifacts that have the hole, so that it is stored, restored and taken back together with them.
 */
export const lossesFile = ".lost-artifacts.json";

/** References as they are stored as JSON. */
export const storedReferences: z.ZodType<ArtifactReference[]> = z.array(
  z.object({ path: z.string(), kind: z.enum(["file", "folder"]), of: z.string(), bytes: z.int().nullable(), sha256: z.string().nullable() }),
);

/** @param folder root of the artifacts @returns none where no restore noted any @throws when the file is not understood: nobody could tell then what is missing */
export async function readLosses(folder: string): Promise<ArtifactReference[]> {
  const file = path.join(folder, lossesFile);
  try {
    return storedReferences.parse(JSON.parse(await fs.readFile(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Error(`${file} is not the list of lost artifacts that a restore left: ${(error as Error).message.replace(/\s+/g, " ")}`);
  }
}

/** Notes what is lost in place of what was noted before, with the folder's own owner. */
export async function writeLosses(folder: string, losses: readonly ArtifactReference[]): Promise<void> {
  const file = path.join(folder, lossesFile);
  await fs.rm(file, { force: true });
  if (losses.length === 0) return;
  await fs.writeFile(file, `${JSON.stringify(losses, null, 1)}\n`, { mode: 0o600 });
  const { uid, gid } = await fs.stat(folder);
  await fs.chown(file, uid, gid);
}

/** Whether a reference was noted as lost; one to another content of the same name was not. */
export function isLost({ path: name, bytes, sha256 }: ArtifactReference, losses: readonly ArtifactReference[]): boolean {
  return losses.some((loss) => loss.path === name && loss.bytes === bytes && loss.sha256 === sha256);
}
