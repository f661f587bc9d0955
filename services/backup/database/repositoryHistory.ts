import * as fs from "node:fs/promises";
import * as path from "node:path";
import { recoveryPoint, type RecoveryPoint } from "../../../domain/backup/recoveryPoint";
import { archivedFiles } from "./archiveFiles";
import { mustBeFolder, pgbackrest, repositoryInfo, STANZA } from "./pgbackrest";
import { parseOrigins, restorableRange, type RepositoryHistory, type TimelineOrigin } from "./restoreTarget";
import type { DatabaseContext } from "./types";

type Context = Pick<DatabaseContext, "paths" | "signal">;

/**
 * What a repository has of a database.
 * @param label of a backup of the database; the present one unless given
 */
export async function repositoryHistory(context: Context, repository: string, label?: string): Promise<RepositoryHistory> {
  mustBeFolder(repository, "the repository of the database's backup");
  const info = await repositoryInfo(context, repository);
  const id = info.backups.find((backup) => backup.label === label)?.archiveId ?? info.current?.archiveId;
  if (id === undefined) return { backups: [], files: [], origins: new Map() };
  const files = await archivedFiles(repository, id);
  const origins = new Map<number, TimelineOrigin[]>();
  for (const { name } of files.filter(({ kind }) => kind === "history")) {
    const file = path.posix.join("archive", STANZA, id, name);
    const { stdout } = await pgbackrest(context.paths, ["repo-get", file], { timeoutSeconds: 60, signal: context.signal, repository });
    origins.set(parseInt(name.slice(0, 8), 16), parseOrigins(stdout));
  }
  return { backups: info.backups.filter((backup) => backup.archiveId === id), files, origins };
}

/** The moments that can be restored, for people; null when there is none. */
export async function restorableLog(context: Context, repository: string): Promise<{ from: string; to: string } | null> {
  const range = restorableRange(await repositoryHistory(context, repository));
  return range && { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
}

/** The recovery points of a folder, oldest first; files that are none do not count, and a folder that is not there holds none. */
export async function readPoints(folder: string): Promise<RecoveryPoint[]> {
  const names = await fs.readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const points: RecoveryPoint[] = [];
  for (const name of names.filter((each) => each.endsWith(".json")).sort()) {
    const parsed = recoveryPoint.safeParse(parse(await fs.readFile(path.posix.join(folder, name), "utf8")));
    if (parsed.success) points.push(parsed.data);
  }
  return points;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
