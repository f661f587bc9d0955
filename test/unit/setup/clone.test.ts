import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { StepError } from "../../../setup/common/schedule.mjs";
import type { Context } from "../../../setup/context.mjs";
import { cloneStep, restoreSalt } from "../../../setup/steps/clone.mjs";
import { SALT } from "./stackFiles.test";
import { useTemporaryFolder } from "./temporaryFolder";

const PAPER = "config:\n  trading:mode: paper\n  trading:portBase: 8400\n";
const report = { at: () => undefined, say: () => undefined };

describe("the clone's own folder", () => {
  const folder = useTemporaryFolder();
  const context = (more: Partial<Context> = {}) => ({ root: folder.path, stack: "paper", portBase: undefined, interactive: false, ...more }) as Context;
  const failureOf = (work: Promise<unknown>) => work.then(() => undefined, (error: unknown) => error as StepError);
  const secrets = () => Object.fromEntries(folder.list().filter((name) => name.startsWith(".trading/") && fs.statSync(path.join(folder.path, name)).isFile()).map((name) => [name, folder.read(name)]));

  beforeEach(() => {
    folder.write("Pulumi.yaml", "name: trading\n");
    folder.write("Pulumi.paper.yaml", PAPER);
  });

  it("is made whole, closed to others, and different in every clone", async () => {
    expect(await cloneStep.check(context())).to.deep.equal({
      ok: false,
      detail: `missing: ${[["state"], ["passphrase"], ["owner"], ["stacks", "paper", "key"]].map((segments) => path.join(".trading", ...segments)).join(", ")}`,
      fix: "`npm start` makes what is missing",
    });
    expect(folder.list()).to.deep.equal(["Pulumi.paper.yaml", "Pulumi.yaml"]);
    await cloneStep.run(context(), report);
    const made = secrets();
    expect(Object.keys(made)).to.deep.equal([".trading/owner", ".trading/passphrase", ".trading/stacks/paper/key"]);
    expect(made[".trading/stacks/paper/key"]).to.match(/^[0-9a-f]{64}\n$/);
    expect(made[".trading/passphrase"]).to.match(/^[\w-]{43}\n$/);
    expect(made[".trading/owner"]).to.match(/^[0-9a-f]{16}\n$/);
    if (process.platform !== "win32") {
      expect(fs.statSync(path.join(folder.path, ".trading")).mode & 0o777).to.equal(0o700);
      for (const name of Object.keys(made)) expect(fs.statSync(path.join(folder.path, name)).mode & 0o777, name).to.equal(0o600);
    }
    expect(await cloneStep.check(context())).to.deep.equal({ ok: true, detail: 'state, passphrase and the key of stack "paper" are there' });
  });

  it("is never written over: a second run, and one after an interruption, keep what is there", async () => {
    await cloneStep.run(context(), report);
    const before = secrets();
    await cloneStep.run(context(), report);
    expect(secrets()).to.deep.equal(before);

    fs.rmSync(path.join(folder.path, ".trading", "stacks"), { recursive: true });
    folder.write(".trading/passphrase.1-abcd.tmp", "half");
    await cloneStep.run(context(), report);
    const after = secrets();
    for (const name of [".trading/owner", ".trading/passphrase"]) expect(after[name]).to.equal(before[name]);
    expect(after[".trading/stacks/paper/key"]).to.match(/^[0-9a-f]{64}\n$/).and.not.equal(before[".trading/stacks/paper/key"]);
  });

  it("gets one identity and one passphrase when two make it at once", async () => {
    await Promise.all([cloneStep.run(context(), report), cloneStep.run(context(), report), cloneStep.run(context(), report)]);
    expect(Object.keys(secrets())).to.have.length(3);
  });

  if (process.platform !== "win32") {
    it("is closed when others can read it", async () => {
      await cloneStep.run(context(), report);
      fs.chmodSync(path.join(folder.path, ".trading"), 0o755);
      expect((await cloneStep.check(context())).detail).to.equal(".trading can be read by others");
      await cloneStep.run(context(), report);
      expect((await cloneStep.check(context())).ok).to.equal(true);
    });
  }

  describe("of a stack that has a passphrase already", () => {
    beforeEach(() => folder.write("Pulumi.paper.yaml", `encryptionsalt: ${SALT}\n${PAPER}`));

    it("generates none: it says where to put it when nobody can be asked", async () => {
      const failure = await failureOf(cloneStep.run(context(), report));
      expect(failure).to.be.instanceOf(StepError);
      expect(failure!.message).to.equal(`stack "paper" has a passphrase, and ${path.join(".trading", "passphrase")} is missing`);
      expect(failure!.fix).to.contain(`put it into ${path.join(".trading", "passphrase")} (from the backup), or run \`npm start\` in a terminal, where it asks`);
      expect(fs.existsSync(path.join(folder.path, ".trading", "passphrase"))).to.equal(false);
      expect((await cloneStep.check(context())).ok).to.equal(false);
    });

    it("generates none when the salt is known only from Pulumi's state", async () => {
      folder.write("Pulumi.paper.yaml", PAPER);
      folder.write(".trading/state/.pulumi/stacks/trading/paper.json", JSON.stringify({ checkpoint: { latest: { secrets_providers: { state: { salt: SALT } } } } }));
      expect(await failureOf(cloneStep.run(context(), report))).to.be.instanceOf(StepError);
      expect(fs.existsSync(path.join(folder.path, ".trading", "passphrase"))).to.equal(false);
      expect(await restoreSalt(context())).to.equal(true);
      expect(folder.read("Pulumi.paper.yaml")).to.equal(`encryptionsalt: ${SALT}\n${PAPER}`);
      expect(await restoreSalt(context())).to.equal(false);
    });

    it("asks for it on a terminal until it is the right one", async () => {
      const answers = ["wrong", "", "x"];
      const asked: string[] = [];
      await cloneStep.run(context({ interactive: true, ask: async (question: string) => (asked.push(question), answers.shift()!) }), report);
      expect(asked).to.deep.equal(Array.from({ length: 3 }, () => 'Passphrase of stack "paper": '));
      expect(folder.read(".trading/passphrase")).to.equal("x\n");
      expect((await cloneStep.check(context())).ok).to.equal(true);
    });

    it("keeps nothing of three wrong answers", async () => {
      const failure = await failureOf(cloneStep.run(context({ interactive: true, ask: async () => "wrong" }), report));
      expect(failure!.message).to.equal('the passphrase of stack "paper" was not given');
      expect(fs.existsSync(path.join(folder.path, ".trading", "passphrase"))).to.equal(false);
    });

    it("refuses a passphrase that is another stack's", async () => {
      await cloneStep.run(context({ interactive: true, ask: async () => "x" }), report);
      fs.writeFileSync(path.join(folder.path, ".trading", "passphrase"), "other\n");
      const failure = await failureOf(cloneStep.check(context()));
      expect(failure!.message).to.equal(`${path.join(".trading", "passphrase")} is not the passphrase of stack "paper" (the encryptionsalt in Pulumi.paper.yaml was made with another)`);
    });
  });

  describe("of a further stack", () => {
    it("asks for ports of its own", async () => {
      const failure = await failureOf(cloneStep.check(context({ stack: "second" })));
      expect(failure).to.include({ message: 'there is no stack "second": Pulumi.second.yaml is missing', fix: "to make it, give it ports of its own: npm start -- --stack second --port-base 8600" });
    });
    it("gets its file and its key beside the first one's", async () => {
      await cloneStep.run(context(), report);
      const before = secrets();
      await cloneStep.run(context({ stack: "second", portBase: 8600 }), report);
      expect(folder.read("Pulumi.second.yaml")).to.equal(PAPER.replace("8400", "8600"));
      expect(secrets()).to.include(before).and.include.keys(".trading/stacks/second/key");
      expect((await cloneStep.check(context({ stack: "second", portBase: 8600 }))).ok).to.equal(true);
    });
    it("keeps the ports its file sets", async () => {
      const failure = await failureOf(cloneStep.check(context({ portBase: 9000 })));
      expect(failure!.message).to.equal("Pulumi.paper.yaml sets trading:portBase 8400, and --port-base says 9000");
    });
  });
});
