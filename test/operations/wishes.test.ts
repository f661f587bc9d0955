import { expect } from "chai";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { desiredStateFile, readDesiredState } from "../../config/desiredState";
import { changeWish } from "../../operations/wishes";
import { ended, inProcess, said } from "./processes";
import { makeClone } from "../unit/operations/support";

const CHANGE = `
  const { changeWish } = require("./operations/wishes.ts");
  const [, root, bot] = process.argv;
  changeWish(root, "paper", bot, "stopped");`;

const CHANGE_FOR_EVER = `
  const { changeWish } = require("./operations/wishes.ts");
  (async () => {
    for (let index = 0; ; index++) {
      await changeWish(process.argv[1], "paper", "refstrat01", index % 2 === 0 ? "stopped" : "running");
      if (index === 0) console.log("first");
    }
  })();`;

describe("changing a wish", function () {
  this.timeout(30_000);
  let root: string;
  const children: ChildProcess[] = [];
  beforeEach(() => (root = makeClone()));
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    fs.rmSync(root, { recursive: true });
  });
  /** What of the control folder belongs to the wishes. */
  const folder = () => fs.readdirSync(path.dirname(desiredStateFile(root, "paper"))).filter((name) => name.startsWith("desired"));

  it("tells what it was and leaves the others", async () => {
    expect(await changeWish(root, "paper", "second", "stopped")).to.equal("running");
    expect(await changeWish(root, "paper", "refstrat01", "stopped")).to.equal("running");
    expect(await changeWish(root, "paper", "refstrat01", "running")).to.equal("stopped");
    expect(readDesiredState(root, "paper")).to.deep.equal({ bots: { second: "stopped", refstrat01: "running" } });
    expect(folder()).to.deep.equal(["desired.json"]);
  });

  it("loses nothing when several commands write at once", async () => {
    const writers = ["a", "b", "c", "d"].map((bot) => inProcess(CHANGE, root, bot));
    children.push(...writers);
    expect(await Promise.all(writers.map(ended))).to.deep.equal([0, 0, 0, 0]);
    expect(readDesiredState(root, "paper").bots).to.deep.equal({ a: "stopped", b: "stopped", c: "stopped", d: "stopped" });
  });

  it("shows a reader a whole file at every moment, and works on after a kill in the middle", async () => {
    for (let round = 0; round < 3; round++) {
      const writer = inProcess(CHANGE_FOR_EVER, root);
      children.push(writer);
      await said(writer);
      for (let reads = 0; reads < 200; reads++) {
        expect(readDesiredState(root, "paper").bots.refstrat01).to.be.oneOf(["running", "stopped"]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      writer.kill("SIGKILL");
      await ended(writer);
      expect(readDesiredState(root, "paper").bots.refstrat01).to.be.oneOf(["running", "stopped"]);
      await changeWish(root, "paper", "refstrat01", "stopped");
      expect(readDesiredState(root, "paper").bots).to.deep.equal({ refstrat01: "stopped" });
    }
  });

  it("clears away what a killed command had half written", async () => {
    await changeWish(root, "paper", "second", "running");
    fs.writeFileSync(`${desiredStateFile(root, "paper")}.4711.tmp`, '{"bots"');
    await changeWish(root, "paper", "refstrat01", "stopped");
    expect(folder()).to.deep.equal(["desired.json"]);
  });
});
