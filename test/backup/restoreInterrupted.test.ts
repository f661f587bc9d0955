import * as fs from "node:fs";
import { expect } from "chai";
import { BackupStack } from "../support/backupStack";
import { variants } from "../support/exhaustive";

interface Kill {
  /** What it says right before. */
  readonly words: string;
  readonly at: string;
  readonly end: "complete" | "goBack";
  readonly only: "db" | null;
}

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

  const phase = () => (JSON.parse(fs.readFileSync(backup.journal, "utf8")) as { phase: string }).phase;

  for (const { words, at, end, only } of variants<Kill>(
    [
      // By then the restored database is in the server, beside the one that is used.
      { words: "        comparing", at: "restoring", end: "goBack", only: "db" },
      { words: "the restored takes the place of the old", at: "swapping", end: "complete", only: null },
      { words: "taking a recovery point of the restored data", at: "finishing", end: "goBack", only: null },
    ],
    [
      { words: "restoring the database beside", at: "restoring", end: "complete", only: null },
      { words: "- starting the database", at: "checking", end: "goBack", only: null },
    ],
  )) {
    it(`${end === "complete" ? "is completed" : "is undone"} after it was killed at "${words.trim()}"${only === null ? "" : ` of --only ${only}`}`, async () => {
      await backup.mark("now");
      const now = await backup.recordRun("now");
      const before = await backup.marks();
      await backup.killedAt(words, "restore", "--to", point, "--confirm", backup.stack.name, ...(only === null ? [] : ["--only", only]));
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
