import { statSync } from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { run, type Outcome, type RunOptions } from "../run";
import type { DatabaseContext } from "./types";

/** The name of the database in the repository. */
export const STANZA = "trading";

export interface PgbackrestOptions extends RunOptions {
  /** Folder of the repository; the one of the context unless given. */
  readonly repository?: string;
}

/**
 * Runs pgBackRest. Its answer goes to standard output, its complaints to the error output.
 *
 * @param paths where the repository and the secrets lie
 * @param words the command and its options
 * @throws ToolFailure with what it said, whenever its exit code is not 0; some commands do badly and say 0: see who calls
 */
export function pgbackrest(paths: Pick<DatabaseContext["paths"], "secrets" | "pgbackrest" | "sockets">, words: readonly string[], options: PgbackrestOptions): Promise<Outcome> {
  const { repository = paths.pgbackrest, ...rest } = options;
  const common = [`--config=${path.posix.join(paths.secrets, "pgbackrest.conf")}`, `--stanza=${STANZA}`, `--repo1-path=${repository}`];
  const [command, ...others] = words;
  return run("pgbackrest", [command!, ...common, ...others], rest);
}

const seconds = z.number();
const backup = z.object({
  label: z.string(),
  type: z.enum(["full", "diff", "incr"]),
  /** Whether pages with a wrong checksum were found; null where pages are not checked. */
  error: z.boolean().nullish(),
  prior: z.string().nullable(),
  reference: z.array(z.string()).nullish(),
  archive: z.object({ start: z.string().nullable(), stop: z.string().nullable() }),
  lsn: z.object({ start: z.string(), stop: z.string() }).optional(),
  database: z.object({ id: z.int() }),
  info: z.object({ size: z.number(), repository: z.object({ delta: z.number() }) }),
  timestamp: z.object({ start: seconds, stop: seconds }),
});
const stanza = z.object({
  name: z.string(),
  status: z.object({ code: z.int(), message: z.string() }),
  repo: z.array(z.object({ status: z.object({ message: z.string() }) })).optional(),
  db: z.array(z.object({ id: z.int(), "system-id": z.string(), version: z.string() })),
  backup: z.array(backup),
});

export interface RepositoryBackup {
  readonly label: string;
  readonly type: "full" | "diff" | "incr";
  /** Pages with a wrong checksum were found while it was made. */
  readonly damaged: boolean;
  readonly prior: string | null;
  /** Label of the full backup it builds on, its own where it is one. */
  readonly full: string;
  /** First and last segment of the log that it needs. */
  readonly start: string;
  readonly stop: string;
  readonly startLsn: string;
  readonly stopLsn: string;
  /** Epoch milliseconds, whole seconds. */
  readonly startedAt: number;
  readonly stoppedAt: number;
  /** Folder of its log below archive/trading, for example `17-1`. */
  readonly archiveId: string;
  /** Bytes of the database, and bytes that it added to the repository. */
  readonly bytes: number;
  readonly addedBytes: number;
}

export interface RepositoryInfo {
  /** False before the stanza was made. */
  readonly made: boolean;
  /** Oldest first. */
  readonly backups: readonly RepositoryBackup[];
  /** The database that the repository takes log from; null before the stanza was made. */
  readonly current: { readonly systemIdentifier: string; readonly version: string; readonly archiveId: string } | null;
}

const missingPath = 1;
const missingData = 3;
const noBackup = 2;
const ok = 0;

/** What is in the repository. @throws when it cannot be read, be it for a wrong password or a damaged file */
export async function repositoryInfo(context: Pick<DatabaseContext, "paths" | "signal">, repository?: string): Promise<RepositoryInfo> {
  const options = { timeoutSeconds: 120, signal: context.signal, ...(repository === undefined ? {} : { repository }) };
  const { stdout } = await pgbackrest(context.paths, ["info", "--output=json"], options);
  return parseInfo(stdout);
}

/** @param text what `pgbackrest info --output=json` says */
export function parseInfo(text: string): RepositoryInfo {
  // A system identifier has more digits than a number of JavaScript keeps, and an error's lines come with bare line ends.
  const readable = text.replace(/[\u0000-\u001f]+/g, " ").replace(/"system-id":\s*(\d+)/g, '"system-id":"$1"');
  const parsed = z.array(stanza).parse(JSON.parse(readable));
  const found = parsed.find(({ name }) => name === STANZA);
  if (!found || found.status.code === missingPath || found.status.code === missingData) return { made: false, backups: [], current: null };
  if (found.status.code !== ok && found.status.code !== noBackup) {
    const said = (found.repo?.[0]?.status.message ?? found.status.message).replace(/[^\x20-\x7e]+/g, " ").slice(0, 200);
    throw new Error(`the repository of the database's backup cannot be read: it was made with another key than pgbackrest.conf has, or is damaged (pgBackRest: ${said})`);
  }
  const archiveIds = new Map(found.db.map(({ id, version }) => [id, `${version}-${id}`]));
  const last = found.db.length - 1;
  const current = found.db[last];
  const labels = new Map(found.backup.map((each) => [each.label, each]));
  return {
    made: true,
    backups: found.backup
      .filter(({ archive, lsn }) => archive.start !== null && archive.stop !== null && lsn !== undefined)
      .map((each) => ({
        label: each.label,
        type: each.type,
        damaged: each.error === true,
        prior: each.prior,
        full: fullOf(each.label, labels),
        start: each.archive.start!,
        stop: each.archive.stop!,
        startLsn: each.lsn!.start,
        stopLsn: each.lsn!.stop,
        startedAt: each.timestamp.start * 1000,
        stoppedAt: each.timestamp.stop * 1000,
        archiveId: archiveIds.get(each.database.id) ?? "",
        bytes: each.info.size,
        addedBytes: each.info.repository.delta,
      })),
    current: current === undefined ? null : { systemIdentifier: current["system-id"], version: current.version, archiveId: archiveIds.get(current.id)! },
  };
}

/** The label of an incremental backup begins with that of its full one. */
function fullOf(label: string, labels: ReadonlyMap<string, unknown>): string {
  const full = label.split("_")[0]!;
  if (!labels.has(full)) throw new Error(`the backup ${label} builds on ${full}, which is not in the repository`);
  return full;
}

/** @throws when there is no repository in the folder, for example because its volume is not mounted */
export function mustBeFolder(folder: string, what: string): void {
  let isFolder = false;
  try {
    isFolder = statSync(folder).isDirectory();
  } catch {
    // Said below.
  }
  if (!isFolder) throw new Error(`${what} is missing: there is no folder ${folder}; is its volume mounted?`);
}
