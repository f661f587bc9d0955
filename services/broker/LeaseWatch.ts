import type { FeedState } from "../shared/schema";

/** A feed's lease as the database holds it at one moment. Times are epoch ms of the database's clock. */
export interface LeaseSight {
  readonly now: number;
  readonly leaseUntil: number | null;
  /** Counts renewals: another number means that the feed was alive in between. */
  readonly renewals: number;
  readonly state: FeedState;
  readonly reason: string;
}

/** No lease is granted for longer; milliseconds. */
export const longestLease = 90_000;
/** Difference between the database's clock and our own that counts as a jump; milliseconds. A slow answer stays below. */
const jump = 30_000;

const noEntry = "no entry without the feed's lease";

/**
 * Watches one feed's lease by two clocks. The lease itself runs by the database's; a renewal that was seen is good for 90
 * s of this process's own monotonic clock. When the database's clock is set, its leases say nothing until the feed has
 * renewed again. Fails closed.
 */
export class LeaseWatch {
  private last: { readonly at: number; readonly now: number; readonly renewals: number } | null = null;
  /** Own time until which the feed counts as alive; null when nothing vouches for it. */
  private vouchedUntil: number | null = null;

  /** @param ownClock monotonic milliseconds */
  constructor(private readonly ownClock: () => number = () => performance.now()) {}

  /** Takes note of the lease; to be called every some seconds, so that a jump of the clock is seen. */
  look(sight: LeaseSight): void {
    const at = this.ownClock();
    const { last } = this;
    this.last = { at, now: sight.now, renewals: sight.renewals };
    if (last === null) {
      // Whether it was renewed lately cannot be known yet: a lease within its bounds was granted within the last 90 s.
      if (problemOf(sight) === null) this.vouchedUntil = at + longestLease;
    } else if (Math.abs(sight.now - last.now - (at - last.at)) > jump) {
      // A renewal seen only now may be from before the jump.
      this.vouchedUntil = null;
    } else if (sight.renewals !== last.renewals) {
      this.vouchedUntil = at + longestLease;
    }
  }

  /** Looks, and judges. @returns why entries are not allowed now, or null */
  refusal(sight: LeaseSight): string | null {
    this.look(sight);
    const problem = problemOf(sight);
    if (problem !== null) return problem;
    if (this.vouchedUntil === null) return `${noEntry}: the feed has not renewed it since the database's clock was set`;
    return this.ownClock() <= this.vouchedUntil ? null : `${noEntry}: no renewal was seen for more than ${longestLease / 1000} s`;
  }
}

/** What is wrong with the lease by the database's own clock, or null. */
function problemOf({ now, leaseUntil, state, reason }: LeaseSight): string | null {
  if (leaseUntil === null || leaseUntil <= now) return `${noEntry}: the feed is ${state} (${reason})`;
  return leaseUntil - now <= longestLease
    ? null
    : `${noEntry}: it would run for ${Math.round((leaseUntil - now) / 1000)} s, no lease is longer than ${longestLease / 1000} s`;
}
