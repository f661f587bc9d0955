/** How many messages a bot may send: some at once, and then so many a second. */
export interface MessageRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A bot sends one or two messages a bar; whatever sends more than this is out of order. */
export const messageRate: MessageRate = { perSecond: 20, burst: 40 };

/** Lets through as many messages as there are tokens; they come back at a steady rate. */
export class TokenBucket {
  private tokens: number;
  private filledAt: number;

  /** @param clock monotonic milliseconds */
  constructor(
    private readonly rate: MessageRate = messageRate,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.tokens = rate.burst;
    this.filledAt = clock();
  }

  /** @returns whether one more message may pass */
  take(): boolean {
    const now = this.clock();
    this.tokens = Math.min(this.rate.burst, this.tokens + ((now - this.filledAt) / 1000) * this.rate.perSecond);
    this.filledAt = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
