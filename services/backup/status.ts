import { JOBS, type Job } from "../../domain/backup/jobs";
import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import type { BackupStatus, JobStatus, PointSummary } from "../../domain/backup/status";
import type { AlertChannelState } from "../shared/alerts/AlertChannel";
import type { Journal } from "./journal";
import { hasWork, jobOverdue, nextStart } from "./plan";
import type { Scheduler } from "./scheduler";
import type { LoadedSettings } from "./settings";
import type { Seen } from "./watch";

export interface StatusParts {
  readonly loaded: LoadedSettings;
  readonly journal: Pick<Journal, "current" | "runs">;
  readonly scheduler: Pick<Scheduler, "running" | "waitingFor" | "awakeSince">;
  readonly channel: AlertChannelState;
  readonly seen: Seen | null;
  readonly now: number;
}

const iso = (time: number) => new Date(time).toISOString();
const isoOrNull = (time: number | null) => (time === null ? null : iso(time));

/** How the backups stand. Pure: from what the journal has and what the watch saw at its last look. */
export function backupStatusOf(parts: StatusParts): BackupStatus {
  const { loaded, journal, scheduler, channel, seen, now } = parts;
  const { settings } = loaded;
  const catalog = seen?.catalog ?? null;
  const points = (catalog?.points ?? []).filter(({ kind }) => kind === "point");
  const dumps = (catalog?.points ?? []).filter(({ kind }) => kind === "dump");
  const { webhook, heartbeat } = settings.alerts;
  const problems = [channel.lastProblem, channel.lastHeartbeatProblem, channel.fileProblem].filter((problem) => problem !== null);
  return {
    format: 1,
    stack: loaded.stack,
    mode: loaded.mode,
    at: iso(now),
    judgedAt: seen === null ? null : iso(seen.at),
    jobs: Object.fromEntries(JOBS.map((job) => [job, jobStatus(job, parts)])) as BackupStatus["jobs"],
    waitingFor: scheduler.waitingFor,
    newestPoint: summary(points.at(-1)),
    newestDump: summary(dumps.at(-1)),
    points: points.length,
    dumps: dumps.length,
    broken: catalog?.broken.map(({ file, reason }) => `${file}: ${reason}`) ?? [],
    newestProof: catalog?.proofs.filter(({ passed }) => passed).at(-1) ?? null,
    newestFailedProof: catalog?.proofs.filter(({ passed }) => !passed).at(-1) ?? null,
    restorable: seen?.restorable ?? null,
    disk: seen?.disk ?? null,
    dataDisk: seen?.dataDisk ?? null,
    sizes: { databaseBytes: seen?.sizes?.databaseBytes ?? null, filesBytes: seen?.sizes?.filesBytes ?? null },
    archive: archiveStatus(seen),
    secondCopy: { kind: settings.secondCopy.kind, lastGood: journal.current.jobs.copy.lastGood },
    alarms: channel.active.map(({ id, key, severity, text, runbook, since }) => ({ id, key, severity, text, runbook, since: iso(since) })),
    channel: { webhook, heartbeat, undelivered: channel.undelivered, lastDeliveredAt: isoOrNull(channel.lastDeliveredAt), lastHeartbeatAt: isoOrNull(channel.lastHeartbeatAt), problems },
    imagesNotArchived: seen?.imagesNotArchived ?? null,
    outbox: seen?.outbox ?? 0,
    clockJump: journal.current.jump,
  };
}

function jobStatus(job: Job, { loaded: { settings }, journal, scheduler, now }: StatusParts): JobStatus {
  const state = journal.current.jobs[job];
  const scheduled = hasWork(settings, job);
  const { running } = scheduler;
  const overdue = jobOverdue(settings, job, journal.current, now, scheduler.awakeSince);
  return {
    schedule: scheduled ? settings.schedule[job] : null,
    lastGood: state.lastGood,
    lastRun: journal.runs(job)[0] ?? null,
    failures: state.failures,
    next: scheduled ? iso(nextStart(settings.schedule[job], state, now)) : null,
    overdueSince: isoOrNull(overdue),
    running: running?.job === job ? { since: iso(running.since), step: running.step } : null,
  };
}

function summary(point: RecoveryPoint | undefined): PointSummary | null {
  if (point === undefined) return null;
  const { id, snapshotAt, finishedAt, databaseBytes, storedBytes, artifacts, clone } = point;
  return {
    ...{ id, snapshotAt, finishedAt, databaseBytes, storedBytes },
    artifacts: artifacts && { files: artifacts.files, bytes: artifacts.bytes, missingReferences: artifacts.references.missing.length },
    clone: clone && { head: clone.head, unpushedCommits: clone.unpushedCommits, oldestUnpushedAt: clone.oldestUnpushedAt },
  };
}

function archiveStatus(seen: Seen | null): BackupStatus["archive"] {
  if (seen?.archive === undefined || seen.archive === null) return null;
  const { lastArchivedAt, waiting, oldestWaitingSeconds, failedCount, missing } = seen.archive;
  return { lastArchivedAt: isoOrNull(lastArchivedAt), waiting, oldestWaitingSeconds, failedCount, holes: missing.length };
}
