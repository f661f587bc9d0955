import { execFileSync } from "node:child_process";
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readCatalog } from "../../operations/backup/catalog";
import type { ToolSite } from "../../operations/backup/toolContainer";
import { dockerTools } from "../../operations/backup/tools";
import { collectFiles } from "../../operations/collect";
import { restoreTestDue } from "../../operations/commands/tend";
import type { RestoreTestReport } from "../../operations/restoreTest/report";
import { BackupStack } from "../support/backupStack";
import { eventually, type Outcome } from "../support/throwAwayStack";

/** What the command says with `--json`. */
type Told = RestoreTestReport & { readonly files: readonly string[]; readonly uncommitted: string | null };

/** Restore tests of one stack on real Docker, in order: each step starts from what the one before left. */
describe("a restore test", function () {
  this.timeout(900_000);
  let backup: BackupStack;
  let root: string;
  let containers: Record<string, string>;

  before(async () => {
    backup = await BackupStack.make();
    ({ root } = backup.stack);
    git("init", "--quiet", "--initial-branch=main");
    git("config", "user.name", "Owner");
    git("config", "user.email", "owner@example.com");
    fs.writeFileSync(path.join(root, "own.txt"), "first\n");
    git("add", "own.txt");
    git("commit", "--quiet", "--message", "first");
    fs.writeFileSync(path.join(root, "own.txt"), "staged\n");
    git("add", "own.txt");
    await backup.recordRun("first");
    await backup.point();
    await backup.mark("between");
    await backup.point();
    await backup.does("backup", "--job", "copy");
    containers = await backup.stack.containerIds();
  });
  after(() => backup?.remove());

  const git = (...words: string[]) => execFileSync("git", words, { cwd: root, encoding: "utf8" });
  const told = (outcome: Outcome) => JSON.parse(outcome.stdout) as Told;
  const failed = (report: RestoreTestReport) => report.checks.filter(({ passed }) => !passed).map(({ part, name, detail }) => `${part}: ${name}: ${detail}`);

  /** What of a test's temporary stack is on the Engine, by its name: also what has no label. */
  async function left({ temporaryStack }: RestoreTestReport): Promise<string[]> {
    const filter = ["--filter", `name=trading-${temporaryStack}`];
    const lists = await Promise.all([["ps", "--all", "--format", "{{.Names}}"], ["volume", "ls", "--format", "{{.Name}}"], ["network", "ls", "--format", "{{.Name}}"]].map((words) => backup.stack.docker([...words, ...filter])));
    return lists.flatMap(({ stdout }) => stdout.split("\n").filter((name) => name !== ""));
  }

  it("brings any second back from the second copy, runs the systems on it, and leaves nothing but its report", async () => {
    const outcome = await backup.trading("restore-test", "--from", "second", "--point", "time", "--json");
    expect(outcome.code, outcome.text).to.equal(0);
    const report = told(outcome);
    expect(failed(report)).to.deep.equal([]);
    expect(report).to.include({ passed: true, failure: null, from: "second", kind: "time", stack: backup.stack.name, uncommitted: null });
    expect([...new Set(report.checks.map(({ part }) => part))].sort()).to.deep.equal(["artifacts", "bot", "broker", "clean-up", "database", "isolation", "mlflow", "page"]);
    expect(report.checks.find(({ name }) => name.startsWith("a file of a run"))?.detail).to.match(/^\S+ of run .*: SHA-256 /);
    for (const step of ["fetch", "restore", "recover", "verify", "artifacts", "applications"] as const) expect(report.seconds[step], step).to.be.greaterThan(0);
    expect(report.dataLoss.newestEvent).to.not.equal(null);
    expect(await left(report)).to.deep.equal([]);

    expect(await backup.stack.containerIds(), "the stack itself was touched").to.deep.equal(containers);
    expect(git("log", "--format=%s", "--name-only", "-1").trim().split("\n").slice(2)).to.deep.equal([...report.files]);
    expect(git("status", "--porcelain", "own.txt", "reports")).to.equal("M  own.txt\n");
    const text = fs.readFileSync(path.join(root, report.files[1]!), "utf8");
    expect(text).to.contain("**Passed.**").and.to.contain("the second copy");
    const listed = JSON.parse((await backup.does("backups", "--json")).stdout) as { backups: { id: string; provedAt: string | null }[] };
    expect(listed.backups.find(({ id }) => id === report.point?.id)?.provedAt).to.not.equal(null);
  });

  it("is not due then, and a report of the backup's own is put into Git by the next command", async () => {
    const name = "reports/backups/2026-10-test.md";
    const put = `mkdir -p /backups/outbox/reports/backups && printf '# Backups\\n' > /backups/outbox/${name}`;
    const container = backup.stack.container("backup");
    expect((await backup.stack.docker(["exec", "--user", "10002", container, "sh", "-c", put])).code).to.equal(0);
    // The service looks every few seconds whether something waits.
    await eventually("status collects it", 60, async () => (await backup.trading("status")).stderr.includes(`1 report put into Git (${name})`));
    expect(git("log", "--format=%s", "-1").trim()).to.equal(`Report: ${name}`);
    expect(git("status", "--porcelain", "own.txt", "reports")).to.equal("M  own.txt\n");
    const image = (await backup.stack.docker(["inspect", "--format", "{{.Image}}", container])).stdout.trim();
    const site: ToolSite = { stack: backup.stack.name, mode: "paper", owner: backup.stack.read(".trading/owner").trim(), image, backupsOf: backup.stack.name, secondCopy: { kind: "none" } };
    expect(await collectFiles(root, site)).to.deep.equal({ committed: [], waiting: [], reason: null });
    expect(restoreTestDue(await readCatalog(dockerTools(), site, "first"), "monthly", Date.now()).due).to.equal(false);
  });

  it("fails, says what is wrong and leaves nothing when the backup is not what its manifest says", async () => {
    // The manifest of the newest point, dumps are no points, promises more rows than the backup holds.
    const edit = `const fs = require("fs"); const folder = "/backups/points"; const read = (name) => JSON.parse(fs.readFileSync(folder + "/" + name, "utf8"));
      const file = folder + "/" + fs.readdirSync(folder).sort().filter((name) => read(name).physical !== null).at(-1);
      const point = JSON.parse(fs.readFileSync(file, "utf8")); const table = point.databases.trading.tables.find(({ name }) => name === "marks"); table.rows += 1000; table.hash = null;
      fs.writeFileSync(file, JSON.stringify(point));`;
    const edited = await backup.stack.docker(["exec", "--user", "10002", backup.stack.container("backup"), "node", "-e", edit]);
    expect(edited.code, edited.text).to.equal(0);
    const outcome = await backup.trading("restore-test", "--from", "first", "--point", "latest", "--json");
    expect(outcome.code, outcome.text).to.equal(1);
    const report = told(outcome);
    expect(report.passed).to.equal(false);
    expect(report.failure).to.match(/^what was restored is not what the backup says: .*marks/);
    expect(report.checks.find(({ part }) => part === "clean-up")?.passed).to.equal(true);
    expect(await left(report)).to.deep.equal([]);
    expect(fs.readFileSync(path.join(root, report.files[1]!), "utf8")).to.contain("**Failed.**");
    const proofs = await backup.stack.docker(["exec", backup.stack.container("backup"), "sh", "-c", `cat /backups/proofs/${report.point!.id}-*.json`]);
    expect(proofs.stdout).to.contain('"passed": false');
  });
});
