import * as fs from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";
import { pointId } from "../../../domain/backup/recoveryPoint";
import { standardPaths } from "../context";
import { leaveReferences, workFolder } from "../files/restoredReferences";
import type { ToolContext } from "../progress";
import { compareContents, indexCheck, logCheck, readContents, structureCheck, verification, writeCheck, type Check, type Verification } from "./clusterChecks";
import { withClient } from "./connection";
import { mlflowSchema, postgresVersion, timescaleVersion, tradingSchema } from "./content";
import { recoverCluster, settle } from "./recoverCluster";
import { changeSettings, recoveryLeft, withoutRecovery } from "./recoverySettings";
import type { PrivateServer } from "./privateServer";
import { readPoints, repositoryHistory } from "./repositoryHistory";
import { restoreTarget, type RestoreTarget } from "./restoreTarget";
import { DATABASES, type Contents, type DatabaseContext, type DatabaseVersions } from "./types";
import { imageVersions, versionProblem } from "./versions";

export const restoreTo = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("latest") }),
  z.strictObject({ kind: z.literal("point"), id: pointId }),
  z.strictObject({ kind: z.literal("time"), time: z.iso.datetime({ error: "allowed: a time in UTC such as 2026-11-21T12:00:00Z" }) }),
]);
export const repositoryFolder = z.enum(["/backups/pgbackrest", "/scratch/pgbackrest"]);

export const restoreClusterRequest = z.strictObject({
  repository: repositoryFolder,
  /** Folder that the cluster is made in; never the one that is used. */
  target: z.string().regex(/^\/(data|scratch)\/17\.[a-z][a-z0-9-]*$/, "allowed: /data/17.<word> or /scratch/17.<word>, for example /data/17.restored"),
  to: restoreTo,
});
export type RestoreClusterRequest = z.infer<typeof restoreClusterRequest>;

export interface RestoreClusterResult {
  readonly restored: {
    /** The new timeline that begins with the restore. */
    readonly timeline: number;
    readonly lsn: string;
    /** Time of the last transaction that was read from the log, ISO; null when the log had none. */
    readonly lastTransaction: string | null;
    /** Backup it was made of, and the recovery point it was compared with. */
    readonly backup: string;
    readonly comparedWith: { readonly point: string; readonly mode: "exact" | "atLeast" } | null;
    /** Table -> its newest time, ISO. */
    readonly newest: Readonly<Record<string, string>>;
  };
  readonly verification: Verification;
  readonly seconds: { readonly fetch: number; readonly recover: number; readonly verify: number };
  readonly content: Contents;
  readonly versions: Omit<DatabaseVersions, "pgbackrest">;
}

const sockets = "/tmp/restored";

/**
 * Makes a cluster of the repository beside the one that is used, recovers and verifies it in a private server, and leaves it
 * stopped: it starts as it is in the database's container. Begun anew whenever it is run again.
 *
 * @param work folder that the tools of one restore share
 * @throws when it cannot be restored; nothing is left under the target's name then. A verification that failed is no error:
 * the cluster is there, and the caller decides
 */
export async function restoreCluster(request: RestoreClusterRequest, context: ToolContext, paths: DatabaseContext["paths"] = standardPaths, work = workFolder): Promise<RestoreClusterResult> {
  const { repository, target: folder, to } = request;
  const { progress, signal } = context;
  const target = await chooseTarget(paths, repository, to, signal);
  await mustRun(target, signal);

  // Under its own name it is complete; under this one it never is.
  const unfinished = `${folder}.partial`;
  for (const old of [folder, unfinished]) await fs.rm(old, { recursive: true, force: true });
  try {
    const { server, lastTransaction, seconds } = await recoverCluster(paths, { repository, cluster: unfinished, target, sockets }, context);
    const verifying = Date.now();
    const facts = await withServer(server, async () => {
      await leaveReferences(server.sockets, work, context);
      return await inspect(server, target, context);
    });
    const { checksums } = await settle(unfinished, server, context);
    await changeSettings(unfinished, withoutRecovery);
    const left = await recoveryLeft(unfinished);
    if (left !== null) throw new Error(`the restored database would recover again when it starts: ${left}`);
    const checks: Check[] = [...facts.checks, { name: "checksums", passed: true, detail: checksums }];
    await finish(unfinished, folder);
    return {
      restored: {
        ...facts.place,
        lastTransaction,
        backup: target.backup.label,
        comparedWith: target.compare && { point: target.compare.point.id, mode: target.compare.mode },
        newest: newest(facts.content),
      },
      verification: verification(checks),
      seconds: { ...seconds, verify: (Date.now() - verifying) / 1000 },
      content: facts.content,
      versions: facts.versions,
    };
  } catch (error) {
    await fs.rm(unfinished, { recursive: true, force: true });
    throw error;
  } finally {
    progress({ step: "done", text: "the private server is stopped" });
    await fs.rm(sockets, { recursive: true, force: true });
  }
}

/** What has to be restored for what was asked. @throws when it cannot be */
export async function chooseTarget(paths: DatabaseContext["paths"], repository: string, to: RestoreClusterRequest["to"], signal: AbortSignal): Promise<RestoreTarget> {
  // The catalog lies beside the repository, in the copy as in the first.
  const points = await readPoints(path.posix.join(path.posix.dirname(repository), "points"));
  // A point may be of a database that was there before the present one.
  const label = to.kind === "point" ? points.find(({ id }) => id === to.id)?.physical?.label : undefined;
  return restoreTarget(to, await repositoryHistory({ paths, signal }, repository, label), points);
}

/** @throws when this image cannot run what was backed up; before anything is made */
export async function mustRun({ backup, compare }: RestoreTarget, signal: AbortSignal): Promise<void> {
  const image = await imageVersions(signal);
  const of = compare?.point.versions ?? { postgres: backup.archiveId.split("-")[0]!, timescaledb: "none", tradingSchema: "none" };
  const problem = versionProblem(of, image);
  if (problem !== null) throw new Error(`${compare ? `the recovery point ${compare.point.id}` : `the backup ${backup.label}`} cannot be restored here: ${problem}`);
}

/** Does the work, and takes the server away when it fails. */
async function withServer<Result>(server: PrivateServer, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await server.discard();
    throw error;
  }
}

interface Facts {
  readonly place: { readonly timeline: number; readonly lsn: string };
  readonly content: Contents;
  readonly versions: Omit<DatabaseVersions, "pgbackrest">;
  readonly checks: readonly Check[];
}

async function inspect(server: PrivateServer, target: RestoreTarget, { progress, signal }: ToolContext): Promise<Facts> {
  const step = (text: string) => progress({ step: "verify", text });
  const at = { sockets: server.sockets };
  const place = await withClient({ ...at, database: "postgres" }, async (client) => {
    // Timeline and place by the log itself: the control file knows them only after a checkpoint.
    const { rows } = await client.query<{ segment: string; lsn: string }>("SELECT pg_walfile_name(pg_current_wal_lsn()) AS segment, pg_current_wal_lsn()::text AS lsn");
    return { timeline: parseInt(rows[0]!.segment.slice(0, 8), 16), lsn: rows[0]!.lsn };
  });
  const content = await readContents(server.sockets, step);
  const checks: Check[] = [compareContents(target.compare, content), logCheck(target), ...structureCheck(content)];
  for (const database of DATABASES) {
    step(`indexes of ${database}`);
    checks.push(await indexCheck(server.sockets, database, signal));
    checks.push(await writeCheck(server.sockets, database));
  }
  const versions = {
    ...(await withClient({ ...at, database: "trading" }, async (client) => ({
      postgres: await postgresVersion(client),
      timescaledb: await timescaleVersion(client),
      tradingSchema: await tradingSchema(client),
    }))),
    mlflowSchema: await withClient({ ...at, database: "mlflow" }, mlflowSchema),
  };
  return { place, content, versions, checks };
}

/** Gives the cluster its name, in a way that a power cut cannot undo by halves. */
async function finish(unfinished: string, folder: string): Promise<void> {
  await fs.rename(unfinished, folder);
  const parent = await fs.open(path.posix.dirname(folder), "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

function newest({ trading, mlflow }: Contents): Record<string, string> {
  const tables = [...trading.tables, ...mlflow.tables];
  return Object.fromEntries(tables.filter((table) => table.newest !== null).map((table) => [`${table.schema}.${table.name}`, table.newest!]));
}
