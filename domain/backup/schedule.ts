import { Cron } from "croner";

/** A time this far ahead of the clock is still the present: clocks are set right by seconds all the time. Milliseconds. */
export const FUTURE_TOLERANCE = 60_000;

/** Longest time for which waking up excuses what is late, in milliseconds: a weekend, not a service that begins anew all the time. */
const longestExcuse = 3 * 86_400_000;

/** Whether a time lies ahead of the clock: then the clock was wrong when it was noted, or is now. */
export function isInFuture(time: number, now: number): boolean {
  return time > now + FUTURE_TOLERANCE;
}

/**
 * First time of the pattern after a moment.
 * @param pattern cron pattern of five fields, in UTC: no summer time, so no hour is skipped or comes twice
 * @param after epoch milliseconds; a time of the pattern that equals it does not count
 * @returns epoch milliseconds
 * @throws RangeError when the pattern names no time that ever comes, such as 30 February
 */
export function nextRun(pattern: string, after: number): number {
  // Not `timezone: "UTC"`: with it croner 9.1 passes over an hour of UTC when the computer's own zone changes its clocks.
  const next = new Cron(pattern, { utcOffset: 0, paused: true }).nextRun(new Date(after));
  if (next === null) throw new RangeError(`The schedule "${pattern}" names no time that ever comes`);
  return next.getTime();
}

/**
 * Whether a job has to be started now. However many of its times were slept through, it is due once: its start moves
 * `lastStart` behind all of them. A start that lies in the future counts as never: it was noted by a clock that was
 * wrong, must not silence the job until then, and is replaced by the run that follows.
 * @param lastStart when it was last started, in epoch milliseconds, or null when it never was: then it is due at once
 */
export function isDue(pattern: string, lastStart: number | null, now: number): boolean {
  if (lastStart === null || isInFuture(lastStart, now)) return true;
  return nextRun(pattern, lastStart) <= now;
}

/**
 * When a job should have been good and was not, or null when it is not overdue. Times are epoch milliseconds.
 * @param lastGood end of the newest good run; one in the future counts as none
 * @param firstSeen since when the job is scheduled: what never was good is overdue from its first time after it
 * @param graceMilliseconds how long after its time it counts as overdue
 * @param awakeSince since when the service runs without a sleep of the computer. What was slept through is caught up on
 * waking, so its grace begins then.
 */
export function overdueSince(
  pattern: string,
  lastGood: number | null,
  firstSeen: number,
  now: number,
  graceMilliseconds: number,
  awakeSince = Number.NEGATIVE_INFINITY,
): number | null {
  const reference = lastGood === null || isInFuture(lastGood, now) ? firstSeen : lastGood;
  // No time to reckon from can be trusted: overdue until a good run gives one.
  if (isInFuture(reference, now)) return now;
  const due = nextRun(pattern, reference);
  return lateFrom(due + graceMilliseconds, awakeSince, graceMilliseconds) <= now ? due : null;
}

/**
 * When something counts as late that has to have happened by a limit. On waking it is caught up on: then it is late only
 * after a grace from there, at most three days beyond the limit.
 * @returns epoch milliseconds
 */
export function lateFrom(limit: number, awakeSince: number, graceMilliseconds: number): number {
  return Math.max(limit, Math.min(awakeSince + graceMilliseconds, limit + longestExcuse));
}

/** Two readings of the wall clock, in epoch milliseconds, and what a clock that is never set says passed between them. */
export interface ClockReadings {
  readonly wallBefore: number;
  readonly wallNow: number;
  /** Milliseconds by the monotonic clock, which stands still while the computer sleeps. */
  readonly monotonicElapsed: number;
}

/**
 * By how many milliseconds the wall clock jumped: positive when it was set ahead or the computer slept (which cannot be
 * told apart), negative when it was set back.
 * @param tolerance smaller differences are a clock being set right
 * @returns null when it did not jump
 */
export function clockJump({ wallBefore, wallNow, monotonicElapsed }: ClockReadings, tolerance = 30_000): number | null {
  const jump = wallNow - wallBefore - monotonicElapsed;
  return Math.abs(jump) > tolerance ? jump : null;
}
