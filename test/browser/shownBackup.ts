import { pointIdAt } from "../../domain/backup/recoveryPoint";
import type { BackupStatus, JobStatus, PointSummary } from "../../domain/backup/status";

const hour = 3_600_000;
const day = 24 * hour;

/** How a backup service stands that has been at work for weeks, as the page's picture shows it. @param now epoch ms */
export function shownBackup(now: number): BackupStatus {
  const at = (ago: number) => new Date(now - ago).toISOString();
  const job = (schedule: string, ago: number, next: number): JobStatus => ({
    ...{ schedule, lastGood: at(ago), failures: 0, next: at(-next), overdueSince: null, running: null },
    lastRun: null,
  });
  const point = (ago: number): PointSummary => ({
    ...{ id: pointIdAt(now - ago), snapshotAt: at(ago), finishedAt: at(ago - 6000), databaseBytes: 41_300_000, storedBytes: 610_000 },
    artifacts: { files: 214, bytes: 9_800_000, missingReferences: 0 },
    clone: { head: "4b1f0c9", unpushedCommits: 0, oldestUnpushedAt: null },
  });
  return {
    ...{ format: 1, stack: "paper", mode: "paper", at: at(0), judgedAt: at(0) },
    jobs: {
      point: job("10 */6 * * *", 2.4 * hour, 3.6 * hour),
      dump: job("40 2 * * *", 9 * hour, 15 * hour),
      copy: job("30 */6 * * *", 2 * hour, 4 * hour),
      prune: job("20 4 * * *", 7 * hour, 17 * hour),
      check: job("50 4 * * 0", 3 * day, 4 * day),
    },
    ...{ waitingFor: null, newestPoint: point(2.4 * hour), newestDump: point(9 * hour), points: 112, dumps: 16, broken: [] },
    newestProof: { point: pointIdAt(now - 8 * day), provedAt: at(8 * day), from: "second", to: "latest", restoreSeconds: 21, passed: true },
    newestFailedProof: null,
    restorable: { from: at(28 * day), to: at(40_000) },
    disk: { totalBytes: 250e9, freeBytes: 171e9, usedShare: 0.316 },
    sizes: { databaseBytes: 1.9e9, filesBytes: 0.3e9 },
    archive: { lastArchivedAt: at(40_000), waiting: 0, oldestWaitingSeconds: null, failedCount: 0, holes: 0 },
    secondCopy: { kind: "path", lastGood: at(2 * hour) },
    alarms: [],
    channel: { webhook: true, heartbeat: true, undelivered: 0, lastDeliveredAt: at(8 * day), lastHeartbeatAt: at(30_000), problems: [] },
    ...{ imagesNotArchived: [], outbox: 0, clockJump: null },
  };
}
