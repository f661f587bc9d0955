import { sql } from "kysely";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import { readAccount } from "../shared/accountRecord";
import { differencesOf, mismatchesOf } from "./books";
import type { BrokerLock } from "./BrokerLock";
import type { BrokerMetrics } from "./metrics";
import { readBooks, type Books } from "./reconcileQuery";
import type { Venue } from "./venue";

const intervalMilliseconds = 60_000;
const mismatchLength = 1000;

/**
 * Counts what every bot intended, sent and got against each other, and against what the venue holds: when it has the
 * broker's lock, every minute, and before a bot's first entry. One bot after the other; one that cannot be counted stands in nobody's way.
 */
export class Reconciliation {
  /** What does not fit together, by bot; null when all does. */
  private readonly mismatches = new Map<string, string | null>();
  private readonly running = new Map<string, Promise<void>>();
  private readonly timer: NodeJS.Timeout;
  private round: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: {
      readonly bots: readonly string[];
      readonly database: Database;
      readonly venue: Venue;
      readonly metrics: BrokerMetrics;
      readonly log: Logger;
      /** Nothing is counted while another broker may be at work. */
      readonly lock: Pick<BrokerLock, "held">;
    },
  ) {
    this.timer = setInterval(() => {
      this.round = this.round.then(() => this.all());
    }, intervalMilliseconds);
  }

  /** Counts anew, now that the broker may work: what was counted before is outdated. */
  begin(): void {
    this.mismatches.clear();
    this.round = this.round.then(() => this.all());
  }

  /** Bots whose books do not fit together, and why. */
  get problems(): { readonly bot: string; readonly mismatch: string }[] {
    return [...this.mismatches].flatMap(([bot, mismatch]) => (mismatch === null ? [] : [{ bot, mismatch }]));
  }

  /**
   * What of a bot's books does not fit together, or null; counted now when it was not yet.
   * @throws what the database answers, when they cannot be counted
   */
  async mismatchOf(bot: string): Promise<string | null> {
    if (!this.mismatches.has(bot)) await this.count(bot);
    return this.mismatches.get(bot) ?? null;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.round;
  }

  private async all(): Promise<void> {
    for (const bot of this.context.lock.held ? this.context.bots : []) {
      await this.count(bot).catch((error: unknown) => {
        // The next entry counts for itself, and is not let in when it cannot.
        this.mismatches.delete(bot);
        this.context.log.warn({ bot, error: (error as Error).message }, "the books cannot be counted now");
      });
    }
  }

  /** One count at a time for a bot; who asks during one gets its answer. */
  private count(bot: string): Promise<void> {
    let count = this.running.get(bot);
    if (count === undefined) {
      count = this.countNow(bot).finally(() => this.running.delete(bot));
      this.running.set(bot, count);
    }
    return count;
  }

  private async countNow(bot: string): Promise<void> {
    const { database, venue, metrics, log } = this.context;
    const { db } = database;
    const read = await db
      .transaction()
      .setIsolationLevel("repeatable read")
      .execute(async (transaction) => {
        const books = await readBooks(transaction, bot);
        return books === undefined ? undefined : { books, record: await readAccount(transaction, bot) };
      });
    // A bot that has never registered has nothing to count, and may not trade either.
    if (read?.record === undefined) return;
    const { account } = read.record;
    const own = { openOrders: account.orders.map((order) => order.clientOrderId), quantity: account.position?.quantity ?? 0 };
    const found = [...mismatchesOf(read.books), ...differencesOf(own, await venue.standing(account))];
    const mismatch = found.length === 0 ? null : found.join("; ").slice(0, mismatchLength);
    await this.write(bot, read.books, mismatch);
    if (mismatch !== null && this.mismatches.get(bot) !== mismatch) log.error({ bot, mismatch }, "the books do not fit together: no entries");
    if (mismatch === null && (this.mismatches.get(bot) ?? null) !== null) log.info({ bot }, "the books fit together again");
    this.mismatches.set(bot, mismatch);
    metrics.mismatch.set({ bot }, mismatch === null ? 0 : 1);
    for (const what of ["intended", "sent", "rejected", "filled", "cancelled", "open"] as const) {
      metrics.books.set({ bot, what }, read.books[what]);
    }
  }

  private async write(bot: string, books: Books, mismatch: string | null): Promise<void> {
    const { intended, sent, rejected, filled, cancelled, open } = books;
    const counts = { intended, sent, rejected, filled, cancelled, open, mismatch };
    await this.context.database.db
      .insertInto("reconciliations")
      .values({ bot, ...counts })
      .onConflict((conflict) => conflict.column("bot").doUpdateSet({ ...counts, at: sql<Date>`clock_timestamp()` }))
      .execute();
  }
}
