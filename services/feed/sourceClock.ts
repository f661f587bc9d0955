import type { Clocks } from "./clocks";

/** Samples that are put together when a source counts its time in coarse steps. */
const keptSamples = 5;

interface Sample {
  /** This machine's monotonic clock in the middle of question and answer. */
  readonly monotonic: number;
  /** The source's clock then, epoch ms. */
  readonly source: number;
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

  /** Asks the source for its time, and notes how it compares to this machine's. @returns the source's time, epoch ms */
  async ask(time: () => Promise<number>): Promise<number> {
    const asked = this.read();
    const source = await time();
    const answered = this.read();
    // A clock that counts in seconds tells 12:00:00 until 12:00:00.999.
    const step = this.resolution <= 1 ? 0 : this.resolution;
    const sample: Sample = {
      monotonic: (asked.monotonic + answered.monotonic) / 2,
      source: source + step / 2,
      least: asked.wall - source - step,
      most: answered.wall - source,
    };
    this.samples = [...this.samples, sample].slice(-keptSamples);
    return source;
  }

  /** Local clock minus the source's, in milliseconds; null before it was asked. */
  get skew(): number | null {
    const newest = this.samples.at(-1);
    if (newest === undefined) return null;
    if (this.resolution <= 1) return (newest.least + newest.most) / 2;
    // Each sample alone leaves a whole step open; what all of them allow is narrower.
    const least = Math.max(...this.samples.map((sample) => sample.least));
    const most = Math.min(...this.samples.map((sample) => sample.most));
    if (least <= most) return (least + most) / 2;
    // They contradict each other: one of the clocks was set.
    this.samples = [newest];
    return (newest.least + newest.most) / 2;
  }

  /** The source's time now, epoch ms, as far as this machine's monotonic clock knows; null before it was asked. */
  get now(): number | null {
    const newest = this.samples.at(-1);
    return newest === undefined ? null : newest.source + this.clocks.monotonic() - newest.monotonic;
  }

  private read(): { wall: number; monotonic: number } {
    return { wall: this.clocks.wall(), monotonic: this.clocks.monotonic() };
  }
}
