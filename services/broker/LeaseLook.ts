import { sql } from "kysely";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import { LeaseWatch, type LeaseSight } from "./LeaseWatch";

const lookMilliseconds = 15_000;

interface Market {
  readonly symbol: string;
  readonly interval: string;
}

/** A watch for the lease of each market, and one statement every 15 s that lets all of them look. */
export class LeaseLook {
  private readonly watches = new Map<string, LeaseWatch>();
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void>;

  constructor(private readonly context: { readonly database: Database; readonly log: Logger }) {
    this.looking = this.look();
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look());
    }, lookMilliseconds);
  }

  of({ symbol, interval }: Market): LeaseWatch {
    const key = `${symbol} ${interval}`;
    let watch = this.watches.get(key);
    if (watch === undefined) this.watches.set(key, (watch = new LeaseWatch()));
    return watch;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    try {
      const { rows } = await sql<Market & LeaseSight>`
        SELECT symbol, interval, state, reason, renewals, (extract(epoch FROM lease_until) * 1000)::float8 AS lease_until,
          (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now FROM feed_status`.execute(this.context.database.db);
      for (const row of rows) this.of(row).look(row);
    } catch (error) {
      // Without a look no lease is vouched for.
      this.context.log.warn({ error: (error as Error).message }, "the feed's lease cannot be looked at");
    }
  }
}
