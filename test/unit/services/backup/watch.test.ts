import { expect } from "chai";
import type { ArchiveFacts } from "../../../../domain/backup/alarmFacts";
import type { RecoveryPoint } from "../../../../domain/backup/recoveryPoint";
import { Journal, type RunEnd } from "../../../../services/backup/journal";
import { cloneFacts, lostArtifacts, sizeFacts, Watch, type Probes } from "../../../../services/backup/watch";
import type { Alarm } from "../../../../services/shared/alerts/AlertChannel";
import { quiet, samplePoint, sampleSettings, temporaryPaths } from "./samples";

const start = Date.UTC(2026, 10, 21, 12);
const minute = 60_000;
const good: RunEnd = { outcome: "good", reason: "done", bytes: 1, storedBytes: 1, point: null };
const archived: ArchiveFacts = { lastArchivedAt: start, lastArchivedWal: "0".repeat(24), failedCount: 0, waiting: 0, oldestWaitingSeconds: null, missing: [] };

describe("the watch over the backups", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  let journal: Journal;
  let now: number;
  let points: RecoveryPoint[];
  let probes: { -readonly [Name in keyof Probes]: Probes[Name] };
  let told: readonly Alarm[];
  let watch: Watch;
  const keys = async () => {
    await watch.lookAfterJob();
    return told.map(({ key }) => key);
  };

  beforeEach(async () => {
    home = await temporaryPaths();
    now = start;
    points = [samplePoint("20261121T101000Z", { clone: { ...samplePoint("20261121T101000Z").clone!, head: "abc", unpushedCommits: 0 } })];
    told = [];
    journal = await Journal.open(home.paths.journal, quiet, now);
    await journal.noteSecondCopy(true, now);
    for (const job of ["point", "dump", "copy", "prune", "check"] as const) await journal.end(job, good, now);
    await journal.forgetJump();
    probes = {
      archive: async () => archived,
      secondCopy: async () => ({ sameDisk: false, initialised: true, missing: null }),
      imagesNotArchived: async () => [],
      restorable: async () => null,
      sizes: async () => ({ databaseBytes: 1, filesBytes: 1 }),
      outbox: async () => 0,
    };
    watch = new Watch({
      ...{ stack: "paper", settings: sampleSettings, backups: home.root, data: home.root, journal, probes, log: quiet },
      catalog: { read: async () => ({ points, proofs: [], broken: [] }) },
      scheduler: { awakeSince: start },
      channel: { set: (active) => void (told = active), state: () => ({ active: [] }) as never },
      now: () => now,
    });
  });
  afterEach(() => home.remove());

  it("raises nothing while all is well", async () => {
    expect(await keys()).to.deep.equal([]);
    expect(watch.seen).to.deep.include({ at: start, outbox: 0, imagesNotArchived: [] });
  });

  it("raises what failed, names the runbook, and counts it once", async () => {
    await journal.end("point", { ...good, outcome: "failed", reason: "no room" }, now);
    expect(await keys()).to.deep.equal(["backup.job.point.failed"]);
    expect(told[0]!.text).to.contain("no room");
    expect(told[0]!.runbook).to.equal("runbooks/Backup_And_Restore.md, 5.1 Et job fejlede eller kom for sent");
    await keys();
    expect(journal.current.months["2026-11"]!.alarms).to.deep.equal({ "backup.job.point.failed": 1 });
    await journal.end("point", good, now);
    expect(await keys()).to.deep.equal([]);
  });

  it("takes what cannot be asked for unknown, and tells it of the archive when that lasts", async () => {
    const no = () => Promise.reject(new Error("no"));
    Object.assign(probes, { archive: no, imagesNotArchived: no, restorable: no, sizes: no, outbox: no });
    expect(await keys()).to.deep.equal([]);
    expect(watch.seen).to.deep.include({ archive: null, imagesNotArchived: null, outbox: null });
    now += 6 * minute;
    expect(await keys()).to.deep.equal(["backup.archive.unknown"]);
    probes.archive = async () => archived;
    expect(await keys()).to.deep.equal([]);
  });

  it("tells of a second copy that cannot be asked for", async () => {
    probes.secondCopy = () => Promise.reject(new Error("the disk is away"));
    expect(await keys()).to.deep.equal(["backup.secondCopy.missing"]);
    expect(told[0]!.text).to.contain("the disk is away");
  });

  it("tells of lost artifacts for as long as the newest point names them", async () => {
    const clone = { ...points[0]!.clone! };
    const at = (hour: string, missing: string[]) => samplePoint(`20261121T${hour}1000Z`, { clone, artifacts: { ...samplePoint("20261121T101000Z").artifacts!, references: { checked: 3, missing } } });
    points = [at("04", []), at("10", ["1/r5/artifacts/equity.csv (run r5)"])];
    expect(await keys()).to.deep.equal(["backup.artifacts.lost"]);
    expect(told[0]).to.include({ severity: "warning", runbook: "runbooks/Backup_And_Restore.md, 5.10 Artefakter er tabt" });
    points = [...points, at("11", [])];
    expect(await keys()).to.deep.equal([]);
  });

  const jumps: [what: string, milliseconds: number, newest: string, raised: string[], forgotten: boolean][] = [
    ["a night's sleep, when the newest point is of yesterday, not", 8 * 60 * minute, "20261120T101000Z", [], false],
    ["a night's sleep, when there is a new one, not", 8 * 60 * minute, "20261121T110000Z", [], true],
    ["two days ahead, until there is a new point,", 48 * 60 * minute, "20261119T101000Z", ["backup.clock.jumped"], false],
    ["two days ahead, also when a point was made by the new time,", 48 * 60 * minute, "20261121T120000Z", ["backup.clock.jumped"], false],
    ["back, behind the newest point,", -24 * 60 * minute, "20261122T101000Z", ["backup.clock.jumped", "backup.clock.future"], false],
  ];
  for (const [what, milliseconds, newest, raised, forgotten] of jumps) {
    it(`tells of a clock that jumped: ${what}`, async () => {
      points = [samplePoint(newest, { clone: null })];
      await journal.noteJump({ at: new Date(now).toISOString(), milliseconds });
      expect(await keys()).to.deep.equal(raised);
      expect(await keys()).to.deep.equal(raised);
      expect(journal.current.jump === null).to.equal(forgotten);
    });
  }

  it("tells of a jump for a day in which the clock goes on, and then trusts it", async () => {
    await journal.noteJump({ at: new Date(now).toISOString(), milliseconds: 25 * 60 * minute });
    const at = async (passed: number) => {
      now = start + passed;
      points = [samplePoint(new Date(now).toISOString().replace(/\.\d+/, "").replace(/[-:]/g, ""), { clone: null })];
      for (const job of ["point", "dump", "copy", "prune", "check"] as const) await journal.end(job, good, now);
      return keys();
    };
    expect(await at(24 * 60 * minute - 1)).to.deep.equal(["backup.clock.jumped"]);
    await at(24 * 60 * minute);
    expect([await keys(), journal.current.jump]).to.deep.equal([[], null]);
  });

  it("does not run two looks at once, and looks again after what was asked meanwhile", async () => {
    let [running, most, looks] = [0, 0, 0];
    probes.archive = async () => {
      looks += 1;
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return archived;
    };
    await Promise.all([watch.look(), watch.look(), watch.lookAfterJob()]);
    expect([most, looks]).to.deep.equal([1, 2]);
  });
});

describe("what points tell of sizes", () => {
  it("is what each part that they have holds, newest first", () => {
    const dump = { snapshot: "b".repeat(64), files: 3, bytes: 7, contents: {} };
    const points = [samplePoint("20261121T041000Z", { databaseBytes: 1 }), samplePoint("20261121T044000Z", { kind: "dump", physical: null, dump, databaseBytes: 2 }), samplePoint("20261121T101000Z", { clone: null, databaseBytes: 3 })];
    expect(sizeFacts(points)).to.deep.equal({ point: [3, 1], dump: [2], dumpFiles: [7], artifacts: [10, 10, 10], clone: [10, 10] });
  });
});

describe("what points tell of lost artifacts", () => {
  const lost = (missing: string[]) => ({ ...samplePoint("20261121T101000Z").artifacts!, references: { checked: 3, missing } });
  const cases: [what: string, points: RecoveryPoint[], missing: string[]][] = [
    ["nothing while there is none", [], []],
    ["what the newest one says", [samplePoint("20261121T041000Z", { artifacts: lost(["a"]) }), samplePoint("20261121T101000Z", { artifacts: lost(["b"]) })], ["b"]],
    ["what the newest one with artifacts says", [samplePoint("20261121T041000Z", { artifacts: lost(["a"]) }), samplePoint("20261121T101000Z", { artifacts: null })], ["a"]],
    ["what a dump says that is newer", [samplePoint("20261121T041000Z", { artifacts: lost(["a"]) }), samplePoint("20261121T101000Z", { kind: "dump", physical: null })], []],
  ];
  for (const [what, points, missing] of cases) it(`is ${what}`, () => expect(lostArtifacts(points)).to.deep.equal(missing));
});

describe("what points tell of the clone", () => {
  const clone = samplePoint("20261121T101000Z").clone!;
  it("is nothing while there is none", () => expect(cloneFacts([])).to.deep.equal({ unpushedSince: null, unpushedCommits: null, noRemote: false, lastTakenAt: null }));
  it("is of the newest one that has it", () => {
    const points = [
      samplePoint("20261121T041000Z", { clone: { ...clone, head: "a", unpushedCommits: 2, oldestUnpushedAt: "2026-11-20T00:00:00.000Z" } }),
      samplePoint("20261121T101000Z", { clone: null, kind: "dump" }),
    ];
    expect(cloneFacts(points)).to.deep.equal({ unpushedSince: Date.UTC(2026, 10, 20), unpushedCommits: 2, noRemote: false, lastTakenAt: Date.UTC(2026, 10, 21, 4, 10) });
  });
  it("is that there is no remote, only where there is a repository", () => {
    expect(cloneFacts([samplePoint("20261121T101000Z", { clone: { ...clone, head: "a" } })]).noRemote).to.equal(true);
    expect(cloneFacts([samplePoint("20261121T101000Z", { clone })]).noRemote).to.equal(false);
  });
});
