import type { ClockJump } from "./clock";
import type { Job } from "./jobs";
import type { WalGap } from "./walArchive";

/** When a person is told; the same names as `trading:backup` has under `alarms`. */
export interface AlarmThresholds {
  /** A job this long after its time is overdue. */
  readonly overdueMinutes: number;
  /** A size below this share of the median of earlier ones is suspicious. */
  readonly smallShare: number;
  readonly archiveMinutes: number;
  /** Share of a disk in use: of the backups', and of the database's data. */
  readonly fullShare: number;
  readonly restoreTestDays: number;
  readonly secondCopyHours: number;
  readonly unpushedHours: number;
}

export interface JobFacts {
  readonly pattern: string;
  readonly lastGood: number | null;
  readonly lastRun: { readonly finishedAt: number; readonly outcome: "good" | "failed"; readonly reason: string } | null;
  /** Since when it is scheduled. */
  readonly firstSeen: number;
  /** Failed runs since the last good one. */
  readonly failures: number;
  /** When it begins next, by its schedule or since a failed run is tried again. */
  readonly nextStart: number;
}

/** State of the database's log and its archive. */
export interface ArchiveFacts {
  readonly lastArchivedAt: number | null;
  readonly lastArchivedWal: string | null;
  /** Attempts that failed since the last good one. */
  readonly failedCount: number;
  /** Segments that wait for the archive, and how old the oldest of them is; null when none waits. */
  readonly waiting: number;
  readonly oldestWaitingSeconds: number | null;
  /** Holes in the archive that matter still: since the newest good point began, and those found within the last day. */
  readonly missing: readonly WalGap[];
}

export interface SecondCopyFacts {
  readonly kind: "none" | "path" | "rest";
  readonly lastCopiedAt: number | null;
  /** Since when there should be one. */
  readonly firstSeen: number;
  /** It lies on the disk the first one lies on. */
  readonly sameDisk: boolean;
  /** There is a repository at its place. */
  readonly initialised: boolean;
  /** Why its place cannot be reached, or null. */
  readonly missing: string | null;
}

/** What of a recovery point has a size that should not collapse: both databases as a point and as a dump found them, and files. */
export const SIZED_PARTS = ["point", "dump", "dumpFiles", "artifacts", "clone"] as const;
export type SizedPart = (typeof SIZED_PARTS)[number];

export interface DiskFacts {
  readonly usedShare: number;
  readonly freeBytes: number;
}

/** What the newest recovery point found of the clone's Git repository. */
export interface CloneFacts {
  /** When the oldest commit was made that no remote has; null when all were pushed. */
  readonly unpushedSince: number | null;
  readonly unpushedCommits: number | null;
  readonly noRemote: boolean;
  /** When that was found out; null when it never was. */
  readonly lastTakenAt: number | null;
}

/** All that alarms are judged by. Times are epoch milliseconds by the wall clock. */
export interface AlarmFacts {
  readonly stack: string;
  readonly now: number;
  /** Since when the service runs without a sleep of the computer: what is late only because of that is being caught up on. */
  readonly awakeSince: number;
  /** Jobs that are not scheduled are left out, such as the copy while there is no second one. */
  readonly jobs: Readonly<Partial<Record<Job, JobFacts>>>;
  /** Bytes of each part in the good points that have it, newest first. */
  readonly sizes: Readonly<Partial<Record<SizedPart, readonly number[]>>>;
  /** Or since when the database cannot be asked. */
  readonly archive: ArchiveFacts | { readonly unknownSince: number };
  /** Disk of the first copy. */
  readonly disk: DiskFacts;
  /** Disk of the database's data; null where it is the same one, or is not known. */
  readonly dataDisk: DiskFacts | null;
  readonly restoreTest: {
    readonly lastPassedAt: number | null;
    readonly lastFailed: { readonly at: number; readonly reason: string } | null;
    readonly firstSeen: number;
  };
  readonly secondCopy: SecondCopyFacts;
  readonly clone: CloneFacts;
  readonly clock: {
    /** A jump that no sleep explains, until the clock is trusted again; null without one. */
    readonly jump: ClockJump | null;
    /** Time of the newest point when it lies in the future, else null. */
    readonly newestPointInFuture: number | null;
  };
  /** Services whose deployed image is in no archive. */
  readonly imagesNotArchived: readonly string[];
  /** Artifacts that MLflow's database refers to and no backup has, as the newest point that looked found it. */
  readonly lostArtifacts: readonly string[];
  /** Files of the catalog that should be a manifest or a proof and cannot be understood. */
  readonly brokenFiles: readonly string[];
}

/** Something a person should know, for as long as it lasts. */
export interface ActiveAlarm {
  /** The same as long as it lasts, whatever its numbers. */
  readonly key: string;
  readonly severity: "warning" | "critical";
  /** The numbers, and what to do. */
  readonly text: string;
  /** Heading of the section in runbooks/Backup_And_Restore.md. */
  readonly runbook: RunbookSection;
}

/** The sections under "5. Alarmer" of runbooks/Backup_And_Restore.md. */
export const RUNBOOK_SECTIONS = [
  "5.1 Et job fejlede eller kom for sent",
  "5.2 En backup er mistænkeligt lille",
  "5.3 Databasens log når ikke arkivet",
  "5.4 Disken er ved at være fuld",
  "5.5 Restore-testen mangler eller fejlede",
  "5.6 Den anden kopi",
  "5.7 Commits, som ingen remote har",
  "5.8 Uret sprang",
  "5.9 Et image eller et manifest mangler",
  "5.10 Artefakter er tabt",
] as const;
export type RunbookSection = (typeof RUNBOOK_SECTIONS)[number];
