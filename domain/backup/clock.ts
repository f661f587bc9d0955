import { span } from "./words";

/** A jump of the wall clock that is remembered until the clock is trusted again. */
export interface ClockJump {
  /** When it was, by the clock after it. */
  readonly at: string;
  /** Above 0 ahead, below it back. */
  readonly milliseconds: number;
}

/** A night's sleep puts the clock ahead by so much at most. */
const longestSleep = 20 * 60 * 60_000;
/** So long a clock that jumped has to go on as a clock does before anything is removed by it. */
const trialMilliseconds = 86_400_000;

/** Whether a computer that slept explains the jump: then the clock was put right, not wrong. */
export function mayBeSleep({ milliseconds }: Pick<ClockJump, "milliseconds">): boolean {
  return milliseconds > 0 && milliseconds <= longestSleep;
}

/** What is remembered after a further jump: a sleep does not clear a clock that is doubted. */
export function afterJump(before: ClockJump | null, next: ClockJump): ClockJump {
  return before === null || mayBeSleep(before) || !mayBeSleep(next) ? next : before;
}

/** Epoch milliseconds from which on the clock is trusted: a new recovery point, stamped by the same clock, proves nothing. */
export function trustedFrom(jump: ClockJump): number {
  return mayBeSleep(jump) ? Number.NEGATIVE_INFINITY : Date.parse(jump.at) + trialMilliseconds;
}

/** "ahead by 24 hours", to the second: what two clocks differ by is not exact to the millisecond. */
export function jumpText({ milliseconds }: Pick<ClockJump, "milliseconds">): string {
  return `${milliseconds < 0 ? "back" : "ahead"} by ${span(Math.round(Math.abs(milliseconds) / 1000) * 1000)}`;
}
