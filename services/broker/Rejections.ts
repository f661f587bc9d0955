import { sql } from "kysely";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import type { BrokerMetrics } from "./metrics";

interface Count {
  readonly bot: string;
  readonly kind: string;
  count: number;
  lastReason: string;
}

const reasonLength = 200;

/**
 * Counts what is refused, however much it is: in memory and metrics at once, in the database by one statement a flush,
 * and in the log by one line a flush and kind. A broker that is killed loses the counts since the last flush.
 */
export class Rejections {
  private pending = new Map<string, Count>();
  private flushing: Promise<void> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly context: { readonly database: Database; readonly metrics: BrokerMetrics; readonly log: Logger },
    flushMilliseconds = 1000,
  ) {
    this.timer = setInterval(() => void this.flush(), flushMilliseconds);
  }

  count(bot: string, kind: string, reason: string): void {
    this.context.metrics.rejections.inc({ bot, kind });
    const key = `${bot}/${kind}`;
    const lastReason = reason.slice(0, reasonLength);
    const known = this.pending.get(key);
    if (known === undefined) {
      this.pending.set(key, { bot, kind, count: 1, lastReason });
      this.context.log.warn({ bot, kind, reason: lastReason }, "request refused");
    } else {
      known.count++;
      known.lastReason = lastReason;
    }
  }

  /** Writes what was counted since the last time; what cannot be written is kept for the next time. */
  flush(): Promise<void> {
    return (this.flushing = this.flushing.then(() => this.write()));
  }

  /** Ends the timer and writes the rest. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  private async write(): Promise<void> {
    if (this.pending.size === 0) return;
    const counts = [...this.pending.values()];
    this.pending = new Map();
    const { database, log } = this.context;
    try {
      await database.db
        .insertInto("rejections")
        .values(counts.map((count) => ({ ...count })))
        .onConflict((conflict) =>
          conflict.columns(["bot", "kind"]).doUpdateSet({
            count: sql<number>`rejections.count + excluded.count`,
            lastAt: sql<Date>`clock_timestamp()`,
            lastReason: sql<string>`excluded.last_reason`,
          }),
        )
        .execute();
    } catch (error) {
      for (const { bot, kind, count, lastReason } of counts) {
        const key = `${bot}/${kind}`;
        const newer = this.pending.get(key);
        this.pending.set(key, { bot, kind, count: count + (newer?.count ?? 0), lastReason: newer?.lastReason ?? lastReason });
      }
      log.warn({ error: (error as Error).message }, "refused requests are not counted in the database yet");
      return;
    }
    for (const { bot, kind, count } of counts) {
      if (count > 1) log.warn({ bot, kind, count }, "requests refused");
    }
  }
}
