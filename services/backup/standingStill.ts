import { Standstill } from "../../domain/backup/standstill";

/** What a timer of Node's can hold. */
const longestTimer = 2 ** 31 - 1;

/** What stands still together while bots decide: the programs of a backup, and what it asks the database for by itself. */
export class StandingStill {
  private standstill = new Standstill();
  private readonly groups = new Set<number>();
  private readonly waiting = new Set<() => void>();
  private still = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param group the process group of a program that began */
  began(group: number): void {
    this.groups.add(group);
    if (this.still) signal(group, "SIGSTOP");
  }

  /** A program ended, or is being ended: a signal to end reaches only one that goes on. */
  ended(group: number): void {
    if (this.groups.delete(group) && this.still) signal(group, "SIGCONT");
  }

  /**
   * Waited for before every piece of work that a decision would feel and that cannot stand still itself.
   * @param needed milliseconds that it takes: where a candle is due sooner, it comes after that
   */
  async free(needed = 0): Promise<void> {
    if (this.still || this.standstill.room(performance.now()) < needed) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  /** @param ages of a market's candles: how many milliseconds ago each came, oldest first */
  came(market: string, ages: readonly number[]): void {
    const now = performance.now();
    this.standstill.came(market, ages.map((age) => now - age));
    this.look();
  }

  candle(market: string): void {
    this.standstill.candle(market, performance.now());
    this.look();
  }

  decision(): void {
    this.standstill.decision(performance.now());
    this.look();
  }

  /** Nothing is heard any more: nothing is awaited either. */
  deaf(): void {
    this.standstill = new Standstill();
    this.look();
    this.release();
  }

  private look(): void {
    clearTimeout(this.timer);
    const { still, again } = this.standstill.look(performance.now());
    if (still !== this.still) {
      this.still = still;
      for (const group of this.groups) signal(group, still ? "SIGSTOP" : "SIGCONT");
      if (!still) this.release();
    }
    // A timer comes too early by a part of a millisecond.
    if (again < longestTimer) this.timer = setTimeout(() => this.look(), Math.ceil(again));
  }

  private release(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** That of this process. */
export const standingStill = new StandingStill();

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // It has ended meanwhile.
  }
}
