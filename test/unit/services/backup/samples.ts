import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import pino from "pino";
import type { Proof, RecoveryPoint } from "../../../../domain/backup/recoveryPoint";
import { standardPaths, type Paths } from "../../../../services/backup/context";
import type { BackupSettings } from "../../../../services/backup/settings";

export const quiet = pino({ level: "silent" });

export const sampleSettings: BackupSettings = {
  schedule: { point: "10 */6 * * *", dump: "40 2 * * *", check: "20 3 * * 0", prune: "50 3 * * *", copy: "*/30 * * * *" },
  retention: { pointInTimeDays: 28, daily: 7, weekly: 5, monthly: 12 },
  secondCopy: { kind: "path" },
  alarms: {
    overdueMinutes: 90,
    smallShare: 0.5,
    archiveMinutes: 5,
    fullShare: 0.9,
    restoreTestDays: 35,
    secondCopyHours: 6,
    unpushedHours: 24,
  },
  restoreTest: "monthly",
  alerts: { webhook: false, format: "json", heartbeat: false, repeatMinutes: 60 },
};

const content = { tables: [], hypertables: {}, indexes: 0, invalidIndexes: 0 };
const files = { snapshot: "a".repeat(64), files: 1, bytes: 10 };

export function samplePoint(id: string, more: Partial<RecoveryPoint> = {}): RecoveryPoint {
  const time = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T${id.slice(9, 11)}:${id.slice(11, 13)}:${id.slice(13, 15)}.000Z`;
  return {
    format: 1,
    id,
    stack: "paper",
    mode: "paper",
    kind: "point",
    startedAt: time,
    finishedAt: time,
    snapshotAt: time,
    versions: { postgres: "17.12", timescaledb: "2.19.3", mlflowSchema: null, tradingSchema: "0003_x", pgbackrest: "2.55.1", restic: "0.18.0" },
    images: {},
    databases: { trading: content, mlflow: content },
    databaseBytes: 1000,
    storedBytes: 100,
    physical: { label: `${id}F`, type: "full", full: `${id}F`, restorePoint: `trading-${id}`, lsn: "0/1", timeline: "00000001" },
    dump: null,
    artifacts: { ...files, references: { checked: 0, missing: [] } },
    clone: { ...files, head: null, branch: null, unpushedCommits: null, oldestUnpushedAt: null },
    ...more,
  };
}

export function sampleProof(point: string, provedAt: string, passed = true): Proof {
  return { point, provedAt, from: "first", to: "latest", restoreSeconds: 12, passed };
}

/** The backups' folders in a temporary one. */
export async function temporaryPaths(): Promise<{ readonly root: string; readonly paths: Paths; remove(): Promise<void> }> {
  const root = await mkdtemp(path.join(tmpdir(), "backup-unit-"));
  const paths = Object.fromEntries(Object.entries(standardPaths).map(([name, place]) => [name, path.join(root, place)])) as Paths;
  return { root, paths, remove: () => rm(root, { recursive: true, force: true }) };
}
