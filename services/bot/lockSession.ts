import { setTimeout as delay } from "node:timers/promises";
import type { Kysely } from "kysely";
import pg from "pg";
import { connectionOptions, tradingDb, type DatabaseSettings } from "../shared/database";
import type { Logger } from "../shared/log";
import type { TradingSchema } from "../shared/schema";

/**
 * A database session that holds the bot's advisory lock. The bot listens, reads and writes its decisions through it:
 * once the lock is lost, writing fails as well, and no second instance can write beside this one.
 */
export interface LockSession {
  /** Aborted as soon as the session, and with it the lock, is gone. */
  readonly lost: AbortSignal;
  /** Queries on the session's own connection, one after the other. */
  readonly db: Kysely<TradingSchema>;
  /** Calls back at every notification of a channel, with its payload. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  /** Gives the lock back. */
  close(reason?: string): Promise<void>;
}

export interface LockOptions {
  readonly database: DatabaseSettings;
  readonly bot: string;
  readonly log: Logger;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Told what the bot waits for, for people. */
  readonly onWaiting: (reason: string) => void;
}

const retryMilliseconds = 1000;
/** A query that is not answered for so long means that the network swallowed the connection. */
const answerMilliseconds = 5000;
const goodbyeMilliseconds = 1000;

/**
 * Waits until the bot's lock is had.
 * @throws the signal's reason when it is aborted
 */
export async function acquireLock(options: LockOptions): Promise<LockSession> {
  const { database, bot, log, signal, onWaiting } = options;
  let said = "";
  const wait = async (reason: string): Promise<void> => {
    onWaiting(reason);
    if (reason !== said) log.warn({ reason }, "waiting for the bot's lock");
    said = reason;
    await delay(retryMilliseconds, undefined, { signal });
  };
  for (;;) {
    signal.throwIfAborted();
    const client = new pg.Client({ ...connectionOptions(database, `bot-${bot}`), query_timeout: answerMilliseconds });
    const lost = new AbortController();
    const lose = (reason: string): void => lost.abort(new Error(reason));
    client.on("error", (error) => lose(error.message));
    client.on("end", () => lose("the connection ended"));
    try {
      await client.connect();
      while (!(await takeLock(client))) {
        await wait("another instance of this bot holds its lock");
      }
      return hold(client, lost, log);
    } catch (error) {
      client.end().catch(() => undefined);
      signal.throwIfAborted();
      await wait(`the database is not reachable: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** The database knows by its role which bot asks: nobody can take another one's lock. */
async function takeLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>("SELECT trading.take_bot_lock() AS held");
  return rows[0]!.held;
}

function hold(client: pg.Client, lost: AbortController, log: Logger): LockSession {
  const end = async (reason: string): Promise<void> => {
    lost.abort(new Error(reason));
    // A dead connection does not answer the goodbye: it is cut off, and the server frees the lock.
    const cut = setTimeout(
      () => (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(),
      goodbyeMilliseconds,
    );
    await client.end().catch(() => undefined);
    clearTimeout(cut);
  };
  const query = async (text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
    lost.signal.throwIfAborted();
    try {
      return await client.query(text, [...values]);
    } catch (error) {
      if (/query read timeout/i.test((error as Error).message) && !lost.signal.aborted) {
        log.warn("the lock's connection does not answer");
        void end("the connection does not answer");
      }
      throw error;
    }
  };
  const connection = { query, release: () => undefined };
  const pool = { connect: async () => connection, end: async () => undefined } as unknown as pg.Pool;
  return {
    lost: lost.signal,
    db: tradingDb(pool),
    listen: async (channel, heard) => {
      client.on("notification", (notification) => {
        if (notification.channel === channel) heard(notification.payload ?? "");
      });
      await query(`LISTEN ${pg.escapeIdentifier(channel)}`, []);
    },
    close: (reason = "given back") => end(reason),
  };
}
