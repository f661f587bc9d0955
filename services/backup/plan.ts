import { isDue, isInFuture, nextRun, overdueSince } from "../../domain/backup/schedule";
import { isCritical } from "../../domain/backup/jobAlarms";
import { JOBS, type Job } from "../../domain/backup/jobs";
import type { JobState, JournalState } from "./journal";
import type { BackupSettings } from "./settings";

const minute = 60_000;
/** Minutes until a failed job is tried again: after the first failure, the second, and so on; the last one from then on. */
const retryMinutes = [1, 5, 15, 60] as const;

const epoch = (iso: string | null) => (iso === null ? null : Date.parse(iso));

/** Epoch milliseconds of the next try of a job whose last run failed, or null; at once when it failed in the future, by a clock that was wrong. */
export function retryAt({ failures, lastFinish }: Pick<JobState, "failures" | "lastFinish">, now: number): number | null {
  if (failures === 0 || lastFinish === null) return null;
  if (isInFuture(Date.parse(lastFinish), now)) return now;
  return Date.parse(lastFinish) + retryMinutes[Math.min(failures, retryMinutes.length) - 1]! * minute;
}

/** Whether a job's turn has come: by its schedule, or after a failure. A failed one waits for its next try even if its time comes first. */
export function jobDue(pattern: string, state: Pick<JobState, "failures" | "lastFinish" | "lastStart">, now: number): boolean {
  const retry = retryAt(state, now);
  return retry === null ? isDue(pattern, epoch(state.lastStart), now) : now >= retry;
}

/** Jobs whose turn has come or that were asked for, in the order in which they run. A second copy that is not configured is none. */
export function dueJobs(settings: BackupSettings, state: JournalState, asked: ReadonlySet<Job>, now: number): Job[] {
  return JOBS.filter((job) => hasWork(settings, job) && (asked.has(job) || jobDue(settings.schedule[job], state.jobs[job], now)));
}

/** Whether there is anything to do for a job under these settings. */
export function hasWork({ secondCopy }: Pick<BackupSettings, "secondCopy">, job: Job): boolean {
  return job !== "copy" || secondCopy.kind !== "none";
}

/** Epoch milliseconds at which a job begins next: now when it is due. */
export function nextStart(pattern: string, state: JobState, now: number): number {
  if (jobDue(pattern, state, now)) return now;
  return retryAt(state, now) ?? nextRun(pattern, now);
}

/** Since when a job should have been good, or null. @param awakeSince since when the service runs without a sleep of the computer */
export function jobOverdue(settings: BackupSettings, job: Job, state: JournalState, now: number, awakeSince: number): number | null {
  if (!hasWork(settings, job)) return null;
  const { lastGood } = state.jobs[job];
  return overdueSince(settings.schedule[job], epoch(lastGood), Date.parse(state.firstSeen), now, settings.alarms.overdueMinutes * minute, awakeSince);
}

/**
 * Whether each job on which data depends was good when it last ran, and none is late: what a sign of life says. A second
 * copy whose disk is not connected is for other alarms to tell: who is told of it all the time would not hear the rest.
 */
export function allWell(settings: BackupSettings, state: JournalState, now: number, awakeSince: number): boolean {
  return JOBS.filter(isCritical).every((job) => state.jobs[job].failures === 0 && jobOverdue(settings, job, state, now, awakeSince) === null);
}

/** The month before, for example 2026-10, when its report has not been written yet; null in the very first month. */
export function monthToReport({ firstSeen, reportedMonth }: Pick<JournalState, "firstSeen" | "reportedMonth">, now: number): string | null {
  const date = new Date(now);
  const before = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
  if (firstSeen.slice(0, 7) > before) return null;
  return reportedMonth !== null && reportedMonth >= before ? null : before;
}
