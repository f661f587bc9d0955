import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { connectionOptions, type DatabaseSettings } from "../shared/database";
import type { Logger } from "../shared/log";

/**
 * A database session that holds the bot's advisory lock. Decisions are written through it: once the lock is lost,
 * writing fails as well, and no second instance can write beside this one.
 */
export interface LockSession {
  /** Aborted as soon as the session, and with it the lock, is gone. */
  readonly lost: AbortSignal;
  query<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]>;
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
/** A connection that the network swallowed is noticed by a question that is not answered. */
const heartbeatMilliseconds = 2000;
const answerMilliseconds = 5000;

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
    const client = new pg.Client({
      ...connectionOptions(database, `bot-${bot}-lock`),
      query_timeout: answerMilliseconds,
    });
    const lost = new AbortController();
    const lose = (reason: string): void => lost.abort(new Error(reason));
    client.on("error", (error) => lose(error.message));
    client.on("end", () => lose("the connection ended"));
    try {
      await client.connect();
      while (!(await tryLock(client, bot))) {
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

async function tryLock(client: pg.Client, bot: string): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    "SELECT pg_try_advisory_lock(hashtext('trading.bot'), hashtext($1)) AS held",
    [bot],
  );
  return rows[0]!.held;
}

function hold(client: pg.Client, lost: AbortController, log: Logger): LockSession {
  const end = async (reason: string): Promise<void> => {
    clearInterval(heartbeat);
    lost.abort(new Error(reason));
    // A dead connection does not answer the goodbye: it is cut off, and the server frees the lock.
    const cut = setTimeout(() => (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(), 1000);
    await client.end().catch(() => undefined);
    clearTimeout(cut);
  };
  const heartbeat = setInterval(() => {
    client.query("SELECT 1").catch((error: Error) => {
      if (lost.signal.aborted) return;
      log.warn({ error: error.message }, "the lock's connection does not answer");
      void end("the connection does not answer");
    });
  }, heartbeatMilliseconds);
  lost.signal.addEventListener("abort", () => clearInterval(heartbeat), { once: true });
  return {
    lost: lost.signal,
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[]) => {
      lost.signal.throwIfAborted();
      return (await client.query<Row>(text, values)).rows;
    },
    close: (reason = "given back") => end(reason),
  };
}
