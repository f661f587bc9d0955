import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { BackupStack, succeeds } from "../support/backupStack";
import { eventually } from "../support/throwAwayStack";

/** The machine is lost: what is left is the repository, the second copy, and the key on paper. */
describe("a stack on an empty machine", function () {
  this.timeout(900_000);
  let backup: BackupStack;
  let paper: string;
  let run: string;
  let late: string;
  let marks: string[];

  before(async () => {
    backup = await BackupStack.make();
    paper = fs.mkdtempSync(path.join(os.tmpdir(), "trading-paper-"));
  });
  after(async () => {
    fs.rmSync(paper, { recursive: true, force: true });
    await backup?.remove();
  });

  const key = () => path.join(paper, "key");
  const recover = (...words: string[]) => backup.trading("recover", "--from", backup.secondCopy, "--key-file", key(), ...words);
  const clone = () => path.join(backup.stack.root, ".trading");

  it("has a second copy, and its key elsewhere", async () => {
    await backup.mark("worth keeping");
    run = await backup.recordRun("worth keeping");
    await backup.point();
    marks = await backup.marks();
    await backup.does("backup", "--job", "dump");
    // Completed after the point: the copy has its row in the log, and nobody has its files.
    late = await backup.completeRun("too late");
    await backup.archived();
    await backup.does("backup", "--job", "copy");
    await backup.does("recovery-key", "--out", key());
    expect((await backup.listed("--from", "second")).backups.length).to.be.greaterThan(1);
  });

  it("refuses to write over a stack that is there", async () => {
    const outcome = await recover();
    expect(outcome.code).to.equal(1);
    expect(outcome.text).to.include("has containers on this machine");
  });

  it("loses everything: containers, volumes, .trading", async () => {
    const { stack } = backup;
    await stack.removeObjects();
    for (const what of [["ps", "--all"], ["volume", "ls"], ["network", "ls"]]) expect(succeeds(await stack.docker([...what, "--quiet", "--filter", `label=trading.stack=${stack.name}`])).stdout).to.equal("");
    fs.rmSync(clone(), { recursive: true });
  });

  it("does not open the copy with another key", async () => {
    const wrong = path.join(paper, "wrong");
    fs.writeFileSync(wrong, "x".repeat(43));
    const outcome = await backup.trading("recover", "--from", backup.secondCopy, "--key-file", wrong);
    expect(outcome.code).to.equal(1);
    expect(outcome.text).to.match(/key|password/i);
    expect(fs.existsSync(path.join(clone(), "stacks"))).to.equal(false);
  });

  it("is recovered with the copy and the key alone, although the first try is killed", async () => {
    await backup.killedAt("restoring the database as of", "recover", "--from", backup.secondCopy, "--key-file", key());
    const outcome = succeeds(await recover());
    // Services record runs of their own; one that was completed after the point is lost as well.
    expect(outcome.stdout).to.match(/^LOST: \d+ artifacts? of MLflow: /m).and.to.match(new RegExp(`^  \\S+/note\\.txt \\(run ${late}\\)$`, "m"));
    expect(outcome.stdout).not.to.include(`(run ${run})`);
    expect(outcome.stdout).to.include(`Next: npm start -- --stack ${backup.stack.name}`);
    for (const file of ["owner", "passphrase", path.join("stacks", backup.stack.name, "key")]) expect(fs.existsSync(path.join(clone(), file)), file).to.equal(true);
    const again = succeeds(await recover());
    expect(again.stdout).to.include("was recovered on this machine already");
  });

  it("comes up as npm start brings it up, and holds what it held", async () => {
    const { stack } = backup;
    // The steps of npm start that make something here. The packages are those of the checkout, and are not installed anew.
    succeeds(await stack.pulumi(["stack", "select", "--create"]));
    succeeds(await stack.up([], { timeoutSeconds: 900 }));
    await backup.isWhole();
    expect(await backup.marks()).to.deep.equal(marks);
    expect(await backup.knowsRun(run)).to.equal(true);
    expect(await backup.artifact(run)).to.equal("worth keeping");
    expect([await backup.knowsRun(late), await backup.artifact(late)]).to.deep.equal([true, undefined]);
  });

  it("goes on with its history of backups, whose points say what is lost", async () => {
    const before = (await backup.listed()).backups.map(({ id }) => id);
    expect(before.length).to.be.greaterThan(1);
    await backup.mark("afterwards");
    const point = await backup.point();
    const entry = (await backup.listed()).backups.find(({ id }) => id === point);
    expect(entry?.lostArtifacts.filter((lost) => lost.includes("/note.txt "))).to.deep.equal([`0/${late}/artifacts/note.txt (run ${late})`]);
    const lost = await eventually("the loss is told", 60, async () => (await backup.alerts()).find(({ key }) => key === "backup.artifacts.lost"));
    expect(lost).to.include({ severity: "warning" }).and.to.have.property("text").that.includes(`run ${late}`);
    await backup.does("backup", "--job", "check");
    // Of several dumps of one day retention keeps one, and it begins when the stack is new.
    await backup.does("backup", "--job", "prune");
    const kept = (await backup.listed()).backups.map(({ id }) => id);
    expect(kept).to.include(point);
    expect(kept.filter((id) => before.includes(id))).not.to.deep.equal([]);
    await backup.does("backup", "--job", "copy");
    const second = (await backup.listed("--from", "second")).backups.map(({ id }) => id);
    expect(second).to.include.members(kept);
  });
});
