import pRetry from "p-retry";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { isConnectionError } from "../shared/database";
import { applyRoles, closeAdvisoryLocks } from "./roles";
import type { MigrateOptions } from "./settings";

const { escapeIdentifier } = pg;

export interface MigrateSummary {
  databasesCreated: string[];
  roles: string[];
  retiredRoles: string[];
  migrationsApplied: string[];
  schemaVersion: string;
}

export interface MigrateContext {
  migrationsFolder: string;
  /** Wall milliseconds to wait for a database that cannot be reached yet. */
  waitMilliseconds: number;
  /** Takes one line a person can read. */
  report: (line: string) => void;
}

/** A database whose transaction waits for a lock this long is used by something that does not belong here. */
const lockTimeoutMilliseconds = 30_000;

function clientOf(options: MigrateOptions, database: string): pg.Client {
  const client = new pg.Client({
    host: options.host,
    port: options.port,
    user: "postgres",
    password: options.superuserPassword,
    database,
    application_name: "migrate",
    connectionTimeoutMillis: 5000,
    options: `-c lock_timeout=${lockTimeoutMilliseconds} -c timezone=UTC -c client_min_messages=warning`,
  });
  // A connection that ends while idle makes the next query fail, which is reported there.
  client.on("error", () => undefined);
  return client;
}

async function connectPatiently(options: MigrateOptions, context: MigrateContext): Promise<pg.Client> {
  const deadline = Date.now() + context.waitMilliseconds;
  return pRetry(
    async () => {
      const client = clientOf(options, "postgres");
      await client.connect();
      return client;
    },
    {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 250,
      maxTimeout: 1000,
      // A wrong password does not get right by waiting.
      shouldRetry: ({ error }) =>
        Date.now() < deadline && isConnectionError(error) && !String((error as { code?: string }).code).startsWith("28"),
      onFailedAttempt: ({ error, attemptNumber }) => {
        if (attemptNumber === 1) context.report(`waiting for ${options.host}:${options.port} (${error.message})`);
      },
    },
  );
}

async function ensureDatabase(client: pg.Client, name: string, owner: string): Promise<boolean> {
  const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
  const missing = found.rowCount === 0;
  if (missing) await client.query(`CREATE DATABASE ${escapeIdentifier(name)} OWNER ${escapeIdentifier(owner)}`);
  await client.query(`REVOKE ALL ON DATABASE ${escapeIdentifier(name)} FROM PUBLIC`);
  return missing;
}

/**
 * Makes TimescaleDB, or brings it to the version of the server's package. An update has to be the first statement of
 * its session: any other would load the old version's library, which a newer image no longer has.
 */
async function ensureTimescale(options: MigrateOptions): Promise<void> {
  const client = clientOf(options, "trading");
  await client.connect();
  try {
    await client.query("ALTER EXTENSION timescaledb UPDATE");
  } catch (error) {
    const undefinedObject = "42704";
    if ((error as { code?: string }).code !== undefinedObject) throw error;
    await client.query("CREATE EXTENSION timescaledb");
  } finally {
    await client.end();
  }
}

async function migrateTrading(options: MigrateOptions, context: MigrateContext): Promise<{ applied: string[]; version: string }> {
  const client = clientOf(options, "trading");
  await client.connect();
  try {
    await client.query("CREATE SCHEMA IF NOT EXISTS trading AUTHORIZATION trading_owner");
    await closeAdvisoryLocks(client);
    await client.query("SET ROLE trading_owner");
    await client.query("SET search_path = trading, public");
    const applied = await runner({
      dbClient: client,
      dir: context.migrationsFolder,
      direction: "up",
      migrationsTable: "migrations",
      migrationsSchema: "trading",
      checkOrder: true,
      // One lock around everything is held already; this one would fail instead of wait.
      noLock: true,
      singleTransaction: true,
      log: () => undefined,
    });
    const last = await client.query<{ name: string }>("SELECT name FROM trading.migrations ORDER BY id DESC LIMIT 1");
    return { applied: applied.map((migration) => migration.name), version: last.rows[0]?.name ?? "none" };
  } finally {
    await client.end();
  }
}

/**
 * Brings databases, roles, passwords and schema to what is declared. Safe to repeat and to run twice at a time:
 * an advisory lock lets one wait for the other.
 */
export async function migrate(options: MigrateOptions, context: MigrateContext): Promise<MigrateSummary> {
  const client = await connectPatiently(options, context);
  try {
    // The wait for another migrator is no fault, so the lock timeout does not count here.
    await client.query("SET lock_timeout = 0");
    await client.query("SELECT pg_advisory_lock(hashtext('trading.migrate'))");
    await client.query(`SET lock_timeout = ${lockTimeoutMilliseconds}`);
    const retiredRoles = await applyRoles(client, options.roles);
    const databasesCreated: string[] = [];
    if (await ensureDatabase(client, "trading", "trading_owner")) databasesCreated.push("trading");
    if (await ensureDatabase(client, "mlflow", "mlflow")) databasesCreated.push("mlflow");
    await client.query("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC");
    await client.query("GRANT CONNECT ON DATABASE trading TO livefeed, broker, performance, guard, gui, trading_bot");
    await ensureTimescale(options);
    const { applied, version } = await migrateTrading(options, context);
    return {
      databasesCreated,
      roles: options.roles.map((role) => role.name),
      retiredRoles,
      migrationsApplied: applied,
      schemaVersion: version,
    };
  } finally {
    await client.end();
  }
}
