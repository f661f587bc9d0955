import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { stackNames } from "../../config/names";
import { BackupStack, succeeds } from "../support/backupStack";
import { eventually, type Outcome } from "../support/throwAwayStack";

/** Restores of one stack on real Docker, in order: each step starts from what the one before left. */
describe("restoring a stack", function () {
  this.timeout(900_000);
  let backup: BackupStack;
  let point: string;
  let runs: { before: string; after: string };

  before(async () => {
    backup = await BackupStack.make();
  });
  after(() => backup?.remove());

  const restore = (...words: string[]) => backup.does("restore", ...words, "--confirm", backup.stack.name);
  /** The database's own time, when all that was written before it is in the archive. */
  async function archivedMoment(): Promise<string> {
    const [moment = ""] = await backup.stack.query(`select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);
    return moment;
  }

  /** A stack that has the same backups in volumes of its own, and nothing that runs. @returns its name */
  async function anotherStack(): Promise<string> {
    const { name, root } = backup.stack;
    const other = `${name}x`;
    const [from, to] = [name, other].map((stack) => [stackNames(stack).volume("backups"), stackNames(stack).secretsVolume("backup")]);
    const image = (await backup.stack.docker(["inspect", "--format", "{{.Image}}", backup.stack.container("backup")])).stdout.trim();
    for (const [index, volume] of to!.entries()) {
      // Goes with the stack of the test.
      succeeds(await backup.stack.docker(["volume", "create", "--label", `trading.stack=${name}`, volume]));
      succeeds(await backup.stack.docker(["run", "--rm", "--network", "none", "--user", "0", "--volume", `${from![index]}:/from:ro`, "--volume", `${volume}:/to`, "--entrypoint", "cp", image, "--archive", "/from/.", "/to/"]));
    }
    fs.copyFileSync(path.join(root, `Pulumi.${name}.yaml`), path.join(root, `Pulumi.${other}.yaml`));
    return other;
  }

  it("has a recovery point, and data that came after it", async () => {
    await backup.mark("before");
    const before = await backup.recordRun("first");
    point = await backup.point();
    await backup.mark("after");
    runs = { before, after: await backup.recordRun("second") };
    expect((await backup.listed()).backups.map(({ id }) => id)).to.include(point);
    // Moments after the point can be restored as soon as log from after it is archived, which is within a minute.
    await eventually("log from after the point is archived", 120, async () => (await backup.listed()).restorable !== null);
  });

  it("shows what would be lost, and changes nothing without a confirmation", async () => {
    const outcome = await backup.trading("restore", "--to", point);
    expect(outcome.code).to.equal(2);
    expect(outcome.text).to.match(/trading: public\.marks .* 2 .* 1 .* 1 /).and.to.match(/mlflow: public\.runs /);
    expect(outcome.text).to.include("nothing was changed");
    expect(await backup.marks()).to.deep.equal(["before", "after"]);
  });

  let safetyPoint: string;

  it("restores a recovery point to the row, and refuses a second restore meanwhile", async () => {
    let second: Promise<Outcome> | undefined;
    const first = await backup.stack.trading(["restore", "--to", point, "--confirm", backup.stack.name, "--json"], {
      timeoutSeconds: 900,
      onText: (text) => {
        if (text.includes("restoring the database")) second ??= backup.trading("restore", "--to", point, "--confirm", backup.stack.name);
      },
    });
    expect(first.code, first.text).to.equal(0);
    const refused = await second!;
    expect(refused.code).to.equal(1);
    expect(refused.text).to.include(`a restore of this stack to backup ${point}, begun `);
    const document = JSON.parse(first.stdout) as { safetyPoint: string; newPoint: string };
    safetyPoint = document.safetyPoint;
    expect(await backup.marks()).to.deep.equal(["before"]);
    expect(await backup.artifact(runs.before)).to.equal("first");
    expect(await backup.artifact(runs.after)).to.equal(undefined);
    expect(await backup.knowsRun(runs.after)).to.equal(false);
    await backup.isWhole();
    expect((await backup.listed()).backups.map(({ id }) => id)).to.include(document.newPoint);
  });

  it("comes back to what was there before, which is in the safety point, from the backups of another stack when that is allowed", async () => {
    const other = await anotherStack();
    const refused = await backup.trading("restore", "--from-stack", other, "--to", safetyPoint, "--confirm", backup.stack.name);
    expect(refused.code, refused.text).to.equal(1);
    expect(refused.text).to.include(`the backup is of stack ${other}, not of ${backup.stack.name}: add --allow-other-stack`);
    await restore("--from-stack", other, "--allow-other-stack", "--to", safetyPoint);
    expect(await backup.marks()).to.deep.equal(["before", "after"]);
    expect(await backup.artifact(runs.after)).to.equal("second");
    await backup.isWhole();
  });

  it("restores the trading database alone to a moment between two rows, and leaves MLflow alone", async () => {
    await backup.mark("good");
    const moment = await archivedMoment();
    await backup.mark("bad");
    const late = await backup.recordRun("late");
    await backup.archived();
    await eventually("the moment is in the archive", 120, async () => ((await backup.listed()).restorable?.to ?? "") > moment);
    await restore("--only", "db", "--to", moment);
    expect(await backup.marks()).to.deep.equal(["before", "after", "good"]);
    expect(await backup.artifact(late)).to.equal("late");
    expect(await backup.knowsRun(late)).to.equal(true);
    await backup.isWhole();
  });

  it("restores MLflow alone, and the bot goes on", async () => {
    const [started] = [(await backup.stack.docker(["inspect", "--format", "{{.State.StartedAt}}", backup.stack.container("bot-refstrat01")])).stdout];
    await backup.mark("kept");
    await restore("--only", "mlflow", "--to", point);
    expect(await backup.knowsRun(runs.before)).to.equal(true);
    expect(await backup.artifact(runs.before)).to.equal("first");
    expect(await backup.knowsRun(runs.after)).to.equal(false);
    expect(await backup.marks()).to.deep.equal(["before", "after", "good", "kept"]);
    expect((await backup.stack.docker(["inspect", "--format", "{{.State.StartedAt}}", backup.stack.container("bot-refstrat01")])).stdout).to.equal(started);
    await backup.isWhole();
  });

  it("restores from the second copy, with the database gone, and takes artifacts along that were stored nowhere", async () => {
    await backup.mark("copied");
    // Its row is in the log, which is copied; its files come with the next recovery point.
    const late = await backup.completeRun("late and complete");
    await backup.archived();
    await backup.does("backup", "--job", "copy");
    await backup.mark("not copied");
    await backup.stack.docker(["stop", "--time", "5", backup.stack.container("timescaledb")]);
    const outcome = await restore("--from", "second", "--to", "latest");
    expect(outcome.text).to.include("What would be lost is not known: the database does not answer").and.not.include("LOST");
    expect(await backup.marks()).to.deep.equal(["before", "after", "good", "kept", "copied"]);
    expect(await backup.artifact(runs.before)).to.equal("first");
    expect(await backup.knowsRun(late)).to.equal(true);
    expect(await backup.artifact(late)).to.equal("late and complete");
    await backup.isWhole();
  });

  it("restores from the second copy after Docker lost all of the stack, whose new database has backups of its own by then", async () => {
    await backup.point();
    await backup.mark("copied last");
    await backup.archived();
    await backup.does("backup", "--job", "copy");
    await backup.stack.removeObjects();
    succeeds(await backup.stack.up(["--refresh"]));
    await restore("--from", "second", "--to", "latest");
    expect(await backup.marks()).to.deep.equal(["before", "after", "good", "kept", "copied", "copied last"]);
    expect(await backup.artifact(runs.before)).to.equal("first");
    await backup.isWhole();
    await backup.point();
    await backup.does("backup", "--job", "copy");
  });
});
