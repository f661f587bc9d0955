import pg from "pg";
import { connectionOptions, isConnectionError, tradingDb, type Database, type DatabaseSettings } from "../shared/database";
import type { Logger } from "../shared/log";

/** Another livefeed writes to this database. */
export class LockTakenError extends Error {
  override readonly name = "LockTakenError";
  constructor() {
    super("another livefeed writes to this database; waiting until it is gone");
  }
}

/**
 * The one connection that writes. It is made with the feed's advisory lock or not at all, and the lock lives as long as
 * the connection: without the lock nothing can be written.
 */
export function openWriter(settings: DatabaseSettings, log: Logger): Database {
  const pool = new pg.Pool({
    ...connectionOptions(settings, "livefeed"),
    max: 1,
    idleTimeoutMillis: 0,
    onConnect: async (client) => {
      client.on("error", (error) => log.debug({ err: error }, "database connection lost"));
      const { rows } = await client.query<{ taken: boolean }>("SELECT trading.take_feed_lock() AS taken");
      if (rows[0]?.taken !== true) throw new LockTakenError();
    },
  });
  pool.on("error", (error) => log.warn({ err: error }, "idle database connection lost"));
  const db = tradingDb(pool);
  return { db, pool, close: () => db.destroy() };
}

/** Out of memory, connections or disk space; cancelled or out of turn; an error of the disk. */
const temporaryClasses = ["53", "57", "40", "58"];

/** Whether the same write may work later: the database is away, held by another feed, full or too slow. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof LockTakenError || isConnectionError(error)) return true;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && code.length === 5 && temporaryClasses.includes(code.slice(0, 2));
}
