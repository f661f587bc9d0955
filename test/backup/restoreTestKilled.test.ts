import { spawn, type ChildProcess } from "node:child_process";
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import type { RestoreTestReport } from "../../operations/restoreTest/report";
import { BackupStack } from "../support/backupStack";
import { eventually } from "../support/throwAwayStack";

interface Running {
  readonly child: ChildProcess;
  /** Everything it said so far. */
  text(): string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** One stack, whose restore tests are ended in every way, in order. */
describe("a restore test that is ended in the middle", function () {
  this.timeout(900_000);
  let backup: BackupStack;
  const started: ChildProcess[] = [];

  before(async () => {
    backup = await BackupStack.make();
    await backup.point();
  });
  after(async () => {
    for (const child of started) child.kill("SIGKILL");
    // What a killed test left goes with the next one; where that failed, it goes here.
    for (const [list, remove] of [[["ps", "--all", "--quiet"], ["rm", "--force", "--volumes"]], [["volume", "ls", "--quiet"], ["volume", "rm"]], [["network", "ls", "--quiet"], ["network", "rm"]]] as const) {
      const { stdout } = await backup.stack.docker([...list, "--filter", `label=trading.owner=${owner()}`, "--filter", "name=trading-restoretest"]);
      const found = stdout.split("\n").filter(Boolean);
      if (found.length > 0) await backup.stack.docker([...remove, ...found]);
    }
    await backup?.remove();
  });

  const owner = () => fs.readFileSync(path.join(backup.stack.root, ".trading", "owner"), "utf8").trim();
  /** Containers, volumes and networks of this clone's restore tests: other tests may run on the same Engine. */
  async function left(): Promise<string[]> {
    const filters = ["--filter", "name=trading-restoretest", "--filter", `label=trading.owner=${owner()}`];
    const lists = await Promise.all([["ps", "--all", "--format", "{{.Names}}"], ["volume", "ls", "--format", "{{.Name}}"], ["network", "ls", "--format", "{{.Name}}"]].map((words) => backup.stack.docker([...words, ...filters])));
    return lists.flatMap(({ stdout }) => stdout.split("\n").filter((name) => name !== ""));
  }

  /** Pulumi goes on for a moment when the program is killed that it worked for: waits until it makes nothing more. */
  async function stable(): Promise<void> {
    let [last, same] = ["", 0];
    await eventually("nothing more is made of the temporary stack", 120, async () => {
      const now = (await left()).join();
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= 12;
    });
  }

  function start(...words: string[]): Running {
    const child = spawn(process.execPath, [path.join(backup.stack.root, "operations", "trading.mjs"), "restore-test", "--stack", backup.stack.name, ...words], { cwd: backup.stack.root, env: backup.stack.env, stdio: ["ignore", "pipe", "pipe"] });
    started.push(child);
    let said = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (piece: Buffer) => (said += piece.toString()));
    return { child, text: () => said, ended: new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal ?? "nothing"))) };
  }
  const reaches = (test: Running, what: RegExp) => eventually(`${what}`, 240, async () => {
    expect(test.child.exitCode, test.text()).to.equal(null);
    return what.test(test.text());
  });

  it("takes everything down when it is interrupted while it restores, and proves nothing", async () => {
    const test = start("--from", "first", "--point", "latest");
    await reaches(test, /restoring the database/);
    test.child.kill("SIGINT");
    expect(await test.ended, test.text()).to.equal(1);
    expect(test.text()).to.contain("interrupted: taking the temporary stack down").and.to.contain("FAILED: it was interrupted");
    expect(await left()).to.deep.equal([]);
    const proofs = await backup.stack.docker(["exec", backup.stack.container("backup"), "ls", "/backups/proofs"]);
    expect(proofs.stdout.trim()).to.equal("");
  });

  let temporary: string;

  it("leaves what it had made when it is killed, and lets go of the backups", async () => {
    const test = start("--from", "first", "--point", "latest");
    await reaches(test, /starting database, MLflow/);
    await eventually("a container of the temporary stack", 120, async () => (await left()).find((name) => name.endsWith("-timescaledb")));
    test.child.kill("SIGKILL");
    expect(await test.ended).to.equal("SIGKILL");
    await stable();
    [, temporary = ""] = /trading-(restoretest[0-9a-f]{6})/.exec((await left()).join(" ")) ?? [];
    expect(temporary).to.match(/^restoretest/);
    // The mutex was its own: a backup runs at once.
    await backup.point();
    expect((await left()).length).to.be.greaterThan(0);
  });

  it("has what it left removed by the next one, which passes, while a second one waits its turn", async () => {
    const test = start("--from", "first", "--point", "latest", "--json");
    await reaches(test, /restoring the database/);
    expect(test.text()).to.contain(`what an earlier test had left when it was killed was removed: ${temporary}`);
    const second = start("--from", "first", "--point", "latest");
    await reaches(second, /waits for restore test since/);
    // The one that runs is nobody's left-over.
    second.child.kill("SIGINT");
    expect(await second.ended, second.text()).to.equal(1);
    expect(await test.ended, test.text()).to.equal(0);
    expect(await left()).to.deep.equal([]);
    const reports = fs.readdirSync(path.join(backup.stack.root, "reports", "restore-tests")).filter((name) => name.endsWith(".json")).sort();
    const report = reports.map((name) => JSON.parse(fs.readFileSync(path.join(backup.stack.root, "reports", "restore-tests", name), "utf8")) as RestoreTestReport).find(({ passed }) => passed);
    expect(report?.notes.join()).to.contain(temporary);
    expect(report?.checks.filter(({ passed }) => !passed)).to.deep.equal([]);
  });

  it("fails with the reason when a service does not start, and leaves nothing", async () => {
    // A migration that fails is what a restore with a program of another version meets.
    const migration = path.join(backup.stack.root, "database", "migrations", "9999_broken.sql");
    fs.writeFileSync(migration, "-- Up Migration\nSELECT 1 FROM trading.there_is_no_such_table;\n");
    try {
      const test = start("--from", "first", "--point", "latest");
      expect(await test.ended, test.text()).to.equal(1);
      expect(test.text()).to.match(/FAILED: the temporary stack did not come up: .*there_is_no_such_table/);
      expect(await left()).to.deep.equal([]);
    } finally {
      await backup.stack.noteChangedImages();
      fs.rmSync(migration);
    }
  });
});
