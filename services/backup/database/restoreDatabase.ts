import * as fs from "node:fs/promises";
import * as path from "node:path";
import pg from "pg";
import { z } from "zod";
import { differences } from "../../../domain/backup/compareContent";
import type { DatabaseContent } from "../../../domain/backup/recoveryPoint";
import { standardPaths } from "../context";
import { leaveReferences, workFolder } from "../files/restoredReferences";
import type { ToolContext } from "../progress";
import { run } from "../run";
import { compareContents, indexCheck, structureCheck, verification, writeCheck, type Check, type Verification } from "./clusterChecks";
import { withClient } from "./connection";
import { contentOf, mlflowSchema, tradingSchema } from "./content";
import { copyDatabaseRights, missingRoles } from "./databaseRights";
import { dumpDatabase } from "./dump";
import { recoverCluster } from "./recoverCluster";
import { chooseTarget, mustRun, repositoryFolder, restoreTo } from "./restoreCluster";
import { DATABASES, type Contents, type DatabaseContext, type DatabaseName } from "./types";

const { escapeIdentifier } = pg;

export const restoreDatabaseRequest = z.strictObject({ database: z.enum(DATABASES), to: restoreTo, repository: repositoryFolder });
export type RestoreDatabaseRequest = z.infer<typeof restoreDatabaseRequest>;

export interface RestoreDatabaseResult {
  /** Name under which it is in the running server. */
  readonly restoredAs: string;
  readonly comparedWith: { readonly point: string; readonly mode: "exact" | "atLeast" } | null;
  readonly verification: Verification;
  readonly seconds: { readonly fetch: number; readonly recover: number; readonly dump: number; readonly restore: number; readonly verify: number };
  readonly content: DatabaseContent;
  /** Of the database that was restored; null of the other one. */
  readonly versions: { readonly tradingSchema: string | null; readonly mlflowSchema: string | null };
}

const sockets = "/tmp/restored";

/** Name of a database that was restored and is not used yet. */
export function restoredName(database: DatabaseName): string {
  return `${database}_restored`;
}

/**
 * Brings one database back beside the one that is used, in the running server: a temporary cluster is recovered in
 * /scratch, the database dumped from it, and the dump restored. Roles and the other database stay as they are. Begun anew
 * whenever it is run again.
 */
export async function restoreDatabase(request: RestoreDatabaseRequest, context: ToolContext, paths: DatabaseContext["paths"] = standardPaths, work = workFolder): Promise<RestoreDatabaseResult> {
  const { database, to, repository } = request;
  const { progress, signal } = context;
  const target = await chooseTarget(paths, repository, to, signal);
  await mustRun(target, signal);
  const cluster = path.posix.join(work, "17.partial");
  const file = path.posix.join(work, `${database}.dump`);
  const name = restoredName(database);
  try {
    const { server, seconds } = await recoverCluster(paths, { repository, cluster, target, sockets }, context);
    let wanted: DatabaseContent;
    let versions: RestoreDatabaseResult["versions"];
    const dumping = Date.now();
    try {
      wanted = await readContent(server.sockets, database, (text) => progress({ step: "verify", text }));
      const missing = await missingRoles({ from: server.sockets, to: paths.sockets, database });
      if (missing.length > 0) throw new Error(`${database} as it was belongs to roles that the running database does not have: ${missing.join(", ")}. Restore both databases as a whole`);
      progress({ step: "dump", text: `dumping ${database} as it was` });
      versions = await schemaOf(server.sockets, database);
      if (database === "mlflow") await leaveReferences(server.sockets, work, context);
      await dumpDatabase({ sockets: server.sockets, database, file, signal });
    } finally {
      // It is thrown away: it need not stop cleanly.
      await server.discard();
    }
    await fs.rm(cluster, { recursive: true, force: true });
    const restoring = Date.now();
    progress({ step: "restore", text: `restoring ${database} beside the one that is used` });
    await intoServer({ sockets: paths.sockets, database, name, file, signal });
    const verifying = Date.now();
    progress({ step: "verify", text: "comparing" });
    const content = await readContent(paths.sockets, name, (text) => progress({ step: "verify", text }));
    const checks = await inspect({ sockets: paths.sockets, database, name, wanted, content, compare: target.compare, signal });
    return {
      restoredAs: name,
      comparedWith: target.compare && { point: target.compare.point.id, mode: target.compare.mode },
      verification: verification(checks),
      seconds: { ...seconds, dump: (restoring - dumping) / 1000, restore: (verifying - restoring) / 1000, verify: (Date.now() - verifying) / 1000 },
      content,
      versions,
    };
  } finally {
    for (const left of [cluster, file, sockets]) await fs.rm(left, { recursive: true, force: true });
  }
}

async function schemaOf(at: string, database: DatabaseName): Promise<RestoreDatabaseResult["versions"]> {
  return withClient({ sockets: at, database }, async (client) => ({
    tradingSchema: database === "trading" ? await tradingSchema(client) : null,
    mlflowSchema: database === "mlflow" ? await mlflowSchema(client) : null,
  }));
}

async function readContent(at: string, database: string, step: (text: string) => void): Promise<DatabaseContent> {
  return withClient({ sockets: at, database }, async (client) => {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return contentOf(client, step);
  });
}

/** Restores a dump as a new database of the running server; one of that name from an earlier attempt goes. */
async function intoServer({ sockets: at, database, name, file, signal }: { sockets: string; database: DatabaseName; name: string; file: string; signal: AbortSignal }): Promise<void> {
  await withClient({ sockets: at, database: "postgres" }, async (client) => {
    const found = await client.query<{ owner: string }>("SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1", [database]);
    const owner = found.rows[0]?.owner;
    if (owner === undefined) throw new Error(`the running server has no database ${database} whose place it could take`);
    await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)} OWNER ${escapeIdentifier(owner)} TEMPLATE template0`);
    // Nobody may come in before it is the one that is used.
    await client.query(`REVOKE ALL ON DATABASE ${escapeIdentifier(name)} FROM PUBLIC`);
  });
  const timescale = await hasTimescale(file, signal);
  // Between the two calls the extension lets its own tables be restored, and its jobs rest.
  if (timescale) await statements(at, name, ["CREATE EXTENSION timescaledb WITH SCHEMA public", "SELECT public.timescaledb_pre_restore()"]);
  await run("pg_restore", [`--host=${at}`, "--username=postgres", `--dbname=${name}`, "--exit-on-error", file], { timeoutSeconds: 4 * 3600, signal });
  if (timescale) await statements(at, name, ["SELECT public.timescaledb_post_restore()"]);
  await statements(at, name, ["ANALYZE"]);
}

async function hasTimescale(file: string, signal: AbortSignal): Promise<boolean> {
  const { stdout } = await run("pg_restore", ["--list", file], { timeoutSeconds: 300, signal });
  return / EXTENSION - timescaledb\b/.test(stdout);
}

/** Each in a session that ends: the extension's setting reaches only sessions that begin after it. */
async function statements(at: string, database: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) await withClient({ sockets: at, database }, (client) => client.query(text));
}

interface Inspected {
  readonly sockets: string;
  readonly database: DatabaseName;
  readonly name: string;
  readonly wanted: DatabaseContent;
  readonly content: DatabaseContent;
  readonly compare: Parameters<typeof compareContents>[0];
  readonly signal: AbortSignal;
}

async function inspect({ sockets: at, database, name, wanted, content, compare, signal }: Inspected): Promise<Check[]> {
  const found = { trading: content, mlflow: content } satisfies Contents;
  const wrong = differences(wanted, content, "exact");
  await copyDatabaseRights(at, { from: database, to: name });
  return [
    compareContents(compare, found, [database]),
    { name: "restored from the dump", passed: wrong.length === 0, detail: wrong.length === 0 ? "the same as in the cluster it was dumped from" : wrong.slice(0, 8).join("; ") },
    ...structureCheck(found, [database]),
    await indexCheck(at, name, signal),
    await writeCheck(at, name),
  ];
}
