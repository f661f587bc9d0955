import { expect } from "chai";
import fc from "fast-check";
import { RUNBOOK_SECTIONS, type AlarmFacts, type AlarmThresholds, type ArchiveFacts, type CloneFacts, type JobFacts, type SecondCopyFacts } from "../../../../domain/backup/alarmFacts";
import { activeAlarms } from "../../../../domain/backup/alarmRules";
import { JOBS } from "../../../../domain/backup/jobs";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.UTC(2026, 10, 21, 12, 0);

const thresholds: AlarmThresholds = { overdueMinutes: 90, smallShare: 0.5, archiveMinutes: 5, fullShare: 0.9, restoreTestDays: 35, secondCopyHours: 6, unpushedHours: 24 };

const good: JobFacts = {
  pattern: "10 */6 * * *",
  lastGood: now - 5 * hour,
  lastRun: { finishedAt: now - 5 * hour, outcome: "good", reason: "made 20261121T061000Z" },
  firstSeen: now - 100 * day,
  failures: 0,
  nextStart: now + 10 * minute,
};
const archive: ArchiveFacts = { lastArchivedAt: now - 20 * second, lastArchivedWal: "000000010000000000000009", failedCount: 0, waiting: 0, oldestWaitingSeconds: null, missing: [] };
const secondCopy: SecondCopyFacts = { kind: "path", lastCopiedAt: now - 6 * hour + second, firstSeen: now - 100 * day, sameDisk: false, initialised: true, missing: null };
const clone: CloneFacts = { unpushedSince: now - 24 * hour, unpushedCommits: 2, noRemote: false, lastTakenAt: now - hour };
/** Every bound just kept. */
const facts: AlarmFacts = {
  stack: "paper",
  now,
  awakeSince: now - 30 * day,
  jobs: { point: good, dump: good, copy: good, prune: good, check: good },
  sizes: { point: [50e6, 100e6], dump: [50e6, 100e6], dumpFiles: [5e6, 10e6], artifacts: [5e6, 10e6], clone: [1e6, 10e6] },
  archive,
  disk: { usedShare: 0.899, freeBytes: 3.2e9 },
  dataDisk: { usedShare: 0.899, freeBytes: 3.2e9 },
  restoreTest: { lastPassedAt: now - 35 * day, lastFailed: { at: now - 36 * day, reason: "old" }, firstSeen: now - 100 * day },
  secondCopy,
  clone,
  clock: { jump: null, newestPointInFuture: null },
  imagesNotArchived: [],
  lostArtifacts: [],
  brokenFiles: [],
};

const failedPoint = { ...good, failures: 3, lastRun: { finishedAt: now - 5 * minute, outcome: "failed" as const, reason: "the disk is full" } };

const cases: [name: string, change: Partial<AlarmFacts>, alarms: { key: string; critical?: true; says: string[] }[]][] = [
  ["nothing is wrong, every bound just kept", {}, []],

  [
    "a job failed",
    { jobs: { point: failedPoint } },
    [{ key: "backup.job.point.failed", critical: true, says: ["job point failed 3 times in a row at 2026-11-21 11:55 UTC: the disk is full", "last good at 2026-11-21 07:00 UTC", "no newer recovery point", "tried again at 2026-11-21 12:10 UTC", "npx trading status --stack paper"] }],
  ],
  ["a job failed that never was good", { jobs: { dump: { ...good, failures: 1, lastGood: now - hour, lastRun: null } } }, [{ key: "backup.job.dump.failed", says: ["job dump failed. It was last good"] }]],
  ["a check failed", { jobs: { check: { ...failedPoint, failures: 1 } } }, [{ key: "backup.job.check.failed", critical: true, says: ["what is stored may be damaged"] }]],
  [
    "a job is overdue",
    { jobs: { point: { ...good, lastGood: now - 8 * hour } } },
    [{ key: "backup.job.point.overdue", critical: true, says: ["should have been good after 2026-11-21 06:10 UTC, 5 hours ago (allowed: 90 minutes)", "trading-paper-backup"] }],
  ],
  ["a job that was slept through is caught up on", { jobs: { point: { ...good, lastGood: now - 36 * hour } }, awakeSince: now - minute }, []],
  ["a job never ran", { jobs: { copy: { ...good, lastGood: null, lastRun: null, firstSeen: now - 12 * hour } } }, [{ key: "backup.job.copy.overdue", says: ["It was never good", "first copy's disk"] }]],
  ["a job never ran, and has had no time", { jobs: { copy: { ...good, lastGood: null, lastRun: null, firstSeen: now - minute } } }, []],
  [
    "jobs failed and are overdue",
    { jobs: { point: { ...failedPoint, lastGood: now - 2 * day }, prune: failedPoint } },
    [
      { key: "backup.job.point.failed", critical: true, says: [] },
      { key: "backup.job.point.overdue", critical: true, says: ["47 hours ago"] },
      { key: "backup.job.prune.failed", says: ["the disk fills"] },
    ],
  ],

  [
    "the newest dump is small",
    { sizes: { point: [60e6, 100e6], dump: [49e6, 100e6, 100e6, 98e6] } },
    [{ key: "backup.small", critical: true, says: ["the databases of the newest dump: 49.0 MB, and the median of the 3 before is 100.0 MB (below 50 % is suspicious)"] }],
  ],
  [
    "both kinds are small",
    { sizes: { point: [1e6, 100e6, 110e6], dump: [0, 100e6] } },
    [{ key: "backup.small", critical: true, says: ["the databases of the newest point: 1.0 MB, and the median of the 2 before is 105.0 MB (below 50 % is suspicious); the databases of the newest dump: 0 bytes"] }],
  ],
  [
    "files are small",
    { sizes: { dumpFiles: [4.9e6, 10e6], artifacts: [4.9e6, 10e6], clone: [0.9e6, 10e6] } },
    [{ key: "backup.small", critical: true, says: ["the files of the newest dump: 4.9 MB", "MLflow's artifacts: 4.9 MB", "the clone: 900.0 kB, and the median of the 1 before is 10.0 MB (below 10 % is suspicious)"] }],
  ],
  ["files are small that always were next to nothing", { sizes: { artifacts: [0, 999_999], clone: [0, 9_999] } }, []],
  ["only older ones than ten were larger", { sizes: { point: [40e6, ...Array<number>(10).fill(50e6), ...Array<number>(30).fill(500e6)] } }, []],
  ["the first one has nothing to be compared with", { sizes: { point: [1], dump: [] } }, []],
  ["no size is known", { sizes: {} }, []],

  ["segments wait, and not too long", { archive: { ...archive, waiting: 3, oldestWaitingSeconds: 299, failedCount: 4 } }, []],
  [
    "the archive is behind",
    { archive: { ...archive, waiting: 3, oldestWaitingSeconds: 300, failedCount: 7, lastArchivedAt: now - 6 * minute } },
    [{ key: "backup.archive.behind", critical: true, says: ["3 segments of the database's log wait", "the oldest for 5 minutes (allowed: 5 minutes)", "000000010000000000000009 at 2026-11-21 11:54 UTC", "7 attempts failed", "trading-paper-timescaledb"] }],
  ],
  ["nothing was archived ever", { archive: { ...archive, waiting: 1, oldestWaitingSeconds: 400, lastArchivedAt: null, lastArchivedWal: null } }, [{ key: "backup.archive.behind", critical: true, says: ["1 segment of the database's log waits", "nothing was archived yet"] }]],
  ["segments waited through a sleep", { archive: { ...archive, waiting: 1, oldestWaitingSeconds: 8 * 3600 }, awakeSince: now - 4 * minute }, []],
  ["segments wait on after a sleep", { archive: { ...archive, waiting: 1, oldestWaitingSeconds: 8 * 3600 }, awakeSince: now - 5 * minute }, [{ key: "backup.archive.behind", critical: true, says: ["8 hours"] }]],
  ["an idle database has nothing to archive", { archive: { ...archive, lastArchivedAt: now - 9 * day } }, []],
  [
    "the archive has holes",
    { archive: { ...archive, missing: [{ after: "000000010000000000000003", before: "000000010000000000000006" }, { after: null, before: "000000010000000000000001" }, { after: null, before: null }] } },
    [{ key: "backup.archive.gap", critical: true, says: ["3 holes", "from behind 000000010000000000000003 to 000000010000000000000006; from the first one needed to 000000010000000000000001; from the first one needed on"] }],
  ],
  ["nobody knows of the archive for a moment", { archive: { unknownSince: now - 5 * minute + 1 } }, []],
  ["nobody knows of the archive", { archive: { unknownSince: now - 2 * hour } }, [{ key: "backup.archive.unknown", critical: true, says: ["has not said for 2 hours", "docker logs --tail 50 trading-paper-timescaledb"] }]],

  ["the disk is nearly full", { disk: { usedShare: 0.9, freeBytes: 3.2e9 } }, [{ key: "backup.disk.full", critical: true, says: ["90 % full, 3.2 GB are free (alarm from 90 %)", "trading:backup, retention"] }]],

  ["the database's disk is nearly full", { dataDisk: { usedShare: 0.9, freeBytes: 3.2e9 } }, [{ key: "backup.dataDisk.full", critical: true, says: ["The database's disk is 90 % full, 3.2 GB are free (alarm from 90 %)", "the database ends"] }]],
  ["the database lies on the disk of the backups", { dataDisk: null, disk: { usedShare: 0.95, freeBytes: 1 } }, [{ key: "backup.disk.full", critical: true, says: ["The backups' disk is 95 % full"] }]],

  [
    "the restore test is overdue",
    { restoreTest: { ...facts.restoreTest, lastPassedAt: now - 35 * day - 1 } },
    [{ key: "backup.restoreTest.overdue", says: ["passed at 2026-10-17 11:59 UTC, 35 days ago (allowed: 35 days)", "npx trading restore-test --stack paper"] }],
  ],
  ["no restore test passed, and none had to", { restoreTest: { lastPassedAt: null, lastFailed: null, firstSeen: now - 35 * day } }, []],
  ["no restore test passed", { restoreTest: { lastPassedAt: null, lastFailed: null, firstSeen: now - 36 * day } }, [{ key: "backup.restoreTest.overdue", says: ["No restore test passed since backups began at 2026-10-16 12:00 UTC"] }]],
  [
    "the restore test failed",
    { restoreTest: { lastPassedAt: now - 9 * day, lastFailed: { at: now - day, reason: "3 rows are missing" }, firstSeen: 0 } },
    [{ key: "backup.restoreTest.failed", critical: true, says: ["of 2026-11-20 12:00 UTC failed: 3 rows are missing. The last one that passed was of 2026-11-12 12:00 UTC"] }],
  ],
  ["the first restore test failed", { restoreTest: { lastPassedAt: null, lastFailed: { at: now - day, reason: "x" }, firstSeen: now - 2 * day } }, [{ key: "backup.restoreTest.failed", critical: true, says: ["None passed yet"] }]],
  [
    "the restore test passed in the future, by a clock that was wrong",
    { restoreTest: { lastPassedAt: now + 300 * day, lastFailed: null, firstSeen: now - 100 * day } },
    [{ key: "backup.restoreTest.overdue", says: ["No restore test passed"] }],
  ],
  ["backups began in the future, by a clock that was wrong", { restoreTest: { lastPassedAt: null, lastFailed: null, firstSeen: now + 300 * day } }, [{ key: "backup.restoreTest.overdue", says: [] }]],

  [
    "there is no second copy, and nothing else counts of it",
    { secondCopy: { kind: "none", lastCopiedAt: null, firstSeen: 0, sameDisk: true, initialised: false, missing: "none" } },
    [{ key: "backup.secondCopy.none", says: ["There is no second copy", "Pulumi.paper.yaml, trading:backup, secondCopy"] }],
  ],
  ["the second copy is behind", { secondCopy: { ...secondCopy, lastCopiedAt: now - 6 * hour } }, [{ key: "backup.secondCopy.behind", says: ["at 2026-11-21 06:00 UTC, 6 hours ago (allowed: 6 hours)"] }]],
  ["the second copy is behind because of a sleep", { secondCopy: { ...secondCopy, lastCopiedAt: now - 30 * hour }, awakeSince: now - 89 * minute }, []],
  ["the second copy is behind still after a sleep", { secondCopy: { ...secondCopy, lastCopiedAt: now - 30 * hour }, awakeSince: now - 90 * minute }, [{ key: "backup.secondCopy.behind", says: ["30 hours ago"] }]],
  ["nothing was copied ever", { secondCopy: { ...secondCopy, lastCopiedAt: null, initialised: false } }, [{ key: "backup.secondCopy.behind", says: ["Nothing was copied yet"] }]],
  ["nothing was copied yet, in the first hours", { secondCopy: { ...secondCopy, lastCopiedAt: null, initialised: false, firstSeen: now - hour } }, []],
  ["the second copy was made in the future", { secondCopy: { ...secondCopy, lastCopiedAt: now + day } }, [{ key: "backup.secondCopy.behind", says: ["Nothing was copied yet"] }]],
  ["the second copy is away", { secondCopy: { ...secondCopy, missing: "D:\\backups is not there", initialised: false } }, [{ key: "backup.secondCopy.missing", says: ["cannot be reached: D:\\backups is not there. It was last brought up to date"] }]],
  ["the second copy was emptied", { secondCopy: { ...secondCopy, initialised: false } }, [{ key: "backup.secondCopy.emptied", critical: true, says: ["no repository at the second copy's place any more"] }]],
  ["the second copy is on the same disk", { secondCopy: { ...secondCopy, sameDisk: true } }, [{ key: "backup.secondCopy.sameDisk", says: ["lies on the disk of the first one"] }]],

  [
    "commits were not pushed",
    { clone: { ...clone, unpushedSince: now - 24 * hour - 1 } },
    [{ key: "backup.clone.unpushed", says: ["2 commits in the repository were on no remote at 2026-11-21 11:00 UTC, the oldest made 24 hours ago (allowed: 24 hours)", "git push"] }],
  ],
  ["one commit was not pushed", { clone: { ...clone, unpushedCommits: 1, unpushedSince: now - 9 * day } }, [{ key: "backup.clone.unpushed", says: ["1 commit in the repository was on no remote", "9 days ago"] }]],
  ["all was pushed", { clone: { ...clone, unpushedSince: null, unpushedCommits: 0 } }, []],
  ["the repository has no remote", { clone: { ...clone, noRemote: true } }, [{ key: "backup.clone.noRemote", says: ["has no remote", "git remote add origin"] }]],
  ["the clone was never looked at", { clone: { unpushedSince: null, unpushedCommits: null, noRemote: true, lastTakenAt: null } }, []],

  ["the clock jumped ahead", { clock: { jump: { at: new Date(now - hour).toISOString(), milliseconds: day }, newestPointInFuture: null } }, [{ key: "backup.clock.jumped", says: ["jumped ahead by 24 hours; by it now is 2026-11-21 12:00 UTC", "Nothing is removed before 2026-11-22 11:00 UTC"] }]],
  [
    "the clock was ahead and came back",
    { clock: { jump: { at: new Date(now).toISOString(), milliseconds: -day }, newestPointInFuture: now + day } },
    [
      { key: "backup.clock.jumped", says: ["jumped back by 24 hours"] },
      { key: "backup.clock.future", says: ["is of 2026-11-22 12:00 UTC, 24 hours in the future"] },
    ],
  ],

  ["images are in no archive", { imagesNotArchived: ["bot", "gui"] }, [{ key: "backup.images.missing", says: ["deployed image of bot, gui"] }]],
  ["artifacts are lost", { lostArtifacts: ["1/a (run a)", "1/b (run b)", "1/c (run c)", "1/d (run d)"] }, [{ key: "backup.artifacts.lost", says: ["4 artifacts of MLflow are lost", "(1/a (run a); 1/b (run b); 1/c (run c); and more)", "npx trading backups --stack paper"] }]],
  ["one artifact is lost", { lostArtifacts: ["1/a (run a)"] }, [{ key: "backup.artifacts.lost", says: ["1 artifact of MLflow is lost", "(1/a (run a))."] }]],
  ["manifests are broken", { brokenFiles: ["a.json", "b.json", "c.json", "d.json"] }, [{ key: "backup.catalog.broken", critical: true, says: ["4 files of the catalog", "(a.json, b.json, c.json and more)"] }]],
];

describe("alarms of backups", () => {
  for (const [name, change, expected] of cases) {
    it(`are right when ${name}`, () => {
      const alarms = activeAlarms({ ...facts, ...change }, thresholds);
      expect(alarms.map(({ key, severity }) => ({ key, severity }))).to.deep.equal(expected.map(({ key, critical }) => ({ key, severity: critical ? "critical" : "warning" })));
      alarms.forEach(({ text }, index) => {
        for (const words of expected[index]?.says ?? []) expect(text).to.include(words);
      });
    });
  }

  it("are all told of at once, each by its own key, with words that are complete and a section of the runbook", () => {
    // Each case in turn, so that every alarm there is comes by.
    const keys = new Set<string>();
    for (const [, change] of cases) {
      const alarms = activeAlarms({ ...facts, ...change }, thresholds);
      expect(new Set(alarms.map(({ key }) => key)).size).to.equal(alarms.length);
      for (const { key, text, runbook } of alarms) {
        keys.add(key);
        expect(key).to.match(/^backup(\.[a-zA-Z]+)+$/);
        expect(text).to.match(/^[A-Z0-9]/).and.not.match(/undefined|null|NaN|Infinity|\[object/);
        expect(RUNBOOK_SECTIONS).to.include(runbook);
      }
    }
    expect(keys.size).to.be.at.least(20);
  });

  it("keep their keys while their numbers change", () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), (some, more) => {
        const bad = (passed: number): AlarmFacts => {
          const failures = 1 + passed;
          return {
            ...facts,
            now: now + passed * day,
            jobs: Object.fromEntries(JOBS.map((job) => [job, { ...good, lastGood: now - 9 * day, failures }])),
            archive: { ...archive, waiting: failures, oldestWaitingSeconds: 9000 + passed * 86_400, missing: [{ after: null, before: null }] },
            disk: { usedShare: 0.95, freeBytes: passed },
            restoreTest: { ...facts.restoreTest, lastPassedAt: now - 90 * day },
            secondCopy: { ...secondCopy, lastCopiedAt: now - 9 * day, sameDisk: true },
            clone: { ...clone, unpushedSince: now - 9 * day, unpushedCommits: failures },
          };
        };
        const keysOf = (passed: number) => activeAlarms(bad(passed), thresholds).map(({ key }) => key);
        expect(keysOf(some)).to.deep.equal(keysOf(more)).and.to.have.length(JOBS.length * 2 + 8);
      }),
    );
  });
});
