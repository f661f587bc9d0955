import { expect } from "chai";
import * as fs from "node:fs";
import { container, FakeEngine, makeClone, OWNER, trading } from "./support";

const volume = (name: string, owner: string | undefined = OWNER) => ({ name, stack: "paper", owner });

describe("delete-data", () => {
  let root: string;
  let engine: FakeEngine;
  beforeEach(() => {
    root = makeClone();
    engine = new FakeEngine([], [volume("trading-paper-mlflow-artifacts"), volume("trading-paper-timescaledb-data")]);
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const removed = () => engine.calls.filter((call) => call.startsWith("remove"));
  const list = "  trading-paper-mlflow-artifacts\n  trading-paper-timescaledb-data\n";

  it("deletes what is confirmed and lists it; again there is nothing to delete", async () => {
    const told = await trading(root, ["delete-data", "--stack", "paper", "--confirm", "paper"], { engine });
    expect(told).to.deep.equal({ exitCode: 0, out: `Deleted of stack paper:\n${list}`, error: "" });
    expect(removed()).to.have.length(2);
    const again = await trading(root, ["delete-data", "--stack", "paper", "--confirm", "paper"], { engine });
    expect(again).to.deep.equal({ exitCode: 0, out: "Stack paper has no volumes: nothing to delete.\n", error: "" });
  });

  it("asks for the stack's name", async () => {
    const told = await trading(root, ["delete-data"], { engine, answer: " paper \n" });
    expect(told.exitCode).to.equal(0);
    expect(told.error).to.equal(`These volumes of stack paper will be deleted, with everything in them:\n${list}`);
    expect(removed()).to.have.length(2);
  });

  for (const [name, prepare, argv, answer, exitCode, error] of [
    ["another name is typed", () => undefined, ["delete-data"], "yes", 1, /error: "yes" is not "paper": nothing was deleted\n$/],
    ["nobody can be asked", () => undefined, ["delete-data"], undefined, 2, /error: nobody can be asked here: add --confirm paper to delete; nothing was deleted\n$/],
    ["another name is confirmed", () => undefined, ["delete-data", "--confirm", "live"], undefined, 2, /they must be the same; nothing was deleted\n$/],
    [
      "the stack still has containers",
      (at: FakeEngine) => (at.all = [container("broker", { state: "exited" })]),
      ["delete-data", "--confirm", "paper"],
      undefined,
      1,
      /^error: stack paper still has containers \(trading-paper-broker\): npm run pulumi -- destroy --stack paper first; nothing was deleted\n$/,
    ],
    [
      "a volume belongs to another clone",
      (at: FakeEngine) => at.allVolumes.push(volume("trading-paper-x", "c2")),
      ["delete-data", "--confirm", "paper"],
      undefined,
      1,
      /^error: volumes with this stack's name are not of this clone \(trading-paper-x\): nothing was deleted\n$/,
    ],
    ["Docker is down", (at: FakeEngine) => (at.unreachable = true), ["delete-data", "--confirm", "paper"], undefined, 1, /^error: Docker cannot be reached/],
  ] as const) {
    it(`deletes nothing when ${name}`, async () => {
      prepare(engine);
      const told = await trading(root, argv, { engine, ...(answer === undefined ? {} : { answer }) });
      expect(told.exitCode).to.equal(exitCode);
      expect(told.error).to.match(error);
      expect(removed()).to.deep.equal([]);
    });
  }

  it("says what was deleted and what is left when it fails in between", async () => {
    engine.meanwhile = (call) => {
      if (call === "remove trading-paper-timescaledb-data") engine.unreachable = true;
    };
    const told = await trading(root, ["delete-data", "--confirm", "paper"], { engine });
    expect(told.exitCode).to.equal(1);
    expect(told.error).to.equal("error: Docker cannot be reached: is it running?; deleted: trading-paper-mlflow-artifacts; left: trading-paper-timescaledb-data\n");
  });
});
