import type { Verdict } from "./verdict";

/** One look at every clock, in milliseconds. */
export interface ClockSample {
  /** Epoch time of this machine. */
  readonly wall: number;
  /** Never jumps; stands still while the machine sleeps. */
  readonly monotonic: number;
  /** The database's epoch time, as asked between the two; null where it did not answer. */
  readonly database: { readonly now: number; readonly askedAt: number; readonly answeredAt: number } | null;
  /** How far the exchange is from the feed's clock; null where there is none. */
  readonly exchangeSkew: number | null;
}

/** After a jump the clocks have to go together for so long before they are trusted again. */
const SETTLING = 30_000;

/**
 * Compares the clocks at every look. What they disagree about is not latched: no entries for as long as it lasts, and for
 * a while after a jump, in which the feed has time to see what the exchange says.
 */
export class ClockWatch {
  private last: { readonly wall: number; readonly monotonic: number } | null = null;
  private jump: { readonly milliseconds: number; readonly at: number } | null = null;

  /** @param limit milliseconds that the clocks may be apart */
  constructor(private readonly limit: number) {}

  /** @returns what is wrong with the clocks now, or null */
  look({ wall, monotonic, database, exchangeSkew }: ClockSample): Verdict | null {
    if (this.last !== null) {
      const moved = wall - this.last.wall - (monotonic - this.last.monotonic);
      if (Math.abs(moved) > this.limit) this.jump = { milliseconds: moved, at: monotonic };
    }
    this.last = { wall, monotonic };
    if (this.jump !== null && monotonic - this.jump.at > SETTLING) this.jump = null;

    if (exchangeSkew !== null && Math.abs(exchangeSkew) > this.limit) return verdict(`this machine's clock and the exchange's are ${seconds(exchangeSkew)} apart`, { exchangeSkewSeconds: exchangeSkew / 1000, limit: this.limit / 1000 });
    if (database !== null) {
      // Wherever within its answer it looked at its clock.
      const apart = Math.max(database.askedAt - database.now, database.now - database.answeredAt);
      if (apart > this.limit) return verdict(`the database's clock is at least ${seconds(apart)} from the guard's`, { databaseSeconds: apart / 1000, limit: this.limit / 1000 });
    }
    if (this.jump !== null) {
      const { milliseconds } = this.jump;
      const how = milliseconds > 0 ? `went ahead by ${seconds(milliseconds)} in one step: the machine slept, or its clock was set` : `went back by ${seconds(milliseconds)} in one step`;
      return verdict(`the clock ${how}`, { jumpSeconds: milliseconds / 1000, limit: this.limit / 1000 });
    }
    return null;
  }
}

function verdict(what: string, numbers: Verdict["numbers"]): Verdict {
  const reason = `${what}; no entries until the clocks have agreed for ${SETTLING / 1000} s. On Windows with Docker Desktop, in PowerShell as administrator: \`w32tm /resync\`, then \`wsl --shutdown\`, and start Docker Desktop again`;
  return { rule: "clock", cause: "apart", bot: null, act: { kind: "withhold" }, reason, numbers };
}

function seconds(milliseconds: number): string {
  return `${(Math.abs(milliseconds) / 1000).toFixed(1)} s`;
}
