import { z } from "zod";
import { jobRun, JOBS } from "./jobs";
import { proof } from "./recoveryPoint";

const time = z.iso.datetime();
const count = z.int().min(0);

const disk = z.strictObject({ totalBytes: count, freeBytes: count, usedShare: z.number() });

/** How a job stands. */
const jobStatus = z.strictObject({
  /** Its cron pattern, in UTC; null for a job that has nothing to do under the configuration. */
  schedule: z.string().nullable(),
  lastGood: time.nullable(),
  lastRun: jobRun.nullable(),
  /** Failed runs since the last good one. */
  failures: count,
  /** When it begins next; the time of the answer when it is due. Null without a schedule. */
  next: time.nullable(),
  /** Since when it should have been good. */
  overdueSince: time.nullable(),
  running: z.strictObject({ since: time, step: z.string() }).nullable(),
});

/** A good recovery point, in short. */
const pointSummary = z.strictObject({
  id: z.string(),
  snapshotAt: time,
  finishedAt: time,
  /** Size of both databases, and what the point added to what is stored. */
  databaseBytes: count,
  storedBytes: count,
  artifacts: z.strictObject({ files: count, bytes: count, missingReferences: count }).nullable(),
  clone: z.strictObject({ head: z.string().nullable(), unpushedCommits: count.nullable(), oldestUnpushedAt: time.nullable() }).nullable(),
});

/** An alarm that is raised. `id` is that of its incident, by which it is acknowledged; earlier releases did not say. */
export const raisedAlarm = z.strictObject({ id: z.string().optional(), key: z.string(), severity: z.enum(["warning", "critical"]), text: z.string(), runbook: z.string(), since: time });

/** What `GET /v1/status` of the backup service answers. Null always means that it is not known, or that there is none. */
export const backupStatus = z.strictObject({
  format: z.literal(1),
  stack: z.string(),
  mode: z.enum(["paper", "live"]),
  /** When this was gathered, by the service's clock. */
  at: time,
  /** What nobody looked at for long is not known: when the alarms were last judged. */
  judgedAt: time.nullable(),
  jobs: z.strictObject(Object.fromEntries(JOBS.map((job) => [job, jobStatus])) as Record<(typeof JOBS)[number], typeof jobStatus>),
  /** Who has the lock that due jobs wait for. */
  waitingFor: z.string().nullable(),
  newestPoint: pointSummary.nullable(),
  newestDump: pointSummary.nullable(),
  /** Good points and dumps that are kept. */
  points: count,
  dumps: count,
  /** Manifests that cannot be understood. */
  broken: z.array(z.string()),
  newestProof: proof.nullable(),
  newestFailedProof: proof.nullable(),
  /** Any second in between can be restored. */
  restorable: z.strictObject({ from: time, to: time }).nullable(),
  disk: disk.nullable(),
  /** Disk of the database's data; earlier releases did not say. */
  dataDisk: disk.nullable().optional(),
  /** Of what is stored in the first copy. */
  sizes: z.strictObject({ databaseBytes: count.nullable(), filesBytes: count.nullable() }),
  /** How the database's log is archived. */
  archive: z
    .strictObject({
      lastArchivedAt: time.nullable(),
      /** Segments that wait, and how old the oldest of them is. */
      waiting: count,
      oldestWaitingSeconds: z.number().nullable(),
      /** Attempts that failed since the last good one. */
      failedCount: count,
      /** Holes in the archive that matter still: no moment in one can be restored. */
      holes: count,
    })
    .nullable(),
  secondCopy: z.strictObject({ kind: z.enum(["none", "path", "rest"]), lastGood: time.nullable() }),
  alarms: z.array(raisedAlarm),
  /** How alarms leave the machine. */
  channel: z.strictObject({
    webhook: z.boolean(),
    heartbeat: z.boolean(),
    /** Messages that wait for the receiver. */
    undelivered: count,
    lastDeliveredAt: time.nullable(),
    lastHeartbeatAt: time.nullable(),
    /** Why what waits did not get through, why the heartbeat did not, or why the channel's file cannot be written. */
    problems: z.array(z.string()),
  }),
  /** Services whose deployed image is not in the backup. */
  imagesNotArchived: z.array(z.string()).nullable(),
  /** Files that wait to be put into Git by the next host command. */
  outbox: count,
  /** The clock's last jump, until the clock is trusted again: pruning may have to wait for that. */
  clockJump: z.strictObject({ at: time, milliseconds: z.number() }).nullable(),
});

export type BackupStatus = z.infer<typeof backupStatus>;
export type JobStatus = z.infer<typeof jobStatus>;
export type PointSummary = z.infer<typeof pointSummary>;
