import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { BackupContext } from "../context";
import { hashFile } from "./dump";
import { workOnFirst } from "./repositories";
import { restic, ResticFailure } from "./restic";
import { walk } from "./snapshots";

export interface CheckedFiles {
  readonly files: number;
  readonly bytes: number;
}

/** Parts of a repository whose files are called by the SHA-256 of their content. */
const hashedParts = ["data", "index", "keys", "snapshots"] as const;

/**
 * Reads everything of the first copy. The content of every file is held against its name first: that finds a changed
 * byte also where restic could not even open the repository, and says in which file. Then restic reads all of it.
 *
 * @throws naming the files that are damaged
 */
export async function checkFiles(context: BackupContext): Promise<CheckedFiles> {
  const { paths, signal, step } = context;
  step("the first copy's files are read");
  if (!(await isFolder(paths.files))) await workOnFirst(context);
  const damaged: string[] = [];
  const total = { files: 0, bytes: 0 };
  for (const part of hashedParts) {
    for await (const file of walk(path.join(paths.files, part))) {
      signal.throwIfAborted();
      total.files += 1;
      total.bytes += file.bytes;
      const name = path.basename(file.path);
      if (/^[0-9a-f]{64}$/.test(name) && (await hashFile(file.path, signal)) !== name) damaged.push(path.relative(paths.files, file.path));
    }
  }
  if (damaged.length > 0) throw new Error(`the first copy is damaged: ${damaged.join(", ")} in ${paths.files}`);
  try {
    const repository = await workOnFirst(context);
    step("the first copy is checked by restic");
    await restic(repository, ["check", "--json", "--read-data"], { signal, onLine: () => undefined });
  } catch (error) {
    // All files but this one were found right.
    if (error instanceof ResticFailure && error.reason === "failed" && /config or key/.test(error.message)) throw new Error(`the first copy is damaged: config in ${paths.files}: ${error.message}`);
    throw error;
  }
  return total;
}

async function isFolder(folder: string): Promise<boolean> {
  return fs.stat(folder).then((stat) => stat.isDirectory(), () => false);
}
