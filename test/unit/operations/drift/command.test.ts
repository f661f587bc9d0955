import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readDriftCheck } from "../../../../control/driftRecord";
import { controlFolder } from "../../../../control/folder";
import { driftCommand } from "../../../../operations/commands/drift";
import type { DriftReport, RunningStack } from "../../../../operations/drift/facts";
import { failure } from "../../../../operations/errors";
import { outcomeOf } from "../oneCommand";
import { FakeEngine, makeClone } from "../support";
import { deployedContainer, deployedNetwork, deployedVolume, imageId, inspected, running, runningVolume } from "./world";

const NETWORK = "docker:index/network:Network";

describe("npx trading drift", () => {
  let root: string;
  let state: string;
  beforeEach(() => {
    root = makeClone();
    fs.writeFileSync(path.join(root, "Pulumi.yaml"), "name: trading\n");
    state = path.join(root, ".trading/state/.pulumi/stacks/trading/paper.json");
    fs.mkdirSync(path.dirname(state), { recursive: true });
    const resource = (type: string, { id, inputs }: { id: string; inputs: object }) => ({ urn: `urn:pulumi:paper::trading::${type}::x`, type, id, inputs });
    const resources = [
      ...["broker", "bot-refstrat01"].map((service) => resource("docker:index/container:Container", deployedContainer(service))),
      ...[resource("docker:index/volume:Volume", deployedVolume), resource(NETWORK, deployedNetwork())],
    ];
    fs.writeFileSync(state, JSON.stringify({ checkpoint: { latest: { manifest: { time: "2024-03-01T10:00:00Z" }, resources } } }));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const drift = (look: () => Promise<RunningStack>) => outcomeOf((context, wrap) => driftCommand(context, wrap, look), [], { root, engine: () => new FakeEngine(), say: () => undefined });
  const noted = () => readDriftCheck(controlFolder(root, "paper"));

  it("ends with 0 where all is as it was deployed, and notes that for the guard", async () => {
    const { exitCode, text, document } = await drift(async () => running());
    expect([exitCode, text]).to.deep.equal([0, "Stack paper is as it was deployed (2024-03-01 10:00 UTC): 2 containers, 1 volume, 1 network, 0 images.\n"]);
    expect(document).to.include({ drift: false, stack: "paper" });
    expect(noted()).to.deep.equal({ format: 1, at: "2024-03-01T12:00:00.000Z", differences: 0, found: [] });
  });

  it("ends with 2 where something differs, and notes names, never values", async () => {
    const broker = inspected("broker");
    const { exitCode, document } = await drift(async () => running({ containers: [{ ...broker, Config: { ...broker.Config, Env: [...broker.Config.Env, "TOKEN=secret"] } }, inspected("bot-refstrat01")], volumes: [runningVolume({ Driver: "nfs" })] }));
    expect(exitCode).to.equal(2);
    expect((document as DriftReport).differences).to.deep.equal([
      { kind: "container", name: "trading-paper-broker", property: "environment TOKEN", declared: null, running: "set (not shown)" },
      { kind: "volume", name: "trading-paper-secrets-broker", property: "driver", declared: "local", running: "nfs" },
    ]);
    expect(noted()).to.deep.include({ differences: 2, found: ["container trading-paper-broker: environment TOKEN", "volume trading-paper-secrets-broker: driver"] });
  });

  const fails: readonly (readonly [why: string, look: () => Promise<RunningStack>, message: RegExp])[] = [
    ["Docker does not answer", () => Promise.reject(failure("Docker cannot be reached")), /^Docker cannot be reached$/],
    ["the stack is changed meanwhile", async () => (fs.appendFileSync(state, " "), running()), /^stack paper was changed while it was looked at: ask again$/],
    ["the stack's file is wrong", async () => (fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), "config: {}\n"), running()), /./],
  ];
  for (const [why, look, message] of fails) {
    it(`ends with 1 where ${why}, and notes nothing`, async () => {
      if (why.includes("file")) await look();
      const error = await drift(look).then(
        () => expect.fail("it cannot be told"),
        (reason: Error & { exitCode?: number }) => reason,
      );
      expect([error.exitCode, message.test(error.message)], error.message).to.deep.equal([1, true]);
      expect(noted()).to.equal(undefined);
    });
  }

  it("asks Docker for what was deployed", async () => {
    let asked: string[] = [];
    await outcomeOf((context, wrap) => driftCommand(context, wrap, async (stack, { containers }) => ((asked = [stack, ...containers.map(({ inputs: { image } }) => image ?? "")]), running())), [], { root, engine: () => new FakeEngine(), say: () => undefined });
    expect(asked).to.deep.equal(["paper", imageId, imageId]);
  });
});
