/** A lease as the database holds it at one moment. Times are epoch ms of the database's clock. */
export interface LeaseSight {
  readonly now: number;
  readonly leaseUntil: number | null;
  /** Counts renewals: another number means that its holder was alive in between. */
  readonly renewals: number;
  readonly state: string;
  readonly reason: string;
}

/** Whose lease it is, and how long it is; times are milliseconds. */
export interface LeaseTerms {
  readonly holder: "feed" | "guard";
  /** No lease is granted for longer. */
  readonly longest: number;
  /** Difference between the database's clock and our own that counts as a jump. A slow answer stays below. */
  readonly jump: number;
}

export const feedLease: LeaseTerms = { holder: "feed", longest: 90_000, jump: 30_000 };
export const guardLease: LeaseTerms = { holder: "guard", longest: 15_000, jump: 10_000 };

/** How a refusal for the want of a lease begins. */
export const withoutLease = (holder: LeaseTerms["holder"]): string => `no entry without the ${holder}'s lease`;

/**
 * Watches one lease by two clocks. The lease itself runs by the database's; a renewal that was seen is good for as long as
 * the longest lease, by this process's own monotonic clock. When the database's clock is set, its leases say nothing until
 * their holder has renewed again. Fails closed.
 */
export class LeaseWatch {
  private last: { readonly at: number; readonly now: number; readonly renewals: number } | null = null;
  /** Own time until which the holder counts as alive; null when nothing vouches for it. */
  private vouchedUntil: number | null = null;

  /** @param ownClock monotonic milliseconds */
  constructor(
    private readonly ownClock: () => number = () => performance.now(),
    private readonly terms: LeaseTerms = feedLease,
  ) {}

  /** Takes note of the lease; to be called every some seconds, so that a jump of the clock is seen. */
  look(sight: LeaseSight): void {
    const { longest, jump } = this.terms;
    const at = this.ownClock();
    const { last } = this;
    this.last = { at, now: sight.now, renewals: sight.renewals };
    if (last === null) {
      // Whether it was renewed lately cannot be known yet: a lease within its bounds was granted no longer ago than it lasts.
      if (this.problemOf(sight) === null) this.vouchedUntil = at + longest;
    } else if (Math.abs(sight.now - last.now - (at - last.at)) > jump) {
      // A renewal seen only now may be from before the jump.
      this.vouchedUntil = null;
    } else if (sight.renewals !== last.renewals) {
      this.vouchedUntil = at + longest;
    }
  }

  /** Looks, and judges. @returns why entries are not allowed now, or null */
  refusal(sight: LeaseSight): string | null {
    this.look(sight);
    const problem = this.problemOf(sight);
    if (problem !== null) return problem;
    const { holder, longest } = this.terms;
    if (this.vouchedUntil === null) return `${withoutLease(holder)}: the ${holder} has not renewed it since the database's clock was set`;
    return this.ownClock() <= this.vouchedUntil ? null : `${withoutLease(holder)}: no renewal was seen for more than ${longest / 1000} s`;
  }

  /** What is wrong with the lease by the database's own clock, or null. */
  private problemOf({ now, leaseUntil, state, reason }: LeaseSight): string | null {
    const { holder, longest } = this.terms;
    if (leaseUntil === null || leaseUntil <= now) return `${withoutLease(holder)}: the ${holder} is ${state} (${reason})`;
    return leaseUntil - now <= longest
      ? null
      : `${withoutLease(holder)}: it would run for ${Math.round((leaseUntil - now) / 1000)} s, no lease is longer than ${longest / 1000} s`;
  }
}
