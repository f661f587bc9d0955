import type { Logger } from "../shared/log";

/** Where things lie in the containers of the backup image. */
export const standardPaths = {
  /** Volume of the database; read-only in the service. */
  data: "/data",
  /** The cluster in it. */
  cluster: "/data/17",
  /** Folder of PostgreSQL's Unix socket: the database's own user comes in without a password. */
  sockets: "/sockets",
  artifacts: "/artifacts",
  /** The owner's clone of the repository, with `.git` and `.trading`. */
  project: "/project",
  secrets: "/secrets",
  secondCopy: "/second-copy",
  backups: "/backups",
  pgbackrest: "/backups/pgbackrest",
  files: "/backups/files",
  points: "/backups/points",
  proofs: "/backups/proofs",
  journal: "/backups/journal",
  outbox: "/backups/outbox",
  /** Temporary files of jobs; emptied when the service starts. */
  temporary: "/backups/scratch",
  lock: "/backups/lock",
  alerts: "/backups/alerts.json",
  critical: "/backups/critical.json",
} as const;
export type Paths = { readonly [Name in keyof typeof standardPaths]: string };

/** What every job and tool works with. */
export interface BackupContext {
  readonly stack: string;
  readonly mode: "paper" | "live";
  readonly secondCopy: "none" | "path" | "rest";
  readonly paths: Paths;
  readonly log: Logger;
  /** Aborted when the work has to end: children get SIGTERM, then SIGKILL. */
  readonly signal: AbortSignal;
  /** Told of what is being done, in words for the owner. */
  readonly step: (text: string) => void;
}
