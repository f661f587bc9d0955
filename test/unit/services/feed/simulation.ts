import type { Candle } from "../../../../domain/candles";
import type { Clocks } from "../../../../services/feed/clocks";
import { SourceFailure, type LiveSource } from "../../../../services/feed/liveSource";
import { candleAt, hour, start } from "./support";

/** Time that passes only when it is told to, on three clocks: the world's, and this machine's two. */
export class Simulation {
  /** Epoch ms, the source's clock. */
  world = start + 400 * hour + 600_000;
  /** Local wall clock minus the world's, in milliseconds. */
  skew = 0;
  private monotonic = 50_000;
  private sleepers: { readonly due: number; readonly wake: () => void }[] = [];

  readonly clocks: Clocks = { wall: () => this.world + this.skew, monotonic: () => this.monotonic };

  readonly wait = (milliseconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.sleepers.push({ due: this.monotonic + milliseconds, wake });
      signal.addEventListener("abort", wake);
    });

  /** Lets time pass, and everything happen that is due in it. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.monotonic + milliseconds;
    await settle();
    for (;;) {
      const next = this.sleepers.reduce((least, { due }) => Math.min(least, due), Infinity);
      if (next > end) break;
      this.move(next - this.monotonic);
      const woken = this.sleepers.filter(({ due }) => due <= next);
      this.sleepers = this.sleepers.filter(({ due }) => due > next);
      for (const { wake } of woken) wake();
      await settle();
    }
    this.move(end - this.monotonic);
  }

  /** The machine sleeps: its monotonic clock stands still. */
  sleep(milliseconds: number): void {
    this.world += milliseconds;
  }

  private move(milliseconds: number): void {
    this.world += milliseconds;
    this.monotonic += milliseconds;
  }
}

/** Lets promises run that wait for nothing but each other. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A source of hourly candles that does what it is told to do wrong. */
export class FakeSource implements LiveSource {
  readonly identity = "test";
  readonly clockResolution: number = 1;
  readonly mostCandles = 100;
  /** Why it does not answer. */
  outage: string | undefined;
  /** Open times, in hours after the start, of candles it does not have. */
  readonly missing = new Set<number>();
  /** Milliseconds after its close at which a candle is there; by its hour. */
  readonly delays = new Map<number, number>();
  readonly changes = new Map<number, Partial<Candle>>();
  /** Milliseconds by which the next answers to the question for its time are wrong, one each. */
  wrongTimes: number[] = [];
  asked: { from: number; limit: number }[] = [];
  opened = 0;

  constructor(private readonly simulation: Simulation) {}

  async open(): Promise<void> {
    this.answer();
    this.opened++;
  }

  async time(): Promise<number> {
    this.answer();
    return this.simulation.world + (this.wrongTimes.shift() ?? 0);
  }

  async candles(_symbol: string, from: number, limit: number): Promise<Candle[]> {
    this.answer();
    this.asked.push({ from: (from - start) / hour, limit });
    const { world } = this.simulation;
    const candles: Candle[] = [];
    for (let hours = Math.max(0, Math.ceil((from - start) / hour)); start + hours * hour <= world && candles.length < limit; hours++) {
      const close = start + (hours + 1) * hour;
      const there = !this.missing.has(hours) && (world < close || world >= close + (this.delays.get(hours) ?? 0));
      // The candle that is not closed yet has other values than it will have.
      if (there) candles.push(candleAt(hours, world < close ? { volume: 0.5 } : this.changes.get(hours)));
    }
    return candles;
  }

  private answer(): void {
    if (this.outage !== undefined) throw new SourceFailure(this.outage);
  }
}
