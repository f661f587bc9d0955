import { CamelCasePlugin, Kysely, PostgresDialect } from "kysely";
import pRetry from "p-retry";
import pg from "pg";
import { answeredSocket } from "./answeredSocket";
import type { Logger } from "./log";
import type { TradingSchema } from "./schema";

export interface DatabaseSettings {
  host: string;
  port: number;
  name: string;
  user: string;
  password: string;
}

export interface Database {
  db: Kysely<TradingSchema>;
  pool: pg.Pool;
  close(): Promise<void>;
}

/** Epoch milliseconds to what a `timestamptz` column takes. */
export function toDate(epochMilliseconds: number): Date {
  return new Date(epochMilliseconds);
}

/** What a `timestamptz` column gives to epoch milliseconds; null stays null. */
export function toEpoch(date: Date): number;
export function toEpoch(date: Date | null): number | null;
export function toEpoch(date: Date | null): number | null {
  return date === null ? null : date.getTime();
}

const numericType = 1700;
const bigintType = 20;

/**
 * Numbers are written as the shortest decimal that is the same double, and `numeric` keeps every digit:
 * what is read back is exactly what was written.
 */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((id: number, format: "text" | "binary" = "text") =>
    (id === numericType || id === bigintType) && format === "text"
      ? (text: string) => Number(text)
      : pg.types.getTypeParser(id, format as "text")) as typeof pg.types.getTypeParser,
};

/** The server ends a statement after this long; an answer that does not come much later never will. Milliseconds. */
const statementMilliseconds = 15_000;
const answerMilliseconds = 20_000;

/** Options shared by the pool and by single connections such as LISTEN and advisory locks. */
export function connectionOptions(settings: DatabaseSettings, applicationName: string): pg.ClientConfig {
  return {
    host: settings.host,
    port: settings.port,
    database: settings.name,
    user: settings.user,
    password: settings.password,
    application_name: applicationName,
    options: "-c search_path=trading,public -c timezone=UTC",
    connectionTimeoutMillis: 5000,
    statement_timeout: statementMilliseconds,
    stream: () => answeredSocket(answerMilliseconds),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  };
}

/** The trading schema on a pool: camel case names here, snake case there. */
export function tradingDb(pool: pg.Pool): Kysely<TradingSchema> {
  return new Kysely<TradingSchema>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/** A small pool and Kysely on it. Connects when first used; a lost connection is replaced at the next use. */
export function openDatabase(
  settings: DatabaseSettings,
  options: { log: Logger; applicationName: string; poolSize?: number },
): Database {
  const { log, applicationName, poolSize = 4 } = options;
  const pool = new pg.Pool({
    ...connectionOptions(settings, applicationName),
    max: poolSize,
    idleTimeoutMillis: 30_000,
  });
  // Without this listener the loss of an idle connection would end the process.
  pool.on("error", (error) => log.warn({ err: error }, "idle database connection lost"));
  // The pool listens to idle clients only: the loss of one in use would end the process; its query fails and says so.
  pool.on("connect", (client) => client.on("error", (error) => log.debug({ err: error }, "database connection lost in use")));
  const db = tradingDb(pool);
  return { db, pool, close: () => db.destroy() };
}

const connectionCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  // PostgreSQL: shutting down, crashed, starting up, too many connections, database or login not there yet.
  "57P01",
  "57P02",
  "57P03",
  "53300",
  "3D000",
  "28P01",
  "28000",
]);

/** True when the database could not be reached or no session could be had, so that trying again makes sense. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && (connectionCodes.has(code) || code.startsWith("08"))) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return /connection terminated|timeout exceeded when trying to connect|not queryable/i.test(error.message);
}

/**
 * Runs an operation until the database can be reached, waiting 0.25 s at first and 5 s at most.
 * Other errors are thrown at once; an aborted signal ends the wait with its reason.
 * An operation must be safe to repeat: a lost connection does not tell whether the work was done.
 */
export function retryConnection<T>(
  name: string,
  operation: () => Promise<T>,
  options: { log: Logger; signal?: AbortSignal },
): Promise<T> {
  const { log, signal } = options;
  return pRetry(operation, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 250,
    maxTimeout: 5000,
    ...(signal === undefined ? {} : { signal }),
    shouldRetry: ({ error }) => isConnectionError(error),
    onFailedAttempt: ({ error, attemptNumber }) => {
      if (!isConnectionError(error)) return;
      log.warn({ operation: name, attempt: attemptNumber, error: error.message }, "database not reachable");
    },
  });
}
