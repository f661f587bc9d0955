import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { BackupStack } from "../support/backupStack";

/** The command is killed, as by a power cut, at the moment it says something; nothing may be lost by it. */
describe("a restore that is killed", function () {
  this.timeout(900_000);
  let backup: BackupStack;
  let point: string;
  let run: string;

  before(async () => {
    backup = await BackupStack.make();
    await backup.mark("then");
    run = await backup.recordRun("then");
    point = await backup.point();
  });
  after(() => backup?.remove());

  /** Runs the restore until it says these words, and kills it at once. */
  function killAt(words: string): Promise<string> {
    const { root, env, name } = backup.stack;
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [path.join(root, "operations", "trading.mjs"), "restore", "--to", point, "--confirm", name, "--stack", name], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      let killed = false;
      const take = (text: string) => {
        said += text;
        if (killed || !said.includes(words)) return;
        killed = true;
        child.kill("SIGKILL");
      };
      child.stdout.setEncoding("utf8").on("data", take);
      child.stderr.setEncoding("utf8").on("data", take);
      child.on("error", reject);
      child.on("close", () => (killed ? resolve(said) : reject(new Error(`it never said "${words}":\n${said}`))));
    });
  }

  const phase = () => (JSON.parse(fs.readFileSync(backup.journal, "utf8")) as { phase: string }).phase;

  for (const [words, at, end] of [
    ["restoring the database beside", "restoring", "complete"],
    ["the restored takes the place of the old", "swapping", "complete"],
    ["- starting the database", "checking", "goBack"],
    ["taking a recovery point of the restored data", "finishing", "goBack"],
  ] as const) {
    it(`${end === "complete" ? "is completed" : "is undone"} after it was killed at "${words}"`, async () => {
      await backup.mark("now");
      const now = await backup.recordRun("now");
      const before = await backup.marks();
      await killAt(words);
      expect(phase()).to.equal(at);
      const outcome = await backup.does("restore", ...(end === "complete" ? [] : ["--go-back"]));
      expect(outcome.text).to.include(`was interrupted at "${at}"`);
      expect(await backup.marks()).to.deep.equal(end === "complete" ? ["then"] : before);
      expect(await backup.knowsRun(now)).to.equal(end !== "complete");
      expect(await backup.artifact(now)).to.equal(end === "complete" ? undefined : "now");
      expect(await backup.artifact(run)).to.equal("then");
      await backup.isWhole();
    });
  }
});
