import type { Clocks } from "./clocks";

/** Answers that are kept: they are put together where a source counts its time in coarse steps, and prove each other. */
const keptSamples = 5;
/** Milliseconds by which the source's clock and this machine's may differ and still bear each other out. */
export const agreement = 2000;

interface Sample {
  /** What the source told, epoch ms: its clock has reached that when the answer is here. */
  readonly told: number;
  /** This machine's monotonic clock when the answer was here. */
  readonly answered: number;
  /** The local clock is ahead of the source's by something between these, in milliseconds. */
  readonly least: number;
  readonly most: number;
}

/** What is known of a source's clock by asking for it. */
export class SourceClock {
  private samples: Sample[] = [];

  /** @param resolution milliseconds that the source's clock counts by */
  constructor(
    private readonly clocks: Clocks,
    private readonly resolution: number,
  ) {}

  /** Asks the source for its time, and notes how it compares to this machine's. */
  async ask(time: () => Promise<number>): Promise<void> {
    const asked = this.clocks.wall();
    const told = await time();
    const answered = { wall: this.clocks.wall(), monotonic: this.clocks.monotonic() };
    // A clock that counts in seconds tells 12:00:00 until 12:00:00.999.
    const step = this.resolution <= 1 ? 0 : this.resolution;
    const sample = { told, answered: answered.monotonic, least: asked - told - step, most: answered.wall - told };
    this.samples = [...this.samples, sample].slice(-keptSamples);
  }

  /** Asks until the time is proven: once where this machine's clock agrees, else as often as answers are kept. */
  async prove(time: () => Promise<number>): Promise<void> {
    do await this.ask(time);
    while (!this.isBorneOut && this.samples.length < keptSamples);
  }

  /** Local clock minus the source's, in milliseconds; null before it was asked. */
  get skew(): number | null {
    const newest = this.samples.at(-1);
    if (newest === undefined) return null;
    let { least, most } = newest;
    // Each coarse answer alone leaves a whole step open; what the newest of them allow together is narrower.
    for (const sample of this.resolution <= 1 ? [] : this.samples.toReversed()) {
      // Where they contradict each other, one of the clocks was set.
      if (sample.least > most || sample.most < least) break;
      least = Math.max(least, sample.least);
      most = Math.min(most, sample.most);
    }
    return (least + most) / 2;
  }

  /**
   * The time that the source's clock has reached for certain, epoch ms, carried on by the monotonic clock; null before it
   * was asked. The newest answer counts where this machine's wall clock bears it out; else the least of all kept answers,
   * for one wrong answer must not close a candle that still trades.
   */
  get proven(): number | null {
    if (this.samples.length === 0) return null;
    const monotonic = this.clocks.monotonic();
    const counted = this.isBorneOut ? this.samples.slice(-1) : this.samples;
    return Math.min(...counted.map(({ told, answered }) => told + monotonic - answered));
  }

  private get isBorneOut(): boolean {
    const newest = this.samples.at(-1);
    return newest !== undefined && newest.least <= agreement && newest.most >= -agreement;
  }
}
