import { Cron } from "croner";
import { z } from "zod";

/** A cron pattern of five fields, in UTC. */
export const pattern = z.string().superRefine((text, context) => {
  const allowed = 'allowed: a cron pattern of five fields in UTC, for example "10 */6 * * *"';
  if (text.trim().split(/\s+/).length !== 5) return context.addIssue({ code: "custom", message: allowed });
  try {
    if (new Cron(text, { utcOffset: 0, paused: true }).nextRun() === null) context.addIssue({ code: "custom", message: `never comes; ${allowed}` });
  } catch (error) {
    context.addIssue({ code: "custom", message: `${(error as Error).message}; ${allowed}` });
  }
});
const count = (least: number, most: number, standard: number) => z.int().min(least).max(most).default(standard);

/** When each job begins; one at a time, and one that was slept through runs once afterwards. */
const schedule = z.strictObject({
  /** Database, MLflow's artifacts and the clone as one recovery point. */
  point: pattern.default("10 */6 * * *"),
  /** Logical dump of both databases, for another version and for hands. */
  dump: pattern.default("40 2 * * *"),
  /** Everything that was stored is read again. */
  check: pattern.default("20 3 * * 0"),
  /** What retention no longer wants goes. */
  prune: pattern.default("50 3 * * *"),
  /** The second copy is brought up to date. */
  copy: pattern.default("*/30 * * * *"),
});

const retention = z.strictObject({
  /** Any second of these last days can be restored. */
  pointInTimeDays: count(1, 365, 28),
  /** Newest of each of so many days, weeks and months: dumps, artifacts and the clone. */
  daily: count(1, 366, 7),
  weekly: count(0, 520, 5),
  monthly: count(0, 240, 12),
});

const secondCopy = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  /** A folder of this machine on another disk, for example D:\backups\trading. */
  z.strictObject({ kind: z.literal("path"), path: z.string().regex(/^(\/|[A-Za-z]:[\\/])/, "allowed: an absolute path on another disk, for example D:\\backups\\trading") }),
  /** restic's REST server elsewhere; user and password stand in .trading/stacks/<stack>/second-copy-login as user:password. */
  z.strictObject({ kind: z.literal("rest"), address: z.url({ protocol: /^https?$/, error: "allowed: an address such as https://backup.example:8000/trading" }) }),
]);

/** When a person is told; who that is stands in `trading:alerts`. */
const alarms = z.strictObject({
  /** A job this long after its time is overdue. */
  overdueMinutes: count(5, 10_080, 90),
  /** Of the median of earlier ones of its kind: smaller counts as suspicious. */
  smallShare: z.number().min(0).max(1).default(0.5),
  /** Oldest age of what was last archived of the database's log while there is something to archive. */
  archiveMinutes: count(2, 1440, 5),
  /** Share in use of the backups' disk, and of the database's where it is another. */
  fullShare: z.number().min(0.1).max(1).default(0.9),
  restoreTestDays: count(1, 366, 35),
  secondCopyHours: count(1, 720, 6),
  /** Commits that no remote has for so long. */
  unpushedHours: count(1, 720, 24),
});

const settings = {
  schedule: schedule.prefault({}),
  retention: retention.prefault({}),
  secondCopy: secondCopy.prefault({ kind: "none" }),
  alarms: alarms.prefault({}),
  /** How often the restore test is due. */
  restoreTest: z.enum(["weekly", "monthly"]).default("monthly"),
  /** The database's log waits at most so long for the archive; beyond it is dropped, and an alarm raised, rather than trading stopped. */
  archiveQueueMegabytes: count(64, 65_536, 1024),
  memoryMegabytes: z.int().min(256).max(65536).default(768),
};

/** Paper may go without a backup, for trying things out; live never. */
export const paperBackup = z.strictObject({ enabled: z.boolean().default(true), ...settings });
export const liveBackup = z.strictObject({ enabled: z.literal(true).default(true), ...settings });

export type BackupConfiguration = z.infer<typeof paperBackup>;
export type SecondCopyConfiguration = BackupConfiguration["secondCopy"];
