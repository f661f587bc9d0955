import { sql, type Kysely } from "kysely";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import type { TradingSchema } from "../shared/schema";
import { guardLease, LeaseWatch, type LeaseSight } from "./LeaseWatch";

/** Often enough that a renewal of the shortest lease is seen while it is young. */
const lookMilliseconds = 5000;

interface Market {
  readonly symbol: string;
  readonly interval: string;
}

/** A watch for the lease of each market and for the guard's, and a look at all of them every 5 s. */
export class LeaseLook {
  /** The guard's, where entries need it. */
  readonly guard: LeaseWatch | null;
  private readonly watches = new Map<string, LeaseWatch>();
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void>;

  constructor(private readonly context: { readonly database: Database; readonly log: Logger; readonly guard: boolean }) {
    this.guard = context.guard ? new LeaseWatch(() => performance.now(), guardLease) : null;
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
    const { db } = this.context.database;
    try {
      const { rows } = await sql<Market & LeaseSight>`
        SELECT symbol, interval, state, reason, renewals, (extract(epoch FROM lease_until) * 1000)::float8 AS lease_until,
          (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now FROM feed_status`.execute(db);
      for (const row of rows) this.of(row).look(row);
      const guard = this.guard === null ? null : await readGuardSight(db);
      if (guard !== null) this.guard?.look(guard);
    } catch (error) {
      // Without a look no lease is vouched for.
      this.context.log.warn({ error: (error as Error).message }, "the leases cannot be looked at");
    }
  }
}

/** The guard's lease, read in a statement of its own; null before a guard ever ran. A lease that is withheld is none. */
export async function readGuardSight(db: Kysely<TradingSchema>): Promise<LeaseSight | null> {
  const { rows } = await sql<LeaseSight>`
    SELECT state, reason, renewals, CASE WHEN state = 'GRANTED' THEN (extract(epoch FROM lease_until) * 1000)::float8 END AS lease_until,
      (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now FROM guard_status`.execute(db);
  return rows[0] ?? null;
}
