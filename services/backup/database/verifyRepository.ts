import { segmentAfter } from "../../../domain/backup/walArchive";
import { archivedFiles } from "./archiveFiles";
import { mustBeFolder, pgbackrest, repositoryInfo, type RepositoryBackup } from "./pgbackrest";
import type { DatabaseContext } from "./types";

/**
 * Reads everything in the repository and compares it with its checksums.
 * @throws naming what is wrong; pgBackRest itself says it only in its text, and exits with 0
 */
export async function verifyRepository(context: DatabaseContext): Promise<void> {
  mustBeFolder(context.paths.pgbackrest, "the repository of the database's backup");
  // pgBackRest does not look whether the log that a backup needs is there.
  const { backups } = await repositoryInfo(context);
  for (const archiveId of new Set(backups.map((backup) => backup.archiveId))) {
    const files = await archivedFiles(context.paths.pgbackrest, archiveId);
    const present = new Set(files.map(({ name }) => name));
    const lacking = backups.filter((backup) => backup.archiveId === archiveId).flatMap((backup) => missingLog(backup, present).map((name) => `${name} for ${backup.label}`));
    if (lacking.length > 0) throw new Error(`the repository of the database's backup is damaged: the archive lacks ${lacking.slice(0, 5).join(", ")}`);
  }
  const { stdout, stderr } = await pgbackrest(context.paths, ["verify", "--output=text", "--verbose"], { timeoutSeconds: 4 * 3600, signal: context.signal });
  const problem = verifyProblem(stdout);
  if (problem !== null) throw new Error(`the repository of the database's backup is damaged: ${problem}${stderr.trim() === "" ? "" : `; ${stderr.trim().split("\n").slice(0, 5).join("; ")}`}`);
}

/** Segments that a backup needs to be of any use, and that are not there. */
export function missingLog({ start, stop }: Pick<RepositoryBackup, "start" | "stop">, present: ReadonlySet<string>): string[] {
  const missing: string[] = [];
  for (let name = start; name <= stop; name = segmentAfter(name)) if (!present.has(name)) missing.push(name);
  return missing;
}

/** What `pgbackrest verify --output=text --verbose` found wrong, or null. Anything but a clear answer is wrong. */
export function verifyProblem(text: string): string | null {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // One in progress was broken off and is no backup: the next one takes it away.
  const isGood = (line: string) => /^stanza: |^archiveId: .*total WAL checked|\bstatus: (ok$|valid\b|in-progress\b)|^missing: 0, checksum invalid: 0, size invalid: 0, other: 0$/.test(line);
  const bad = lines.filter((line) => !isGood(line));
  if (lines.includes("status: ok") && bad.length === 0) return null;
  if (lines.length === 0) return "it said nothing at all";
  return (bad.length > 0 ? bad : lines).slice(0, 10).join("; ");
}
