import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Job } from "../../domain/backup/jobs";
import { FakeClock } from "../support/fakeClock";
import { eventually } from "../support/throwAwayStack";
import { counting, crashes, databaseKills, FaultyServiceRig, wrongSecrets } from "./serviceFaults";
import { databaseUser, serviceSettings } from "./serviceRig";

const day = 86_400;

describe("faults around the backup service", function () {
  this.timeout(300_000);
  const rig = new FaultyServiceRig({ backupsMegabytes: 256, dataMegabytes: 400 });
  const clock = new FakeClock(rig, "clock");
  let good: string[];

  before(async () => {
    await rig.prepare();
    await rig.startService(rig.hooked);
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
    await eventually("the alarm is raised", 60, async () => (await rig.alarms()).includes(`backup.job.${job}.failed`));
  }

  /** What was wrong is mended: the next run is good, and the alarm over. */
  async function goodAgain(job: Job): Promise<void> {
    const run = await rig.runJob(job);
    expect(run.outcome, run.reason).to.equal("good");
    if (job === "point" || job === "dump") {
      // The scheduler's own next try may have made one more.
      const now = await ids();
      expect(now).to.include.members([...good, run.point]);
      good = now;
    }
    await eventually("the alarm is over", 60, async () => !(await rig.alarms()).includes(`backup.job.${job}.failed`));
  }

  it("killed in every phase of a point, with the receiver of alarms away, it loses nothing and claims nothing", async () => {
    await rig.arm(crashes);
    await rig.kill("receiver");
    const before = (await rig.received()).length;
    for (const { name } of crashes) {
      await rig.begin("point");
      expect(await rig.ends("backup", 120), name).to.equal(137);
      if (name === "manifest-renamed") good = [...good, ...(await ids()).filter((id) => !good.includes(id))];
      await rig.start("backup");
      await eventually("the service answers", 90, () => rig.status());
      await failedHonestly("point", /^ended without a word/);
      const lines = (await rig.logs("backup", 200)).split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines.findLast(({ outcome }) => outcome !== undefined)).to.include({ job: "point", outcome: "failed", seconds: null });
    }
    expect((await rig.inVolume("crash", "ls struck")).split("\n").sort()).to.deep.equal(crashes.map(({ name }) => name).sort());
    expect(await rig.received()).to.have.length(before);

    await rig.start("receiver");
    await goodAgain("point");
    expect(await rig.inVolume("backups", "find points journal -name '*.partial'; find scratch -type f ! -name artifact-references.json")).to.equal("");
    await rig.told("backup.job.point.failed", "raised");
    await rig.told("backup.job.point.failed", "resolved");
  });

  it("stands still while bots decide, and is good", async () => {
    const before = await rig.lastRun("point");
    await rig.keptAtCheckpoint();
    const bots = await rig.deciding();
    try {
      await eventually("pgBackRest stands still", 60, async () => (await rig.statesOf("pgbackrest")).includes("T"));
    } finally {
      await bots.end();
      await rig.letCheckpoint();
    }
    const run = await rig.nextRun("point", before);
    expect(run.outcome, run.reason).to.equal("good");
    good = [...good, run.point!];
  });

  it("ends what runs when its container is stopped, which is no failure, and begins it anew at the next start", async () => {
    await rig.keptAtCheckpoint();
    try {
      expect(await rig.stop("backup")).to.equal(0);
    } finally {
      await rig.letCheckpoint();
    }
    expect(await ids()).to.deep.equal(good);
    await rig.start("backup");
    await eventually("the point was begun anew", 120, async () => {
      const { lastRun, failures } = (await rig.status()).jobs.point;
      expect(failures).to.equal(0);
      return lastRun?.outcome === "good";
    });
    const runs = JSON.parse(await rig.inVolume("backups", "cat journal/point.json")) as { outcome: string; reason: string }[];
    expect(runs.find(({ outcome }) => outcome === "failed")!.reason).to.match(/^stopped: the container was stopped during "backup of the database/);
    good = await ids();
  });

  for (const { what, job, keep } of databaseKills) {
    it(`fails when the database is killed ${what}, and not again when it is back`, async () => {
      const before = await rig.lastRun(job);
      await keep(rig);
      await rig.kill("timescaledb");
      await rig.go("held");
      await rig.nextRun(job, before);
      await failedHonestly(job, /./);
      await rig.start("timescaledb");
      await rig.databaseReady();
      await goodAgain(job);
    });
  }

  it("needs the database no more while artifacts are taken, and is good though that is killed", async () => {
    await rig.arm([{ name: "held", kind: "starts", text: "^restic backup.*kind:artifacts", holds: true }]);
    const before = await rig.lastRun("point");
    await rig.begin("point");
    await rig.struck("held");
    await rig.kill("timescaledb");
    await rig.go("held");
    const run = await rig.nextRun("point", before);
    expect(run.outcome, run.reason).to.equal("good");
    good = [...good, run.point!];
    expect(await ids()).to.deep.equal(good);
  });

  it("waits for the log of a database that is killed meanwhile, and is good once that is back and archived it", async () => {
    const before = await rig.lastRun("point");
    await rig.keptAsking("point", "pg_create_restore_point");
    await rig.archiveAway();
    await rig.go("held");
    await rig.atStep("point", /^waiting for the log/);
    await rig.kill("timescaledb");
    await rig.archiveBack();
    await rig.start("timescaledb");
    const run = await rig.nextRun("point", before, 180);
    expect(run.outcome, run.reason).to.equal("good");
    good = [...good, run.point!];
    expect(await ids()).to.deep.equal(good);
  });

  it("tells of log that was dropped because the archive was away for too long, and begins anew with a full backup", async () => {
    await rig.boundArchiveQueue(32);
    await rig.archiveAway();
    try {
      for (let segment = 0; segment < 6; segment++) await rig.switchLog();
      await eventually("log was dropped", 90, async () => /dropped WAL file/.test(await rig.logs("timescaledb", 50)));
    } finally {
      await rig.archiveBack();
      await rig.boundArchiveQueue(1024);
    }
    // The archiver rests after some failures until there is something new.
    await rig.switchLog();
    await eventually("the rest is archived", 90, async () => (await rig.status()).archive?.holes === 1);
    const { text } = await rig.told("backup.archive.gap", "raised");
    expect(text).to.match(/1 hole: segments are missing from behind/);
    const run = await rig.runJob("point");
    expect([run.outcome, run.reason]).to.deep.equal(["good", "full backup, log was lost since the last one"]);
    good = await ids();
  });

  it("fails when pg_dump is killed, and keeps nothing of the dump", async () => {
    // A lock that pg_dump has to wait for gives the time to kill it.
    const client = await rig.connect();
    await client.query("BEGIN; LOCK TABLE candles IN ACCESS EXCLUSIVE MODE");
    const before = await rig.lastRun("dump");
    try {
      await rig.begin("dump");
      // The container's own superuser may not send signals to others.
      const kill = "kill -9 $(grep -lx pg_dump /proc/[0-9]*/comm | cut -d / -f 3)";
      await eventually("pg_dump was killed", 90, () => rig.execute("backup", "setpriv", "--reuid", "10002", "--regid", "10002", "--clear-groups", "sh", "-euc", kill).then(() => true));
    } finally {
      await client.query("ROLLBACK");
    }
    await rig.nextRun("dump", before);
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
      await eventually("the point waits", 60, async () => (await rig.status()).waitingFor?.startsWith("restore since "));
      expect((await rig.status()).jobs.point.lastRun).to.deep.equal(lastRun);
    } finally {
      await rig.kill(winner === one ? "hold-1" : "hold-2");
      await winner.ended;
    }
    expect(await rig.nextRun("point", lastRun!.id!)).to.include({ outcome: "good" });
    good = await ids();
  });

  it("fails while the volume of the backups is full, tells it all the same, and goes on when there is room", async () => {
    const before = await rig.lastRun("point");
    await rig.fillUp("backups");
    try {
      await rig.begin("point");
      await rig.nextRun("point", before);
      await failedHonestly("point", /No space left|ENOSPC|space/i);
      await eventually("the full disk is told", 90, async () => (await rig.alarms()).includes("backup.disk.full"));
    } finally {
      await rig.giveRoom("backups");
    }
    await goodAgain("point");
    await eventually("the alarm about the disk is over", 90, async () => !(await rig.alarms()).includes("backup.disk.full"));
  });

  it("tells that the database's disk is full, fails when that ends it, and has everything when there is room", async () => {
    await rig.query("INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, source) SELECT 'BTCUSDT', '1h', '2024-01-01Z'::timestamptz + i * interval '1 hour', 1, 1, 1, 1, 1, 'test' FROM generate_series(1, 500) AS i");
    const rows = await rig.candles();
    const before = await rig.lastRun("point");
    await rig.keptAsking("point", counting);
    // Segments of the log that are not archived are not used again: it needs another one, and ends when there is no room.
    await rig.archiveAway();
    await rig.fillUp("data");
    try {
      await eventually("the database ended", 90, async () => {
        await rig.switchLog().catch(() => undefined);
        return !(await rig.runs("timescaledb"));
      });
      await rig.go("held");
      await rig.nextRun("point", before);
      await failedHonestly("point", /./);
      await rig.told("backup.dataDisk.full", "raised");
    } finally {
      await rig.giveRoom("data");
      await rig.archiveBack();
      await rig.go("held");
    }
    await rig.start("timescaledb");
    await rig.databaseReady();
    expect(await rig.candles()).to.equal(rows);
    await goodAgain("point");
    const kept = (await rig.manifests()).at(-1)!.databases.trading.tables.find(({ name }) => name === "candles");
    expect(kept!.rows).to.equal(rows);
    await rig.told("backup.dataDisk.full", "resolved");
  });

  for (const { what, file, wrong, reason } of wrongSecrets) {
    it(`fails with ${what}, leaves it as it is, and says so to who waits for a sign of life`, async () => {
      const right = await rig.inVolume("secrets-backup", `cat ${file}`);
      const beats = (await rig.beats()).length;
      await rig.fill("secrets-backup", databaseUser, { [file]: wrong(right) });
      try {
        expect(await rig.runJob("point")).to.include({ outcome: "failed" });
        await failedHonestly("point", reason);
      } finally {
        await rig.fill("secrets-backup", databaseUser, { [file]: right });
      }
      const since = () => rig.beats().then((all) => all.slice(beats));
      await eventually("somebody elsewhere was told", 60, async () => (await since()).includes("/beat/fail"));
      await goodAgain("point");
      await eventually("somebody elsewhere was told that all is well", 60, async () => (await since()).at(-1) === "/beat");
    });
  }

  it("finds by its check a byte that flipped among all that is stored, and tells it", async () => {
    await goodAgain("check");
    const file = await rig.inVolume("backups", "find pgbackrest/archive -name '*.zst' | sort | tail -1");
    await rig.inVolume("backups", `cp -p ${file} kept; size=$(stat -c %s ${file}); printf '\\377\\376\\375' | dd of=${file} bs=1 seek=$((size / 2)) conv=notrunc status=none`);
    try {
      expect(await rig.runJob("check")).to.include({ outcome: "failed" });
      await failedHonestly("check", /the repository of the database's backup is damaged: .*(checksum invalid|other): 1/);
      await rig.told("backup.job.check.failed", "raised");
    } finally {
      await rig.inVolume("backups", `mv kept ${file}`);
    }
  });

  it("fails when something of what it takes is not mounted, rather than keeping an empty folder", async () => {
    for (const missing of ["/artifacts", "/project", "/data", "/sockets"]) {
      await rig.restartService({ without: [missing] });
      expect(await rig.runJob("point"), missing).to.include({ outcome: "failed" });
      await failedHonestly("point", new RegExp(`nothing is mounted at ${missing}$`));
    }
    await rig.restartService();
    await goodAgain("point");
  });

  it("says that it is not ready and fails every job without the volume of the backups, and tells it", async () => {
    const since = (await rig.received()).length;
    await rig.restartService({ without: ["/backups"] });
    expect(JSON.parse(await rig.ask("backup", "/readyz"))).to.deep.equal({ ready: false, reason: "nothing is mounted at /backups" });
    await eventually("the alarm is raised", 90, async () => (await rig.alarms()).includes("backup.job.point.failed"));
    await eventually("the receiver is told", 90, async () => (await rig.received()).slice(since).some(({ key }) => key === "backup.job.point.failed"));
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
    // One dump is kept: whenever something may be removed, the older ones are.
    const settings = { schedule, retention: { ...serviceSettings.retention, daily: 1, weekly: 0, monthly: 0 } };
    const start = { settings, environment: environment!, arguments: mounts };
    const dumps = async () => (await rig.manifests()).filter(({ kind }) => kind === "dump").map(({ id }) => id);
    await rig.restartService(start);
    expect(await dumps()).to.have.length.greaterThan(1);
    const pruneRefused = async (run: { outcome: string; reason: string }, reason: RegExp, before: readonly string[]) => {
      expect(run).to.include({ outcome: "failed" });
      expect(run.reason).to.match(/nothing is removed: /).and.to.match(reason);
      expect(await ids()).to.include.members(before);
    };

    // What ran in the future runs once more, so that nothing is silent until then.
    let before = await ids();
    const earlier = await rig.lastRun("prune");
    await clock.set(-day);
    await pruneRefused(await rig.nextRun("prune", earlier, 240), /in the future by this clock/, before);
    await eventually("all of it is told", 90, async () => {
      const raised = await rig.alarms();
      return ["backup.clock.jumped", "backup.clock.future", "backup.job.prune.failed"].every((key) => raised.includes(key));
    });
    await rig.told("backup.clock.jumped", "raised");
    await eventually("point and dump ran once more", 120, async () => (await ids()).length === before.length + 2);

    before = await ids();
    await clock.set(0);
    await eventually("no point lies in the future", 90, async () => !(await rig.alarms()).includes("backup.clock.future"));
    await pruneRefused(await rig.runJob("prune"), /the clock jumped ahead by 24 hours/, before);

    before = await ids();
    const last = await rig.lastRun("point");
    await clock.set(day);
    const caughtUp = await rig.nextRun("point", last, 240);
    expect(caughtUp).to.include({ outcome: "good" });
    // The point, by the same clock, proves nothing: the alarm stays, and so does everything else.
    await pruneRefused(await rig.runJob("prune"), /the clock jumped ahead by 24 hours/, before);
    expect(await rig.alarms()).to.include("backup.clock.jumped");
    expect(await rig.lastRun("point")).to.equal(caughtUp.id);
    expect(await ids()).to.include.members(before).and.to.have.length(before.length + 1);

    // A day later the clock has gone on as clocks do, and what retention does not want goes.
    await rig.discard("backup");
    await clock.set(2 * day + 60);
    await rig.startService(start);
    await eventually("the next point is made", 120, async () => (await ids()).length > before.length + 1);
    expect(await rig.runJob("prune")).to.include({ outcome: "good" });
    expect(await dumps()).to.have.length(1);
    await eventually("the clock is trusted", 60, async () => !(await rig.alarms()).includes("backup.clock.jumped"));
  });
});
