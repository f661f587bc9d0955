import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readReleases, releaseFolder, releaseText, type Release } from "../../../../config/releases";
import { restoreJournalFile } from "../../../../config/restoreInProgress";
import { parseStackFile } from "../../../../config/stackFile";
import { controlFolder, ensureControlFolder } from "../../../../control/folder";
import { freezesOf } from "../../../../control/LatchFolder";
import { incidentId, type Freeze } from "../../../../control/records";
import { rollbackCommand } from "../../../../operations/commands/rollback";
import { imageId } from "../../config/release";
import { NOW, OWNER } from "../support";
import { Killed, RollbackWorld } from "./world";

/** Another order size, so that what was deployed is seen in the stack's file. */
const bigger = (file: string) => file.replace("orderQuantity: 1,", "orderQuantity: 2,");

describe("rollback", function () {
  this.timeout(120_000);
  let world: RollbackWorld;
  let good: Release;
  let bad: Release;
  beforeEach(async () => {
    world = new RollbackWorld();
    good = world.stable(await world.release("1"));
    bad = await world.release("2", bigger);
  });
  afterEach(() => world.remove());
  const rollback = (...words: string[]) => world.run(rollbackCommand, words);
  const untouched = () => {
    expect(world.running).to.equal("2");
    expect(world.done).to.deep.equal([]);
    expect(world.uncommitted).to.equal("");
    expect(world.subject).to.equal("release 2");
  };

  it("goes back to the newest stable release: its file with its images, one commit, bots stopped first, an up", async () => {
    const { exitCode, text, document } = await rollback("--yes");
    expect(exitCode, text).to.equal(0);
    expect(world.running).to.equal("1");
    expect(world.done).to.deep.equal(["stop id-bot-refstrat01-1709294520000 30", "stop id-bot-second-1709294520000 30", "free", "up"]);
    const declared = parseStackFile("paper", world.file);
    expect(declared.bots[0]!.limits.orderQuantity).to.equal(1);
    expect(declared.release.images).to.deep.equal(Object.fromEntries(["base", "bot", "broker", "mlflow", "timescaledb"].map((name) => [name, imageId("1")])));
    expect(world.uncommitted).to.equal("");
    expect(world.subject).to.equal(`Rollback of stack paper to ${good.id}, from ${bad.id}`);
    expect(world.repository.read("CHANGELOG.md")).to.contain(`rolled back to ${good.id}`).and.to.contain("refstrat01");
    const commit = world.repository.git("rev-parse", "HEAD");
    expect(text).to.contain(`Stack paper is back at ${good.id}, up and healthy`).and.to.contain("Bot refstrat01: running\nBot second: not running: stopped by the owner\n");
    expect(text).to.contain(`Forward again:\n  npx trading rollback --stack paper --to ${bad.id}\n  git revert --no-edit ${commit.slice(0, 12)}\n  npx trading deploy --stack paper\n`);
    expect(document).to.deep.include({ to: good.id, left: bad.id, changed: true, commit });
    expect(world.said, "nobody is there to read it").not.to.contain("PREVIEWED");
  });

  it("shows first what it means, and what Pulumi would do with the release's file", async () => {
    world.positions = ["refstrat01|0.5|42000|41000"];
    await world.run(rollbackCommand, ["--keep-positions"], "paper");
    expect(world.said).to.contain(`Back to   ${good.id} (`).and.to.contain(`Runs now  ${bad.id} (`).and.to.contain("not stable").and.to.contain("broker 222222222222 → 111111111111");
    expect(world.said).to.contain("refstrat01: position 0.5 bought at 42000.00, protective stop 41000.00; they stay");
    expect(world.said).to.match(/PREVIEWED config:[\s\S]*orderQuantity: 1,[\s\S]*sha256:1111/);
    expect(world.running).to.equal("1");
  });

  it("asks, and changes nothing unless the stack is named", async () => {
    for (const [answer, message] of [["yes", /"yes" is not "paper": nothing was changed/], [undefined, /nobody can be asked here: add --yes to roll it back; nothing was changed/]] as const) {
      const error = await world.run(rollbackCommand, [], answer).then(() => undefined, (thrown: Error) => thrown);
      expect(error?.message).to.match(message);
      untouched();
    }
    expect((await world.run(rollbackCommand, [], "paper")).exitCode).to.equal(0);
    expect(world.running).to.equal("1");
  });

  it("goes forward again to the release that was left, and back, by name", async () => {
    await rollback("--yes");
    await rollback("--yes", "--to", bad.id);
    expect(world.running).to.equal("2");
    expect(parseStackFile("paper", world.file).bots[0]!.limits.orderQuantity).to.equal(2);
    await rollback("--yes", "--to", good.id);
    expect(world.running).to.equal("1");
    expect(world.uncommitted).to.equal("");
  });

  it("goes back once only, however often it is run, and says how to go further", async () => {
    world.stable(bad);
    const third = await world.release("3");
    await rollback("--yes");
    expect(world.running).to.equal("2");
    const commits = world.repository.git("rev-list", "--count", "HEAD");
    const { exitCode, text } = await rollback("--yes");
    expect([exitCode, world.running, world.done]).to.deep.equal([0, "2", []]);
    expect(text).to.equal(`Stack paper is rolled back to ${bad.id} already: nothing was changed.\nFurther back:\n  npx trading rollback --stack paper --to ${good.id}\nForward again:\n  npx trading rollback --stack paper --to ${third.id}\n`);
    expect(world.repository.git("rev-list", "--count", "HEAD")).to.equal(commits);
  });

  it("goes back to what ran before where an up was not good, and keeps a stack's file that no commit has", async () => {
    world.sick.add("3");
    world.built = "3";
    const edited = world.file.replace("orderNotional: 12000", "orderNotional: 9000");
    world.repository.write("Pulumi.paper.yaml", edited);
    await world.means.pulumi(world.root, ["up"]);
    world.stable(bad);
    const { text } = await rollback("--yes");
    expect(world.running).to.equal("2");
    const [, kept] = /The stack's file as it was before, which is in no commit: (\S+)/.exec(text)!;
    expect(world.repository.read(kept!)).to.equal(edited);
    expect(text).not.to.contain("--to REL");
  });

  it("brings images that Docker has thrown away back from the backup", async () => {
    world.gone.add(imageId("1"));
    world.archived.add(imageId("1"));
    await rollback("--yes");
    expect(world.running).to.equal("1");
    expect(world.said).to.contain("brought back from the backup: base, timescaledb, mlflow, broker, bot, bot-refstrat01, bot-second");
  });

  it("keeps the evidence, the salt of today and what Git alone has of the release", async () => {
    // A clone that was brought back without the records: tag and record are in Git.
    world.repository.git("checkout", "--quiet", "--detach", good.commit!);
    world.repository.write(`releases/paper/${good.id}.json`, releaseText(good));
    world.repository.commit("the record");
    world.repository.git("tag", "--force", good.stable!.tag);
    world.repository.git("checkout", "--quiet", "main");
    fs.rmSync(path.join(releaseFolder(world.root, "paper"), `${good.id}.json`));
    world.repository.write("Pulumi.paper.yaml", `encryptionsalt: v1:salt\n${world.file}`);
    world.repository.commit("the salt");
    await rollback("--yes");
    expect(world.running).to.equal("1");
    expect(world.file).to.match(/^encryptionsalt: v1:salt\nconfig:\n/);
  });

  it("goes on without a commit where Git cannot take one, and says so", async () => {
    world.repository.git("checkout", "--quiet", "--detach");
    const { exitCode, text } = await rollback("--yes");
    expect([exitCode, world.running]).to.deep.equal([0, "1"]);
    expect(text).to.contain("Pulumi.paper.yaml is in no commit: HEAD is on no branch");
  });

  const frozen = () => {
    const control = controlFolder(world.root, "paper");
    ensureControlFolder(control, "paper", OWNER);
    const freeze: Freeze = { format: 1, id: incidentId("FRZ", NOW), stack: "paper", bot: null, reason: "a test", by: "guard", who: "guard", at: new Date(NOW).toISOString(), rule: null, cause: null, numbers: {}, runbook: null, open: [], until: null };
    freezesOf(control).place(freeze);
    return freeze.id;
  };

  it("is let through by a freeze to a stable release, and the freeze stays", async () => {
    const id = frozen();
    await rollback("--yes");
    expect(world.running).to.equal("1");
    expect(world.said).to.contain(`Stays     freeze ${id}: a test`);
    expect(freezesOf(controlFolder(world.root, "paper")).inForce().entries.map((each) => each.id)).to.deep.equal([id]);
  });

  for (const [what, prepare, words, message] of [
    ["positions are open", () => void (world.positions = ["refstrat01|0.5|42000|"]), [], /^positions are open: refstrat01: position 0\.5 bought at 42000\.00, no protective stop\.\nStop first, roll back second[\s\S]*npx trading halt --stack paper --level reduce[\s\S]*--keep-positions\nnothing was changed$/],
    ["nobody knows whether positions are open", () => void (world.databaseAnswers = false), [], /^whether positions are open is not known: neither the database nor the page answers\./],
    ["the schema is newer than it can follow", () => void world.migrations.push("0006_c|2024-02-01T00:00:00Z"), [], /^migration 0006_c changed the database[\s\S]*npx trading rollback --stack paper --to REL-\S+ --any-schema\n {2}npx trading restore --stack paper --to 2024-01-31T23:59:59Z\nnothing was changed$/],
    ["images are nowhere", () => void world.gone.add(imageId("1")), [], /^images of REL-\S+ are neither on this Docker Engine nor in the backup: base, timescaledb/],
    ["the release is not known", () => undefined, ["--to", "REL-1"], /^--to is "REL-1"; allowed: REL-/],
    ["a restore is under way", () => fs.writeFileSync(restoreJournalFile(world.root, "paper"), "{}"), [], /^a restore of stack paper is under way/],
    ["it is frozen, to a release that is not stable", () => void frozen(), ["--to", "bad"], /^Stack paper is frozen/],
    ["a container is another clone's", () => void (world.engine.all = world.engine.all.map((each) => ({ ...each, owner: "other" }))), [], /belong to another clone of this project/],
  ] as const) {
    it(`changes nothing where ${what}`, async () => {
      if (words[1] === "bad") {
        await rollback("--yes");
        world.done.length = 0;
      }
      prepare();
      const named = words[1] === "bad" ? ["--to", bad.id] : words;
      const error = await rollback("--yes", ...named).then(() => undefined, (thrown: Error) => thrown);
      expect(error?.message).to.match(message);
      expect(world.done).to.deep.equal([]);
      expect(world.uncommitted).to.equal("");
    });
  }

  it("goes where the schema cannot be followed when it is told to, and says what comes next when services fail on it", async () => {
    world.migrations.push("0006_c|2024-02-01T00:00:00Z");
    world.sick.add("1");
    const error = await rollback("--yes", "--any-schema").then(() => undefined, (thrown: Error) => thrown);
    expect(error?.message).to.contain(`release ${good.id} did not come up healthy:\n  error: container trading-paper-timescaledb keeps ending\nnext, to take the data back as well: npx trading restore --stack paper --to 2024-01-31T23:59:59Z\n`);
    expect(world.running).to.equal("1");
  });

  it("follows a newer schema that says older services can follow it", async () => {
    world.repository.write("database/migrations/0006_c.sql", "-- Up Migration\n-- Older services: can follow: it adds a table.\n");
    world.repository.commit("a migration");
    world.migrations.push("0006_c|2024-02-01T00:00:00Z");
    await rollback("--yes");
    expect(world.running).to.equal("1");
    expect(world.said).to.contain("the database's schema is newer (0006_c), and older services can follow it");
  });

  it("completes when it is run again, killed at any step", async () => {
    for (let step = 1; ; step++) {
      const each = new RollbackWorld(world);
      try {
        each.positions = ["refstrat01|0.5|42000|41000"];
        each.killAt = step;
        const killed = await each.run(rollbackCommand, ["--yes", "--keep-positions"]).then(() => undefined, (thrown: Error) => thrown);
        each.killAt = Number.POSITIVE_INFINITY;
        if (killed === undefined) {
          expect(step, "steps").to.be.greaterThan(4);
          return;
        }
        expect(killed).to.be.instanceOf(Killed);
        // Between the writing of the files and their commit.
        if (step === 1) each.repository.git("reset", "--quiet", "HEAD~1");
        // What was allowed once needs no saying again.
        const { exitCode, text } = await each.run(rollbackCommand, ["--yes"]);
        expect(exitCode, text).to.equal(0);
        expect(each.said).to.contain(`- the rollback to ${good.id}, begun `);
        expect([each.running, each.uncommitted]).to.deep.equal(["1", ""]);
        expect(each.repository.git("rev-list", "--count", "HEAD"), `killed at step ${step}`).to.equal("4");
        expect(text).to.contain("Forward again:\n  npx trading rollback --stack paper --to REL-");
        expect(readReleases(each.root, "paper")).to.have.length(3);
      } finally {
        each.remove();
      }
    }
  });
});
