import type { DatabaseContent, RecoveryPoint, Versions } from "../../../domain/backup/recoveryPoint";
import type { Paths } from "../context";

/** The databases of a stack, in the order in which they are looked at. */
export const DATABASES = ["trading", "mlflow"] as const;
export type DatabaseName = (typeof DATABASES)[number];

/** What work on the database needs of the context of jobs and tools. */
export interface DatabaseContext {
  readonly paths: Pick<Paths, "data" | "cluster" | "sockets" | "secrets" | "pgbackrest" | "backups" | "temporary">;
  readonly signal: AbortSignal;
  readonly step: (text: string) => void;
}

export type Contents = { readonly [Name in DatabaseName]: DatabaseContent };

/** Versions of what the database's backup is made with; restic's is for others to say. */
export type DatabaseVersions = Omit<Versions, "restic">;

/** What the parts of a recovery point have in common that come from the database. */
export interface SnapshotPart {
  /** The moment of the snapshot, by the database's clock. */
  readonly snapshotAt: string;
  readonly databases: { trading: DatabaseContent; mlflow: DatabaseContent };
  /** Size of both databases on disk. */
  readonly databaseBytes: number;
  readonly versions: DatabaseVersions;
}

export interface PhysicalPart extends SnapshotPart {
  readonly physical: NonNullable<RecoveryPoint["physical"]>;
  /** Bytes by which the repository of the backup grew, without the log. */
  readonly storedBytes: number;
  /** Why it was a full backup or was not, in words. */
  readonly reason: string;
}

export interface DumpPart extends SnapshotPart {
  /** Name of the file -> SHA-256. */
  readonly contents: Record<string, string>;
  readonly bytes: number;
}
