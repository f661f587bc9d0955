import { expect } from "chai";
import Fastify, { type FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import type { Job } from "../../../../domain/backup/jobs";
import { backupStatus } from "../../../../domain/backup/status";
import { Journal } from "../../../../services/backup/journal";
import { addMetrics } from "../../../../services/backup/metrics";
import { addRoutes } from "../../../../services/backup/routes";
import { backupStatusOf, type StatusParts } from "../../../../services/backup/status";
import type { Seen } from "../../../../services/backup/watch";
import type { AlertChannelState } from "../../../../services/shared/alerts/AlertChannel";
import { quiet, samplePoint, sampleProof, sampleSettings, temporaryPaths } from "./samples";

const now = Date.UTC(2026, 10, 21, 12);
const loaded = { stack: "paper", mode: "paper" as const, logLevel: "info", settings: sampleSettings };
const channel: AlertChannelState = {
  ...{ configured: true, undelivered: 2, oldestUndeliveredAt: now, lastDeliveredAt: now, lastProblem: "ENOTFOUND", fileProblem: null, dropped: 0 },
  ...{ heartbeatConfigured: false, lastHeartbeatAt: null, lastHeartbeatProblem: null, critical: null },
  active: [{ id: "1", key: "backup.disk.full", severity: "critical", text: "full", runbook: "x", since: now, announced: true, toldAt: now, acknowledged: false }],
};
const seen: Seen = {
  at: now - 1000,
  catalog: {
    points: [samplePoint("20261121T041000Z"), samplePoint("20261121T101000Z"), samplePoint("20261121T103000Z", { kind: "dump", physical: null })],
    proofs: [sampleProof("20261121T041000Z", "2026-11-21T05:00:00.000Z"), sampleProof("20261121T041000Z", "2026-11-21T06:00:00.000Z", false)],
    broken: [{ file: "/backups/points/x.json", reason: "no JSON" }],
  },
  archive: { lastArchivedAt: now - 60_000, lastArchivedWal: "0".repeat(24), failedCount: 1, waiting: 3, oldestWaitingSeconds: 70, missing: [{ after: null, before: "0".repeat(24) }] },
  disk: { totalBytes: 100, freeBytes: 10, usedShare: 0.9 },
  dataDisk: { totalBytes: 200, freeBytes: 100, usedShare: 0.5 },
  imagesNotArchived: ["bot"],
  restorable: { from: "2026-11-20T00:00:00.000Z", to: "2026-11-21T11:59:00.000Z" },
  sizes: { databaseBytes: 5, filesBytes: 6 },
  outbox: 2,
};

describe("the status of the backups", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  let parts: StatusParts;
  beforeEach(async () => {
    home = await temporaryPaths();
    const journal = await Journal.open(home.paths.journal, quiet, now - 86_400_000);
    await journal.begin("point", now - 7_200_000);
    await journal.end("point", { outcome: "good", reason: "done", bytes: 10, storedBytes: 5, point: "20261121T101000Z" }, now - 7_100_000);
    await journal.end("dump", { outcome: "failed", reason: "no", bytes: null, storedBytes: null, point: null }, now - 30_000);
    parts = { loaded, journal, channel, seen, now, scheduler: { running: { job: "copy", since: now - 5000, step: "copying" }, waitingFor: null, awakeSince: now - 86_400_000 } };
  });
  afterEach(() => home.remove());

  it("keeps its schema, also before anything was seen", () => {
    expect(backupStatus.parse(backupStatusOf(parts)).points).to.equal(2);
    const bare = backupStatus.parse(backupStatusOf({ ...parts, seen: null }));
    expect(bare).to.include({ judgedAt: null, newestPoint: null, archive: null, disk: null, imagesNotArchived: null });
  });

  it("tells how each job stands", () => {
    const { jobs } = backupStatusOf(parts);
    expect(jobs.point).to.include({ schedule: "10 */6 * * *", lastGood: "2026-11-21T10:01:40.000Z", failures: 0, next: "2026-11-21T12:10:00.000Z", overdueSince: null, running: null });
    expect(jobs.dump).to.include({ lastGood: null, failures: 1, next: "2026-11-21T12:00:30.000Z", overdueSince: "2026-11-21T02:40:00.000Z" });
    expect(jobs.copy.running).to.deep.equal({ since: "2026-11-21T11:59:55.000Z", step: "copying" });
  });

  it("tells what is kept, proved, restorable, raised and waiting", () => {
    const status = backupStatusOf(parts);
    expect([status.points, status.dumps, status.newestPoint?.id, status.newestDump?.id]).to.deep.equal([2, 1, "20261121T101000Z", "20261121T103000Z"]);
    expect([status.newestProof?.provedAt, status.newestFailedProof?.provedAt]).to.deep.equal(["2026-11-21T05:00:00.000Z", "2026-11-21T06:00:00.000Z"]);
    expect(status.archive).to.deep.equal({ lastArchivedAt: "2026-11-21T11:59:00.000Z", waiting: 3, oldestWaitingSeconds: 70, failedCount: 1, holes: 1 });
    expect(status.channel).to.include({ webhook: false, undelivered: 2 }).and.to.have.deep.property("problems", ["ENOTFOUND"]);
    expect(status.alarms).to.deep.equal([{ id: "1", key: "backup.disk.full", severity: "critical", text: "full", runbook: "x", since: "2026-11-21T12:00:00.000Z" }]);
    expect([status.disk?.usedShare, status.dataDisk?.usedShare]).to.deep.equal([0.9, 0.5]);
    expect(status.broken).to.deep.equal(["/backups/points/x.json: no JSON"]);
  });

  it("gives a job that has nothing to do no time", () => {
    const settings = { ...sampleSettings, secondCopy: { kind: "none" as const } };
    expect(backupStatusOf({ ...parts, loaded: { ...loaded, settings } }).jobs.copy).to.include({ schedule: null, next: null, overdueSince: null });
  });

  it("becomes metrics, and what is not known has no value", async () => {
    const registry = new Registry();
    let current = parts;
    addMetrics(registry, () => backupStatusOf(current), () => parts.journal.current.jobs);
    const lines = (await registry.metrics()).split("\n");
    expect(lines).to.include.members([
      'trading_backup_last_good_timestamp_seconds{job="point"} 1795255300',
      'trading_backup_last_run_duration_seconds{job="point"} 100',
      'trading_backup_overdue{job="dump"} 1',
      'trading_backup_runs_failed_total{job="dump"} 1',
      'trading_backup_disk_used_share{stack="paper"} 0.9',
      'trading_backup_data_disk_used_share{stack="paper"} 0.5',
      'trading_backup_wal_waiting{stack="paper"} 3',
      'trading_backup_restore_test_timestamp_seconds{stack="paper"} 1795237200',
      'trading_backup_alarms_active{stack="paper"} 1',
    ]);
    expect(lines.some((line) => line.startsWith('trading_backup_last_good_timestamp_seconds{job="dump"}'))).to.equal(false);
    current = { ...parts, seen: null };
    expect((await registry.metrics()).split("\n").filter((line) => /^trading_backup_(disk_used_share|data_disk_used_share|wal_waiting|restore_test_timestamp_seconds)\{/.test(line))).to.deep.equal([]);
  });
});

describe("endpoints of the backups", () => {
  let app: FastifyInstance;
  let asked: Job[];
  const make = (kind: "none" | "path") => {
    app = Fastify();
    addRoutes({ app, settings: { secondCopy: { kind } }, scheduler: { ask: (job) => (asked.push(job), job !== "check") }, status: () => ({ format: 1 }) as never });
  };
  beforeEach(() => {
    asked = [];
    make("path");
  });
  afterEach(() => app.close());

  it("give the status", async () => expect((await app.inject("/v1/status")).json()).to.deep.equal({ format: 1 }));

  const posts: [job: string, kind: "none" | "path", code: number, answer: object][] = [
    ["point", "path", 202, { job: "point", state: "asked", look: "/v1/status, jobs.point" }],
    ["check", "path", 202, { job: "check", state: "running", look: "/v1/status, jobs.check" }],
    ["all", "path", 404, { error: 'job: "all" - allowed: point, dump, copy, prune, check' }],
    ["copy", "none", 409, { error: 'job: "copy" has nothing to do: no second copy is configured' }],
  ];
  for (const [job, kind, code, answer] of posts) {
    it(`answer ${code} to a run of ${job}${kind === "none" ? " without a second copy" : ""}`, async () => {
      make(kind);
      const response = await app.inject({ method: "POST", url: `/v1/jobs/${job}` });
      expect([response.statusCode, response.json()]).to.deep.equal([code, answer]);
      expect(asked).to.deep.equal(code === 202 ? [job] : []);
    });
  }

  it("run nothing for anybody outside the container", async () => {
    const response = await app.inject({ method: "POST", url: "/v1/jobs/point", remoteAddress: "172.18.0.3" });
    expect([response.statusCode, asked]).to.deep.equal([403, []]);
  });
});
