/**
 * The way back to trust: after a disturbance so many clean candles have to come, and after one in which the feed was
 * DOWN with a position open somebody has to acknowledge it, where that is asked for.
 */
export class Recovery {
  private clean = 0;
  /** Whether the feed has been DOWN since it was last trusted. */
  private wasDown = false;
  private isDown = false;
  /** The DOWN that somebody looked at while it lasted. */
  private acknowledged = false;
  private latched: string | null;

  /**
   * @param candles clean closed candles until the feed is trusted again
   * @param acknowledgeDown whether a DOWN with a position open has to be acknowledged
   * @param latched what is still to be acknowledged from an earlier run; null for nothing
   */
  constructor(
    readonly candles: number,
    private readonly acknowledgeDown: boolean,
    latched: string | null,
  ) {
    this.latched = latched;
  }

  get cleanCandles(): number {
    return Math.min(this.clean, this.candles);
  }

  /** Why somebody has to acknowledge it; null when nobody has to. */
  get unacknowledged(): string | null {
    return this.latched;
  }

  /** Whether an acknowledgement would be heard: one is asked for, or the feed is DOWN and one would be asked for. */
  get awaitsAcknowledgement(): boolean {
    return this.latched !== null || (this.acknowledgeDown && this.isDown && !this.acknowledged);
  }

  get done(): boolean {
    return this.clean >= this.candles && this.latched === null;
  }

  /** Something became active, or worse. */
  disturbed(): void {
    this.clean = 0;
  }

  cleanCandle(): void {
    this.clean++;
    if (this.done) this.wasDown = false;
  }

  /** Told whenever it may have changed. */
  down(isDown: boolean): void {
    // An acknowledgement is good for the DOWN that was looked at, not for the next one.
    if (isDown && !this.isDown) this.acknowledged = false;
    this.isDown = isDown;
    this.wasDown ||= isDown;
  }

  /**
   * A position is open. Counts as long as the way back is not over: no entry was let in since the feed was DOWN, so the
   * position was open then.
   */
  positionOpen(reason: string): void {
    if (this.acknowledgeDown && this.wasDown && !this.acknowledged) this.latched ??= reason;
  }

  acknowledge(): void {
    this.latched = null;
    this.acknowledged = true;
    if (this.done) this.wasDown = false;
  }
}
