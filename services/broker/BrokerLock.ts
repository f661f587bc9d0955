import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { connectionOptions, type DatabaseSettings } from "../shared/database";
import type { Logger } from "../shared/log";

/** Another broker works in this database. */
class LockTakenError extends Error {
  override readonly name = "LockTakenError";
  constructor() {
    super("another broker works in this database; waiting until it is gone");
  }
}

/** A session that has the lock whenever it answers. */
export interface LockSession {
  /** Makes the session when there is none. @throws when it cannot be had, when another one has the lock, or no answer comes */
  ask(): Promise<void>;
  close(): Promise<void>;
}

const heldMilliseconds = 2000;
const retryMilliseconds = 500;
/** A question that is not answered for so long means that the network swallowed the connection. */
const answerMilliseconds = 5000;
/** A connection that is dead does not answer the goodbye; the lock ends with the process at the latest. */
const goodbyeMilliseconds = 500;

/**
 * The broker's advisory lock, over a connection of its own: two brokers would each hold the stack's limits against half of
 * what is going on. Asked for again and again, so that a second broker takes over when the first one is gone, and a broker
 * whose lock is lost stops at once and goes on when it has it again.
 */
export class BrokerLock {
  private waiting: string | null = "waiting for the broker's lock";
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private readonly session: LockSession;

  constructor(
    private readonly context: {
      readonly log: Logger;
      /** @param onLost to be called with the reason as soon as the session is gone */
      readonly open: (onLost: (reason: string) => void) => LockSession;
      /** Told whenever the lock was taken: what was known before may be outdated. */
      readonly onHeld: () => void;
    },
  ) {
    this.session = context.open((reason) => this.lose(reason));
  }

  /** Why there is nothing to be done now, for people; null while the lock is held. */
  get waitingFor(): string | null {
    return this.waiting;
  }

  get held(): boolean {
    return this.waiting === null;
  }

  start(): void {
    void this.look();
  }

  /** Gives the lock back. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await Promise.race([this.session.close(), delay(goodbyeMilliseconds, undefined, { ref: false })]);
  }

  private async look(): Promise<void> {
    this.timer = undefined;
    try {
      await this.session.ask();
      this.take();
    } catch (error) {
      this.lose(error instanceof LockTakenError ? error.message : `the broker's lock cannot be had: ${(error as Error).message}`);
    }
    this.lookIn(this.held ? heldMilliseconds : retryMilliseconds);
  }

  private lookIn(milliseconds: number): void {
    clearTimeout(this.timer);
    if (!this.closed) this.timer = setTimeout(() => this.start(), milliseconds);
  }

  private take(): void {
    if (this.held || this.closed) return;
    this.waiting = null;
    this.context.log.info("the broker's lock is held");
    this.context.onHeld();
  }

  private lose(reason: string): void {
    if (this.waiting === reason || this.closed) return;
    this.context.log.warn({ reason }, this.held ? "the broker's lock is lost, no more work" : "waiting for the broker's lock");
    this.waiting = reason;
    // Not while it is asked for: that ends with another look.
    if (this.timer !== undefined) this.lookIn(retryMilliseconds);
  }
}

/** The session in the database: its one connection is made with the lock or not at all. */
export function lockSession(settings: DatabaseSettings, onLost: (reason: string) => void): LockSession {
  const pool = new pg.Pool({
    ...connectionOptions(settings, "broker-lock"),
    query_timeout: answerMilliseconds,
    max: 1,
    idleTimeoutMillis: 0,
    onConnect: async (client) => {
      client.on("error", () => undefined);
      const { rows } = await client.query<{ taken: boolean }>("SELECT trading.take_broker_lock() AS taken");
      if (rows[0]?.taken !== true) throw new LockTakenError();
      client.on("end", () => onLost("the connection that holds the broker's lock is gone"));
    },
  });
  pool.on("error", () => undefined);
  return {
    ask: async () => {
      await pool.query("SELECT 1");
    },
    close: () => pool.end(),
  };
}
