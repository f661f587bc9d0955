/** Follows how far the account and the decisions are. Bars are open times, epoch ms; moments are milliseconds of a monotonic clock. */
export class Progress {
  /** The last bar with a decision; null before the first. */
  decidedBar: number | null = null;
  /** The last bar the broker worked: the one that a decision is expected on; null before the first. */
  processedBar: number | null = null;
  /** When the account last went on, or the bot began to look. */
  processedAt: number;
  /** Since when a decision is expected that is not there: since the account went on, or the decision before; null when none is. */
  behindSince: number | null = null;

  /** @param clock monotonic milliseconds */
  constructor(private readonly clock: () => number = () => performance.now()) {
    this.processedAt = clock();
  }

  /** The bot can decide from now on. */
  begin(): void {
    this.processedAt = this.clock();
    this.behindSince = this.isBehind ? this.clock() : null;
  }

  /** @returns whether the account has gone on */
  account(bar: number | null): boolean {
    if (bar === null || bar === this.processedBar) return false;
    this.processedBar = bar;
    this.processedAt = this.clock();
    // An account that goes on without the decisions makes nobody less late.
    if (this.isBehind) this.behindSince ??= this.clock();
    else this.behindSince = null;
    return true;
  }

  decided(bar: number | null): void {
    if (bar === this.decidedBar) return;
    this.decidedBar = bar;
    this.behindSince = this.isBehind ? this.clock() : null;
  }

  private get isBehind(): boolean {
    return this.processedBar !== null && (this.decidedBar === null || this.decidedBar < this.processedBar);
  }
}
