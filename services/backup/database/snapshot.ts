import pg from "pg";
import type { DatabaseContent } from "../../../domain/backup/recoveryPoint";
import { connect, withClient } from "./connection";
import { contentOf, mlflowSchema, postgresVersion, qualifiedName, timescaleVersion, tradingSchema, userTables } from "./content";
import { run } from "../run";
import { standingStill } from "../standingStill";
import { yieldToOthers } from "./yielding";
import { DATABASES, type DatabaseContext, type DatabaseName, type SnapshotPart } from "./types";

/** Writers wait behind a lock that is asked for: it is given up sooner than anybody notices, and asked for again. */
const lockMilliseconds = 250;
const betweenMilliseconds = 400;
/** What a try takes. */
const momentMilliseconds = 150;
/** How long a transaction that writes may keep us from an exact moment. */
const patienceMilliseconds = 180_000;

type Clients = Readonly<Record<DatabaseName, pg.Client>>;

export interface Snapshot {
  /** A transaction in each database that sees the same moment, and can be read at leisure. */
  readonly clients: Clients;
  /** By the database's clock. */
  readonly at: string;
  close(): Promise<void>;
}

/** A transaction in each database that sees only what is committed now; nobody waits for it. */
export async function openSnapshot(context: DatabaseContext): Promise<Snapshot> {
  const clients = await connectAll(context);
  const close = () => endAll(clients);
  try {
    return { clients, at: await begin(clients), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A connection to each database. */
async function connectAll({ paths }: DatabaseContext): Promise<Clients> {
  const connecting = DATABASES.map(async (database) => [database, await connect({ sockets: paths.sockets, database })] as const);
  const settled = await Promise.allSettled(connecting);
  const clients = Object.fromEntries(settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []))) as Clients;
  const failed = settled.find((each) => each.status === "rejected");
  if (failed === undefined) return clients;
  await endAll(clients);
  throw failed.reason;
}

async function endAll(clients: Clients): Promise<void> {
  for (const client of Object.values(clients)) await client.end().catch(() => undefined);
}

/** @returns the moment, by the database's clock */
async function begin(clients: Clients): Promise<string> {
  let at = "";
  for (const database of DATABASES) {
    await clients[database].query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    // The first query takes the snapshot.
    const { rows } = await clients[database].query<{ at: string }>(`SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`);
    at = rows[0]!.at;
  }
  return at;
}

/** A moment in which nothing was being written: what the snapshot sees is exactly what the log holds up to the restore point. */
export interface ExactMoment {
  readonly snapshot: Snapshot;
  readonly lsn: string;
  /** Segment of the log that holds the restore point. */
  readonly segment: string;
}

/**
 * Marks a moment in the log and opens a snapshot of exactly that moment. All tables are locked against writing meanwhile,
 * which takes some milliseconds; where a transaction is writing, it is tried again.
 *
 * @param name of the restore point
 * @throws when a transaction went on writing all the time, naming it
 */
export async function markMoment(context: DatabaseContext, name: string, patience = patienceMilliseconds): Promise<ExactMoment> {
  const deadline = Date.now() + patience;
  for (;;) {
    context.signal.throwIfAborted();
    await standingStill.free(momentMilliseconds);
    const moment = await tryMoment(context, name);
    if (moment) return moment;
    if (Date.now() > deadline) throw new Error(`a transaction kept writing for ${patience / 1000} s, and no exact recovery point could be made: ${await writers(context)}`);
    await new Promise((resolve) => setTimeout(resolve, betweenMilliseconds));
  }
}

/** @returns undefined when somebody is writing, or made or removed a table meanwhile */
async function tryMoment(context: DatabaseContext, name: string): Promise<ExactMoment | undefined> {
  // Connected before anything is locked: it takes longer than all the rest.
  const clients = await connectAll(context);
  const close = () => endAll(clients);
  let lockers: Clients | undefined;
  try {
    lockers = await connectAll(context);
    for (const locker of Object.values(lockers)) if (!(await lockAll(locker))) return await close().then(() => undefined);
    const at = await begin(clients);
    const { rows } = await lockers.trading.query<{ lsn: string; segment: string }>("SELECT lsn::text, pg_walfile_name(lsn) AS segment FROM pg_create_restore_point($1) AS lsn", [name]);
    return { snapshot: { clients, at, close }, ...rows[0]! };
  } catch (error) {
    await close();
    throw error;
  } finally {
    if (lockers) await endAll(lockers);
  }
}

async function lockAll(client: pg.Client): Promise<boolean> {
  const undefinedTable = "42P01";
  const lockNotAvailable = "55P03";
  const cancelled = "57014";
  const deadlock = "40P01";
  const tables = (await userTables(client)).map(qualifiedName);
  await client.query("BEGIN");
  if (tables.length === 0) return true;
  try {
    await client.query(`SET LOCAL statement_timeout = ${lockMilliseconds}`);
    await client.query(`LOCK TABLE ${tables.join(", ")} IN SHARE MODE`);
    await client.query("SET LOCAL statement_timeout = 0");
  } catch (error) {
    if ([lockNotAvailable, cancelled, undefinedTable, deadlock].includes(String((error as { code?: unknown }).code))) return false;
    throw error;
  }
  const now = (await userTables(client)).map(qualifiedName);
  return now.length === tables.length && now.every((table, index) => table === tables[index]);
}

/** Who is writing, for the owner. */
async function writers(context: DatabaseContext): Promise<string> {
  return withClient({ sockets: context.paths.sockets, database: "postgres" }, async (client) => {
    const { rows } = await client.query<{ who: string }>(
      `SELECT DISTINCT format('%s of %s in %s (process %s, since %s)', coalesce(nullif(a.application_name, ''), 'a session'), a.usename, a.datname, a.pid, a.xact_start) AS who
         FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'relation' AND l.granted AND a.backend_type = 'client backend' AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
          AND a.pid <> pg_backend_pid()`,
    );
    return rows.length === 0 ? "it has ended by now" : rows.map(({ who }) => who).join("; ");
  });
}

/** Counts what a snapshot sees. */
export async function describeSnapshot(context: DatabaseContext, { clients, at }: Snapshot): Promise<SnapshotPart> {
  for (const client of Object.values(clients)) await yieldToOthers(client);
  const databases = { trading: await countWithTwo(context, clients.trading), mlflow: await contentOf(clients.mlflow, context.step) };
  const { rows } = await clients.trading.query<{ bytes: number }>("SELECT sum(pg_database_size(datname))::bigint AS bytes FROM pg_database WHERE datname = ANY ($1)", [DATABASES]);
  return {
    snapshotAt: at,
    databases,
    databaseBytes: rows[0]!.bytes,
    versions: {
      postgres: await postgresVersion(clients.trading),
      timescaledb: await timescaleVersion(clients.trading),
      mlflowSchema: await mlflowSchema(clients.mlflow),
      tradingSchema: await tradingSchema(clients.trading),
      pgbackrest: (await run("pgbackrest", ["version"], { timeoutSeconds: 30, signal: context.signal })).stdout.trim().replace(/^pgBackRest /, ""),
    },
  };
}

/** Counts the trading database, which is the large one, with two connections that see the same. */
async function countWithTwo({ paths, step }: DatabaseContext, client: pg.Client): Promise<DatabaseContent> {
  return withClient({ sockets: paths.sockets, database: "trading" }, async (second) => {
    await yieldToOthers(second);
    const { rows } = await client.query<{ snapshot: string }>("SELECT pg_export_snapshot() AS snapshot");
    await second.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await second.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(rows[0]!.snapshot)}`);
    return contentOf(client, step, [second]);
  });
}
