import type { Proof, RecoveryPoint } from "../../../domain/backup/recoveryPoint";
import { timeOfPoint } from "../../../domain/backup/recoveryPoint";

const emptyDatabase = { tables: [], hypertables: {}, indexes: 0, invalidIndexes: 0 };

/** A recovery point of the paper stack; physical, with artifacts, unless said otherwise. */
export function recoveryPointOf(id: string, more: Partial<RecoveryPoint> = {}): RecoveryPoint {
  const at = new Date(timeOfPoint(id)).toISOString();
  return {
    format: 1,
    ...{ id, stack: "paper", mode: "paper", kind: "point" },
    ...{ startedAt: at, finishedAt: at, snapshotAt: at },
    versions: { postgres: "17.12", timescaledb: "2.19.3", mlflowSchema: "abc", tradingSchema: "0003_quality_and_limits", pgbackrest: "2.55.1", restic: "0.18.0" },
    images: { mlflow: "sha256:0123456789abcdef" },
    databases: { trading: emptyDatabase, mlflow: emptyDatabase },
    ...{ databaseBytes: 650_000_000, storedBytes: 1000 },
    physical: { label: "20261120-021000F", type: "full", full: "20261120-021000F", restorePoint: `trading-${id}`, lsn: "0/1", timeline: "00000001" },
    dump: null,
    artifacts: { snapshot: "a".repeat(64), files: 3, bytes: 100, references: { checked: 3, missing: [] } },
    clone: null,
    ...more,
  };
}

export function proofOf(provedAt: string, more: Partial<Proof> = {}): Proof {
  return { point: "20261120T020000Z", provedAt, from: "first", to: "latest", restoreSeconds: 40, passed: true, ...more };
}
