import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type { Job } from "../../domain/backup/jobs";
import { FakeClock } from "../support/fakeClock";
import { eventually } from "../support/throwAwayStack";
import { BackupServiceRig, serviceSettings } from "./serviceRig";

const day = 86_400;

/** Where the service is killed while it makes a point; what is told of the last is that the point was whole by then. */
const crashes = [
  { name: "backup-of-the-database", kind: "starts", text: "^pgbackrest backup" },
  { name: "restore-point", kind: "says", text: "pg_create_restore_point" },
  { name: "switch-of-the-log", kind: "says", text: "pg_switch_wal" },
  { name: "artifacts", kind: "starts", text: "^restic backup.*kind:artifacts" },
  { name: "clone", kind: "starts", text: "^restic backup.*kind:clone" },
  { name: "manifest-not-renamed", kind: "renames", text: "/points/\\d{8}T\\d{6}Z\\.json$" },
  { name: "manifest-renamed", kind: "renamed", text: "/points/\\d{8}T\\d{6}Z\\.json$" },
] as const;

describe("faults around the backup service", function () {
  this.timeout(300_000);
  const rig = new BackupServiceRig({ backupsMegabytes: 256 });
  const clock = new FakeClock(rig, "clock");
  let good: string[];

  before(async () => {
    await rig.prepare();
    await rig.startService();
    await rig.allGood();
    good = await ids();
  });
  after(() => rig.remove());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
    // One that failed half-way must not take the others with it.
    await rig.start("timescaledb");
    await rig.databaseReady();
  });

  const ids = async () => (await rig.manifests()).map(({ id }) => id);

  /** A run failed: nothing new counts as good, the owner is told why, and the status says so. */
  async function failedHonestly(job: Job, reason: RegExp): Promise<void> {
    const { lastRun, lastGood, failures } = (await rig.status()).jobs[job];
    expect(lastRun).to.include({ outcome: "failed", storedBytes: null, point: null });
    expect(lastRun!.reason).to.match(reason);
    expect(failures).to.be.greaterThan(0);
    expect(lastGood === null || lastGood < lastRun!.startedAt).to.equal(true);
    expect(await ids()).to.deep.equal(good);
    await eventually("the alarm is raised", 20, async () => (await rig.alarms()).includes(`backup.job.${job}.failed`));
  }

  /** What was wrong is mended: the next run is good, and the alarm over. */
  async function goodAgain(job: Job): Promise<void> {
    expect(await rig.runJob(job)).to.include({ outcome: "good" });
    if (job === "point" || job === "dump") {
      const now = await ids();
      expect(now.length).to.equal(good.length + 1);
      good = now;
    }
    await eventually("the alarm is over", 20, async () => !(await rig.alarms()).includes(`backup.job.${job}.failed`));
  }

  it("killed in every phase of a point, with the receiver of alarms away, it loses nothing and claims nothing", async () => {
    await rig.fill("crash", "10002:10002", { "crash.cjs": await readFile(path.join(__dirname, "crash.cjs"), "utf8"), "points.json": JSON.stringify(crashes) });
    await rig.inVolume("crash", "mkdir struck; chown 10002:10002 struck");
    await rig.restartService({ environment: { NODE_OPTIONS: "--require=/crash/crash.cjs" }, arguments: ["--volume", `${rig.name("crash")}:/crash`] });
    const before = (await rig.received()).length;
    await rig.kill("receiver");
    for (const { name } of crashes) {
      await rig.begin("point");
      expect(await rig.ends("backup", 30), name).to.equal(137);
      if (name === "manifest-renamed") good = [...good, ...(await ids()).filter((id) => !good.includes(id))];
      await rig.start("backup");
      await eventually("the service answers", 30, () => rig.status());
      await failedHonestly("point", /^ended without a word/);
    }
    expect((await rig.inVolume("crash", "ls struck")).split("\n").sort()).to.deep.equal(crashes.map(({ name }) => name).sort());
    expect(await rig.received()).to.have.length(before);

    await rig.start("receiver");
    await goodAgain("point");
    expect(await rig.inVolume("backups", "find points journal -name '*.partial'; find scratch -type f ! -name artifact-references.json")).to.equal("");
    await rig.told("backup.job.point.failed", "raised");
    await rig.told("backup.job.point.failed", "resolved");
    await rig.restartService();
  });

  it("ends what runs when its container is stopped, which is no failure, and begins it anew at the next start", async () => {
    await rig.begin("point");
    await rig.atStep("point", /^backup of the database/);
    expect(await rig.stop("backup")).to.equal(0);
    expect(await ids()).to.deep.equal(good);
    await rig.start("backup");
    const run = await eventually("the point was begun anew", 60, async () => {
      const { lastRun, failures } = (await rig.status()).jobs.point;
      expect(failures).to.equal(0);
      return lastRun?.outcome === "good" ? lastRun : undefined;
    });
    const text = await rig.inVolume("backups", "cat journal/point.json");
    expect((JSON.parse(text) as { reason: string; startedAt: string }[]).find(({ startedAt }) => startedAt < run.startedAt)!.reason).to.match(/^stopped: the container was stopped during "backup of the database/);
    good = await ids();
  });

  /** Kills the database under a point that runs: the point fails, and the next one is good when the database is back. */
  async function killDatabaseAndBack(): Promise<void> {
    await rig.kill("timescaledb");
    await eventually("the run ended", 60, async () => (await rig.status()).jobs.point.failures > 0);
    await failedHonestly("point", /./);
    await rig.start("timescaledb");
    await rig.databaseReady();
    await goodAgain("point");
  }

  it("fails when the database is killed during its backup, and not again when it is back", async () => {
    // pgBackRest asks for the tablespaces once its backup has begun: a lock on them holds it there.
    const client = await rig.connect();
    await client.query("BEGIN; LOCK TABLE pg_catalog.pg_tablespace IN ACCESS EXCLUSIVE MODE");
    await rig.begin("point");
    await eventually("pgBackRest waits within its backup", 60, async () => {
      // Over another connection: within a transaction the sessions look as they did at first.
      const waiting = await rig.query("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'pgBackRest%' AND wait_event_type = 'Lock'");
      return waiting.length > 0;
    });
    await killDatabaseAndBack();
  });

  it("fails when the database is killed while the moment is marked, and not again when it is back", async () => {
    // A transaction that writes keeps the marking waiting.
    const client = await rig.connect();
    await client.query("BEGIN; LOCK TABLE candles IN ROW EXCLUSIVE MODE");
    await rig.begin("point");
    await rig.atStep("point", /^marking the moment/);
    await killDatabaseAndBack();
  });

  it("fails when pg_dump is killed, and keeps nothing of the dump", async () => {
    // A lock that pg_dump has to wait for gives the time to kill it.
    const client = await rig.connect();
    await client.query("BEGIN; LOCK TABLE candles IN ACCESS EXCLUSIVE MODE");
    try {
      await rig.begin("dump");
      // The container's own superuser may not send signals to others.
      const kill = "kill -9 $(grep -lx pg_dump /proc/[0-9]*/comm | cut -d / -f 3)";
      await eventually("pg_dump was killed", 30, () => rig.execute("backup", "setpriv", "--reuid", "10002", "--regid", "10002", "--clear-groups", "sh", "-euc", kill).then(() => true));
    } finally {
      await client.query("ROLLBACK");
    }
    await eventually("the run ended", 30, async () => (await rig.status()).jobs.dump.failures > 0);
    await failedHonestly("dump", /pg_dump/);
    expect(await rig.inVolume("backups", "find scratch -type f ! -name artifact-references.json")).to.equal("");
    await goodAgain("dump");
  });

  it("waits while another one holds the lock, which is free as soon as that one is dead", async () => {
    const holder = (name: string) => {
      const child = spawn("docker", ["run", "--rm", "--interactive", "--init", "--name", rig.name(name), "--user", "10002", "--network", "none", "--volume", `${rig.name("backups")}:/backups`, image, "tool", "hold", '{"holder":"restore"}']);
      let said = "";
      child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
      return { child, said: () => said, ended: once(child, "close") };
    };
    const image = await rig.image("backup");
    const [one, other] = [holder("hold-1"), holder("hold-2")];
    const loser = await Promise.race([one.ended.then(() => one), other.ended.then(() => other)]);
    const winner = loser === one ? other : one;
    expect(loser.said()).to.match(/^\{"kind":"error","message":"the backups are in use: restore since /);
    expect(winner.said()).to.equal('{"kind":"held"}\n');

    const { lastRun } = (await rig.status()).jobs.point;
    try {
      await rig.begin("point");
      await eventually("the point waits", 20, async () => (await rig.status()).waitingFor?.startsWith("restore since "));
      expect((await rig.status()).jobs.point.lastRun).to.deep.equal(lastRun);
    } finally {
      await rig.kill(winner === one ? "hold-1" : "hold-2");
      await winner.ended;
    }
    expect(await rig.nextRun("point", lastRun!.startedAt)).to.include({ outcome: "good" });
    good = await ids();
  });

  it("fails while the volume of the backups is full, tells it all the same, and goes on when there is room", async () => {
    await rig.fillUp("backups");
    try {
      await rig.begin("point");
      await eventually("the run ended", 60, async () => (await rig.status()).jobs.point.failures > 0);
      await failedHonestly("point", /No space left|ENOSPC|space/i);
      await eventually("the full disk is told", 30, async () => (await rig.alarms()).includes("backup.disk.full"));
    } finally {
      await rig.giveRoom("backups");
    }
    await goodAgain("point");
    await eventually("the alarm about the disk is over", 30, async () => !(await rig.alarms()).includes("backup.disk.full"));
  });

  it("fails with a wrong password of the files' repository, and leaves it as it is", async () => {
    const password = await rig.inVolume("secrets-backup", "cat restic-password");
    await rig.fill("secrets-backup", "10002:10002", { "restic-password": "wrong" });
    try {
      expect(await rig.runJob("point")).to.include({ outcome: "failed" });
      await failedHonestly("point", /password/);
    } finally {
      await rig.fill("secrets-backup", "10002:10002", { "restic-password": password });
    }
    await goodAgain("point");
  });

  for (const missing of ["/artifacts", "/project"]) {
    it(`fails when nothing is mounted at ${missing}, rather than keeping an empty folder`, async () => {
      await rig.restartService({ without: [missing] });
      expect(await rig.runJob("point")).to.include({ outcome: "failed" });
      await failedHonestly("point", new RegExp(`nothing is mounted at ${missing}$`));
      await rig.restartService();
      await goodAgain("point");
    });
  }

  it("says that it is not ready and fails every job without the volume of the backups, and tells it", async () => {
    await rig.restartService({ without: ["/backups"] });
    expect(JSON.parse(await rig.ask("backup", "/readyz"))).to.deep.equal({ ready: false, reason: "nothing is mounted at /backups" });
    await eventually("the alarm is raised", 30, async () => (await rig.alarms()).includes("backup.job.point.failed"));
    const since = (await rig.received()).length;
    await eventually("the receiver is told", 30, async () => (await rig.received()).slice(since - 20).some(({ key }) => key === "backup.job.point.failed"));
    expect((await rig.status()).jobs.point.lastGood).to.equal(null);
    expect(await ids()).to.deep.equal(good);
    await rig.restartService();
    expect(JSON.parse(await rig.ask("backup", "/readyz"))).to.have.property("ready", true);
    await goodAgain("point");
  });

  it("removes nothing by a clock that was set back a day or ahead a day, and catches up once", async () => {
    await clock.prepare();
    const { environment, volumes } = clock.options;
    const mounts = Object.entries(volumes!).flatMap(([volume, at]) => ["--volume", `${rig.name(volume)}:${at}`]);
    // Half a day from now, so that the test itself has no time of the schedule in it.
    const later = new Date(Date.now() + 43_200_000);
    const schedule = { ...serviceSettings.schedule, point: `${later.getUTCMinutes()} ${later.getUTCHours()} * * *` };
    await rig.restartService({ settings: { schedule }, environment: environment!, arguments: mounts });
    const physical = async () => (await rig.manifests()).filter(({ kind }) => kind === "point").map(({ id }) => id);

    // What ran in the future runs once more, so that nothing is silent until then.
    let before = await physical();
    let { startedAt } = (await rig.status()).jobs.prune.lastRun!;
    await clock.set(-day);
    const refused = await rig.nextRun("prune", startedAt);
    expect(refused).to.include({ outcome: "failed" });
    expect(refused.reason).to.match(/nothing is removed: .*in the future by this clock/);
    for (const key of ["backup.clock.jumped", "backup.clock.future", "backup.job.prune.failed"]) await rig.told(key, "raised");
    expect(await physical()).to.include.members(before).and.to.have.length(before.length + 1);

    await clock.set(0);
    await eventually("no point lies in the future", 30, async () => !(await rig.alarms()).includes("backup.clock.future"));
    expect(await rig.runJob("prune")).to.include({ outcome: "good" });
    expect(await physical()).to.include.members(before);

    before = await physical();
    ({ startedAt } = (await rig.status()).jobs.point.lastRun!);
    await clock.set(day);
    expect(await rig.nextRun("point", startedAt)).to.include({ outcome: "good" });
    const caughtUp = (await rig.status()).jobs.point.lastRun;
    expect(await rig.runJob("prune")).to.include({ outcome: "good" });
    expect((await rig.status()).jobs.point.lastRun).to.deep.equal(caughtUp);
    expect(await physical()).to.include.members(before).and.to.have.length(before.length + 1);
  });
});
