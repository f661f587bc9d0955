import { dateTime } from "../feedQuality/text";
import type { ActiveAlarm, AlarmFacts, AlarmThresholds, JobFacts } from "./alarmFacts";
import { JOBS, type Job } from "./jobs";
import { overdueSince } from "./schedule";
import { count, span } from "./words";

/** What is at stake while a job does not succeed, and how much that matters. */
const stakes: Readonly<Record<Job, { severity: ActiveAlarm["severity"]; text: string }>> = {
  point: { severity: "critical", text: "no newer recovery point of database, artifacts and clone exists" },
  dump: { severity: "warning", text: "no newer logical dump exists" },
  copy: { severity: "warning", text: "what is newer would be lost with the first copy's disk" },
  prune: { severity: "warning", text: "old backups are not removed, and the disk fills" },
  check: { severity: "critical", text: "what is stored may be damaged" },
};

/** Whether it is critical that a job is not good. */
export function isCritical(job: Job): boolean {
  return stakes[job].severity === "critical";
}

/** A failed job and an overdue one are told apart: one ran and says why, the other was never heard of. */
export function jobAlarms(facts: AlarmFacts, thresholds: AlarmThresholds): ActiveAlarm[] {
  return JOBS.flatMap((job) => {
    const state = facts.jobs[job];
    return state === undefined ? [] : [...failed(job, state, facts), ...overdue(job, state, facts, thresholds)];
  });
}

function failed(job: Job, { failures, lastRun, lastGood, nextStart }: JobFacts, { stack }: AlarmFacts): ActiveAlarm[] {
  if (failures === 0) return [];
  const { severity, text: stake } = stakes[job];
  const often = failures === 1 ? "failed" : `failed ${failures} times in a row`;
  const last = lastRun?.outcome === "failed" ? ` at ${dateTime(lastRun.finishedAt)}: ${lastRun.reason}` : "";
  const text =
    `Backup job ${job} ${often}${last}. ${sinceGood(lastGood)}, and ${stake}. ` +
    `It is tried again at ${dateTime(nextStart)}. Remove the cause: npx trading status --stack ${stack} shows the newest runs`;
  return [{ key: `backup.job.${job}.failed`, severity, text, runbook: "5.1 Et job fejlede eller kom for sent" }];
}

function overdue(job: Job, { pattern, lastGood, firstSeen }: JobFacts, { now, awakeSince, stack }: AlarmFacts, { overdueMinutes }: AlarmThresholds): ActiveAlarm[] {
  const since = overdueSince(pattern, lastGood, firstSeen, now, overdueMinutes * 60_000, awakeSince);
  if (since === null) return [];
  const { severity, text: stake } = stakes[job];
  const text =
    `Backup job ${job} should have been good after ${dateTime(since)}, ${span(now - since)} ago (allowed: ${count(overdueMinutes, "minute")}). ${sinceGood(lastGood)}, and ${stake}. ` +
    `See whether the container trading-${stack}-backup runs and what it says: npx trading status --stack ${stack}`;
  return [{ key: `backup.job.${job}.overdue`, severity, text, runbook: "5.1 Et job fejlede eller kom for sent" }];
}

function sinceGood(lastGood: number | null): string {
  return lastGood === null ? "It was never good" : `It was last good at ${dateTime(lastGood)}`;
}
