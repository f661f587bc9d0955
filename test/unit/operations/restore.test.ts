import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Outcome } from "../../../operations/command";
import { restoreCommand } from "../../../operations/commands/restore";
import { CommandError } from "../../../operations/errors";
import { outcomeOf } from "./oneCommand";
import { Killed, POINT, recoveryPoint, RestoreWorldFake } from "./restoreWorld";
import { makeClone } from "./support";

interface Told {
  readonly outcome: Outcome | undefined;
  readonly error: CommandError | undefined;
  readonly said: string;
  readonly killed: boolean;
}

describe("restore", () => {
  let root: string;
  let world: RestoreWorldFake;
  beforeEach(() => {
    root = makeClone();
    fs.mkdirSync(path.join(root, "database", "migrations"), { recursive: true });
    for (const name of ["0001_first", "0002_known"]) fs.writeFileSync(path.join(root, "database", "migrations", `${name}.sql`), "");
    world = new RestoreWorldFake();
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const journal = () => path.join(root, ".trading", "stacks", "paper", "restore.json");
  const phase = () => (JSON.parse(fs.readFileSync(journal(), "utf8")) as { phase: string }).phase;
  const everything = ["livefeed", "timescaledb", "mlflow", "broker", "gui", "backup", "bot-refstrat01", "bot-second"];

  /** Runs `restore` with the means of the test. */
  async function restore(argv: readonly string[], answer?: string): Promise<Told> {
    let said = "";
    try {
      const say = (text: string) => void (said += text);
      const outcome = await outcomeOf((context, wrap) => restoreCommand(context, wrap, world.means), argv, { root, engine: () => world.engine, answer, say });
      return { outcome, error: undefined, said, killed: false };
    } catch (error) {
      if (error instanceof Killed) return { outcome: undefined, error: undefined, said, killed: true };
      if (error instanceof CommandError) return { outcome: undefined, error, said, killed: false };
      throw error;
    }
  }

  const restored = { live: "new", before: undefined, restored: undefined };
  const untouched = { live: "old", before: undefined, restored: undefined };

  it("restores database and artifacts to a point, and starts everything as it is wished", async () => {
    const { outcome, said, error } = await restore(["--to", POINT, "--confirm", "paper"]);
    if (error) throw error;
    expect(outcome?.exitCode).to.equal(0);
    expect(outcome?.text).to.match(new RegExp(`^Stack paper is restored to backup ${POINT}, verified and running\\. Services were stopped for `));
    expect(world.slots.cluster).to.deep.equal(restored);
    expect(world.slots.artifacts).to.deep.equal(restored);
    expect(world.running()).to.have.members(everything);
    expect(fs.existsSync(journal())).to.equal(false);
    expect(said).to.match(/trading: trading\.fills.*5.*3/);
    const order = world.calls.map((call) => call.split(" ")[0]);
    expect(order.indexOf("restore-artifacts")).to.be.lessThan(order.indexOf("stop"));
    expect(order.lastIndexOf("discard-cluster")).to.be.greaterThan(order.lastIndexOf("point"));
    expect(order.filter((call) => call === "point")).to.have.length(2);
  });

  it("does not start a bot that is wished stopped", async () => {
    fs.writeFileSync(path.join(root, ".trading", "stacks", "paper", "desired.json"), JSON.stringify({ bots: { second: "stopped" } }));
    const { outcome } = await restore(["--confirm", "paper"]);
    expect(outcome?.exitCode).to.equal(0);
    expect(world.running()).to.have.members(everything.filter((service) => service !== "bot-second"));
  });

  it("stops only who uses the trading database when that alone is restored", async () => {
    const { outcome } = await restore(["--only", "db", "--to", POINT, "--confirm", "paper"]);
    expect(outcome?.exitCode).to.equal(0);
    expect(world.calls.filter((call) => /^stop id-(mlflow|timescaledb)/.test(call))).to.deep.equal([]);
    expect(world.slots).to.deep.equal({ cluster: untouched, artifacts: untouched, database: restored });
  });

  it("leaves the bots alone when MLflow is restored", async () => {
    const { outcome } = await restore(["--only", "mlflow", "--to", POINT, "--confirm", "paper"]);
    expect(outcome?.exitCode).to.equal(0);
    expect(world.calls.filter((call) => call.startsWith("stop")).map((call) => call.split(" ")[1])).to.deep.equal(["id-mlflow", "id-backup"]);
    expect(world.slots).to.deep.equal({ cluster: untouched, artifacts: restored, database: restored });
  });

  it("restores although the database does not answer, and says that there is no safety point", async () => {
    world.answers = false;
    world.rows.old = {};
    const content = world.host.content.bind(world.host);
    world.host.content = async (...words) => {
      world.answers = world.slots.cluster.live === "new";
      return await content(...words);
    };
    const { outcome, said } = await restore(["--confirm", "paper"]);
    expect(outcome?.exitCode).to.equal(0);
    expect(said).to.contain("What would be lost is not known: the database does not answer");
    // The log leads beyond the newest artifacts that are stored.
    expect(said).to.contain("(backup 20240301T060000Z); what MLflow refers to from after that is taken from those that are there now, as far as it is.");
    expect(world.calls.filter((call) => call === "point")).to.have.length(1);
  });

  describe("when it is killed", () => {
    /** As many steps as a whole restore has. */
    async function stepsOf(argv: readonly string[]): Promise<number> {
      const before = world;
      world = new RestoreWorldFake();
      await restore(argv);
      const steps = world.steps();
      world = before;
      return steps;
    }

    for (const argv of [["--to", POINT], ["--only", "db"], ["--only", "mlflow"]]) {
      const all = [...argv, "--confirm", "paper"];

      it(`completes after any step when it is run again (${argv.join(" ")})`, async () => {
        const steps = await stepsOf(all);
        expect(steps).to.be.greaterThan(10);
        for (let step = 0; step < steps; step += 1) {
          world = new RestoreWorldFake();
          world.killAt = step;
          expect((await restore(all)).killed, `killed at ${step}`).to.equal(true);
          world.revive();
          const again = await restore(fs.existsSync(journal()) ? [] : all);
          expect(again.error?.message, `run again after ${step}`).to.equal(undefined);
          expect(again.outcome?.exitCode).to.equal(0);
          for (const slot of Object.values(world.slots)) expect(slot.before ?? slot.restored, `left after ${step}`).to.equal(undefined);
          expect(world.slots[argv.includes("db") || argv.includes("mlflow") ? "database" : "cluster"].live).to.equal("new");
          expect(world.running(), `running after ${step}`).to.have.members(everything);
          expect(fs.existsSync(journal())).to.equal(false);
        }
      });

      it(`goes back after any step that is not the last (${argv.join(" ")})`, async () => {
        const steps = await stepsOf(all);
        let wentBack = 0;
        for (let step = 0; step < steps; step += 1) {
          world = new RestoreWorldFake();
          world.killAt = step;
          await restore(all);
          world.revive();
          if (!fs.existsSync(journal())) continue;
          const back = await restore(["--go-back"]);
          if (back.error !== undefined) {
            expect(back.error.message, `after ${step}`).to.contain("there is nothing to go back to");
            expect((await restore([])).outcome?.exitCode).to.equal(0);
            continue;
          }
          wentBack += 1;
          for (const slot of Object.values(world.slots)) expect(slot, `after ${step}`).to.deep.equal(untouched);
          expect(world.running(), `running after ${step}`).to.have.members(everything);
          expect(fs.existsSync(journal())).to.equal(false);
        }
        expect(wentBack).to.be.greaterThan(5);
      });
    }

    it("completes going back when that is killed too", async () => {
      const all = ["--to", POINT, "--confirm", "paper"];
      await restore(all);
      const middle = world.calls.findIndex((call) => call.startsWith("start "));
      for (let step = 0; step < 40; step += 1) {
        world = new RestoreWorldFake();
        world.killAt = middle;
        await restore(all);
        world.revive();
        world.killAt = middle + step;
        const back = await restore(["--go-back"]);
        world.revive();
        if (back.killed) expect((await restore(step % 2 === 0 && phase() === "goingBack" ? [] : ["--go-back"])).error?.message, `after ${step}`).to.equal(undefined);
        for (const slot of Object.values(world.slots)) expect(slot, `after ${step}`).to.deep.equal(untouched);
        expect(world.running(), `running after ${step}`).to.have.members(everything);
        expect(fs.existsSync(journal())).to.equal(false);
        if (!back.killed) return;
      }
      expect.fail("going back has more steps than the test looked at");
    });
  });

  it("goes back by itself when the running server does not hold what was restored", async () => {
    world.rows.new = { trading: { "trading.fills": 2 }, mlflow: { "trading.runs": 1 } };
    const { error } = await restore(["--to", POINT, "--confirm", "paper"]);
    expect(error?.exitCode).to.equal(1);
    expect(error?.message).to.match(/trading\.fills has 2 rows, restored were 3; the old data is in place again/);
    expect(world.slots.cluster).to.deep.equal(untouched);
    expect(world.running()).to.have.members(everything);
    expect(fs.existsSync(journal())).to.equal(false);
  });

  it("stops nothing when what was restored is not right", async () => {
    world.verificationPasses = false;
    const { error } = await restore(["--to", POINT, "--confirm", "paper"]);
    expect(error?.message).to.match(/rows: fills differ\n +the stack was not touched; to try again: npx trading restore --stack paper; to give it up: .* --go-back$/);
    expect(world.calls.some((call) => call.startsWith("stop"))).to.equal(false);
    expect((await restore(["--go-back"])).outcome?.text).to.contain("is as it was before");
    expect(world.slots.cluster).to.deep.equal(untouched);
  });

  it("keeps the old data until a new recovery point was taken", async () => {
    let taken = 0;
    world.engine.meanwhile = (call) => {
      if (call.startsWith("start ")) taken += 1;
      world.pointGood = taken === 0;
    };
    const { error } = await restore(["--to", POINT, "--confirm", "paper"]);
    expect(error?.message).to.contain("no new recovery point could be taken (the disk is full); the old data is kept");
    expect(world.slots.cluster).to.deep.equal({ live: "new", before: "old", restored: undefined });
    world.engine.meanwhile = () => undefined;
    world.pointGood = true;
    expect((await restore([])).outcome?.exitCode).to.equal(0);
    expect(world.slots.cluster).to.deep.equal(restored);
  });

  it("waits for a recovery point that is under way, and takes the safety point after it", async () => {
    world.underWay = 3;
    const { outcome, said } = await restore(["--to", POINT, "--confirm", "paper"]);
    expect(said).to.contain("waits for the end of the run that is under way: a new one follows");
    // The first of the service's points is the one that was begun before.
    expect(outcome?.text).to.contain("What was there before is in recovery point 20240301T115902Z");
    expect(world.calls.filter((call) => call === "point")).to.have.length(2);
  });

  it("says which artifacts are lost, also when it is completed by a later run", async () => {
    world.lost = ["1/r1/artifacts/equity.csv (run r1)"];
    const { outcome } = await restore(["--to", POINT, "--confirm", "paper"]);
    expect(outcome?.text).to.match(/LOST: 1 artifact of MLflow: .*\n {2}1\/r1\/artifacts\/equity\.csv \(run r1\)\n/);
    world = new RestoreWorldFake();
    world.lost = ["1/r1/artifacts/equity.csv (run r1)"];
    world.killAt = world.calls.length + 12;
    expect((await restore(["--to", POINT, "--confirm", "paper"])).killed).to.equal(true);
    expect(phase()).to.equal("swapping");
    world.revive();
    expect((await restore([])).outcome?.text).to.contain("LOST: 1 artifact");
  });

  it("touches nothing when the log leads to a schema that this stack does not know", async () => {
    for (const [kind, versions, message] of [
      [[], { tradingSchema: "0009_future" }, /schema 0009_future is newer than this project's/],
      [["--only", "mlflow"], { mlflowSchema: "newer" }, /revision newer of MLflow's database is newer than this stack's MLflow/],
    ] as const) {
      world = new RestoreWorldFake();
      world.versions = { ...world.versions, ...versions };
      const { error } = await restore([...kind, "--confirm", "paper"]);
      expect(error?.message).to.match(message).and.to.contain("the stack was not touched");
      expect(world.calls.some((call) => call.startsWith("stop"))).to.equal(false);
      expect((await restore(["--go-back"])).error).to.equal(undefined);
    }
  });

  it("from the second copy lets the archive go on with what was restored: the first may be a new database's", async () => {
    expect((await restore(["--from", "second", "--to", POINT, "--confirm", "paper"])).outcome?.exitCode).to.equal(0);
    expect(world.archive).to.equal("new");
    world = new RestoreWorldFake();
    expect((await restore(["--to", POINT, "--confirm", "paper"])).outcome?.exitCode).to.equal(0);
    expect(world.calls).not.to.include("adopt-database done");
  });

  describe("from another stack's backup", () => {
    const all = ["--from-stack", "other", "--allow-other-stack", "--to", POINT, "--confirm", "paper"];
    beforeEach(() => (world.points = [recoveryPoint({ stack: "other" })]));

    it("lets the archive go on with the other database, and holds the other's backups only while they are read", async () => {
      const { outcome } = await restore(all);
      expect(outcome?.exitCode).to.equal(0);
      expect(world.archive).to.equal("new");
      const order = world.calls.map((call) => call.split(" ").slice(0, 2).join(" "));
      expect(order.indexOf("hold other")).to.be.greaterThan(order.indexOf("hold paper"));
      expect(order.indexOf("release other")).to.be.greaterThan(world.calls.findIndex((call) => call === "restore-artifacts done")).and.lessThan(world.calls.findIndex((call) => call.startsWith("stop")));
    });

    it("gives the archive back to the old database when it goes back, wherever that is cut off", async () => {
      for (let step = 0; ; step += 1) {
        world = new RestoreWorldFake();
        world.points = [recoveryPoint({ stack: "other" })];
        world.pointGood = false;
        expect((await restore([...all, "--no-safety-point"])).error?.message, `at ${step}`).to.contain("no new recovery point could be taken");
        expect([phase(), world.archive], `at ${step}`).to.deep.equal(["finishing", "new"]);
        world.killAt = world.steps() + step;
        const { killed } = await restore(["--go-back"]);
        world.revive();
        while (fs.existsSync(journal())) expect((await restore(["--go-back"])).error?.message, `after ${step}`).to.equal(undefined);
        expect(world.archive, `after ${step}`).to.equal("old");
        expect(world.slots.cluster, `after ${step}`).to.deep.equal(untouched);
        if (!killed) return expect(step).to.be.greaterThan(5);
      }
    });
  });

  it("does nothing without a safety point, unless told so", async () => {
    world.pointGood = false;
    const { error } = await restore(["--confirm", "paper"]);
    expect(error?.message).to.equal("no recovery point of what is there now could be taken: the disk is full; nothing was changed; --no-safety-point goes on without");
    expect(fs.existsSync(journal())).to.equal(false);
  });

  it("refuses another restore while one is unfinished, naming it", async () => {
    world.killAt = 4;
    await restore(["--to", POINT, "--confirm", "paper"]);
    world.revive();
    const { error } = await restore(["--to", "latest", "--confirm", "paper"]);
    expect(error?.exitCode).to.equal(2);
    expect(error?.message).to.match(new RegExp(`^a restore of stack paper to backup ${POINT}, begun 2024-03-01T12:00:00.000Z, is unfinished: run npx trading restore --stack paper to complete it`));
  });

  it("refuses a second restore at the same time, naming the first", async () => {
    let second: Told | undefined;
    const run = world.tools.run;
    world.tools.run = async (...words) => {
      if (words[1] === "restore-cluster") second ??= await restore(["--confirm", "paper"]);
      return await run(...words);
    };
    const first = await restore(["--to", POINT, "--confirm", "paper"]);
    expect(first.outcome?.exitCode).to.equal(0);
    expect(second?.error?.message).to.match(new RegExp(`^a restore of this stack to backup ${POINT}, begun .*, is at "restoring": another command \\(process ${process.pid}\\) holds`));
  });

  for (const [name, prepare, argv, answer, exitCode, message] of [
    ["another name is typed", () => undefined, [], "live", 1, /^"live" is not "paper": nothing was changed$/],
    ["nobody can be asked", () => undefined, [], undefined, 2, /^nobody can be asked here: add --confirm paper/],
    ["another name is confirmed", () => undefined, ["--confirm", "live"], undefined, 2, /nothing was changed$/],
    ["the time cannot be read", () => undefined, ["--to", "yesterday", "--confirm", "paper"], undefined, 2, /^--to is "yesterday"; allowed: latest, /],
    ["the time has no zone", () => undefined, ["--to", "2024-03-01T10:00:00", "--confirm", "paper"], undefined, 2, /^--to is /],
    ["the time is not in the archive", () => undefined, ["--to", "2024-02-01T10:00:00Z", "--confirm", "paper"], undefined, 1, /allowed: a time from 2024-03-01T05:00:00.000Z to /],
    ["there is no such backup", () => undefined, ["--to", "20200101T000000Z", "--confirm", "paper"], undefined, 1, /there are: 20240301T060000Z$/],
    ["there is no backup", (at: RestoreWorldFake) => (at.points = []), ["--confirm", "paper"], undefined, 1, /no good recovery point/],
    ["the backup is another stack's", (at: RestoreWorldFake) => (at.points = [recoveryPoint({ stack: "other" })]), ["--confirm", "paper"], undefined, 1, /of stack other, not of paper/],
    ["the disk is too small", (at: RestoreWorldFake) => (at.freeBytes = 1e6), ["--confirm", "paper"], undefined, 1, /not enough room: 537 MB are needed, .* 1\.0 MB are free/],
    ["the schema is newer", (at: RestoreWorldFake) => (at.points = [recoveryPoint({ versions: { ...recoveryPoint().versions, tradingSchema: "0009_future" } })]), ["--confirm", "paper"], undefined, 1, /schema 0009_future is newer than this project's \(0002_known\)/],
    ["MLflow's schema is newer", (at: RestoreWorldFake) => (at.mlflowRevisions = ["older"]), ["--confirm", "paper"], undefined, 1, /revision abc of MLflow's database is newer than this stack's MLflow/],
    ["a deployed image is nowhere", (at: RestoreWorldFake) => (at.missingImages = ["migrate"]), ["--confirm", "paper"], undefined, 1, /images that are deployed are nowhere: migrate/],
    ["TimescaleDB is another one", (at: RestoreWorldFake) => (at.timescale = "2.20.0"), ["--confirm", "paper"], undefined, 1, /made with TimescaleDB 2\.19\.3, and this image has 2\.20\.0/],
    ["one database is asked for and the server is gone", (at: RestoreWorldFake) => (at.answers = false), ["--only", "db", "--confirm", "paper"], undefined, 1, /one database alone is restored into the running server/],
    ["the backups are in use", (at: RestoreWorldFake) => (at.held = "restore test"), ["--confirm", "paper"], undefined, 1, /the backups are in use: restore test/],
    ["--go-back has nothing to undo", () => undefined, ["--go-back"], undefined, 2, /there is nothing to go back from/],
    ["--release comes without --only config", () => undefined, ["--release", "v1"], undefined, 2, /--release goes with --only config/],
  ] as const) {
    it(`changes nothing when ${name}`, async () => {
      prepare(world);
      const told = await restore(argv, answer);
      expect(told.error?.message).to.match(message);
      expect(told.error?.exitCode).to.equal(exitCode);
      expect(world.slots).to.deep.equal({ cluster: untouched, artifacts: untouched, database: untouched });
      expect(world.running()).to.have.members(everything);
    });
  }
});
