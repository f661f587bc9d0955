/** Milliseconds of a clock that never jumps; only differences mean something. */
export type MonotonicClock = () => number;

/**
 * Says when a moment of market time is due on the wall clock. Market time stands still until the anchor is set and
 * then runs `speed` times as fast as the wall clock.
 */
export class Pacing {
  private anchor: { market: number; wall: number } | undefined;

  constructor(
    private readonly speed: number | "maximum",
    private readonly clock: MonotonicClock = () => performance.now(),
  ) {}

  get anchored(): boolean {
    return this.anchor !== undefined;
  }

  /** From now on market time runs, beginning at this moment (epoch ms). */
  start(marketTime: number): void {
    this.anchor = { market: marketTime, wall: this.clock() };
  }

  /** Wall milliseconds until a moment of market time; 0 when it has come. */
  wait(marketTime: number): number {
    if (this.speed === "maximum" || this.anchor === undefined) return 0;
    const due = this.anchor.wall + (marketTime - this.anchor.market) / this.speed;
    return Math.max(0, due - this.clock());
  }
}
