import type pg from "pg";

/** Seconds the guard's lease lasts; it is renewed every `renewalMilliseconds`. */
export const leaseSeconds = 15;
export const renewalMilliseconds = 5000;

/** How the guard's lease stands. */
export interface Lease {
  readonly state: "GRANTED" | "WITHHELD";
  /** Why it is not granted; "all is looked after" while it is. */
  readonly reason: string;
}

/** What the broker needs before it lets an entry out, beside the feed's own lease. It ends by itself when nobody renews it. */
export class LeaseKeeper {
  private written: Lease | undefined;
  private writtenAt = Number.NEGATIVE_INFINITY;

  /** @param clock monotonic milliseconds */
  constructor(
    private readonly pool: Pick<pg.Pool, "query">,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  get last(): Lease {
    return this.written ?? { state: "WITHHELD", reason: "the guard begins" };
  }

  /** Writes the lease when it changed, or is due. @returns whether it changed @throws when the database does not answer */
  async keep(lease: Lease): Promise<boolean> {
    const changed = this.written?.state !== lease.state || this.written.reason !== lease.reason;
    if (!changed && this.clock() - this.writtenAt < renewalMilliseconds) return false;
    await this.write(lease);
    return changed;
  }

  private async write({ state, reason }: Lease): Promise<void> {
    const granted = state === "GRANTED";
    await this.pool.query({
      name: "guard-lease",
      text: `
        INSERT INTO guard_status (state, reason, lease_until, renewals, updated_at)
        VALUES ($1::text, $2, CASE WHEN $1 = 'GRANTED' THEN clock_timestamp() + make_interval(secs => $3) END, $4, clock_timestamp())
        ON CONFLICT ("only") DO UPDATE SET state = excluded.state, reason = excluded.reason, lease_until = excluded.lease_until,
          renewals = guard_status.renewals + excluded.renewals, updated_at = excluded.updated_at`,
      values: [state, reason.slice(0, 1000), leaseSeconds, granted ? 1 : 0],
    });
    this.written = { state, reason };
    this.writtenAt = this.clock();
  }
}
