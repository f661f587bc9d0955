import { expect } from "chai";
import { containerArguments, fingerprint, type ContainerSpecification } from "../../../components/containerArguments";
import { ownFrames, ownMessage } from "../../../components/errorOutput";
import { foreignObjects } from "../../../components/ownership";
import { fileLines } from "../../../components/FilledVolume";
import { databaseRoles } from "../../../config/databaseRoles";
import { botState } from "../../../config/botState";
import { dataVolumeOptions } from "../../../components/resourceOptions";
import { allNames, dataVolumes, stackNames, stackPorts } from "../../../config/names";
import { parseStackConfiguration } from "../../../config/stackConfiguration";

const specification: ContainerSpecification = {
  name: "trading-paper-broker",
  service: "broker",
  stack: "paper",
  owner: "0123",
  network: "trading-paper",
  environment: { B: "2", A: "1" },
  volumes: [{ volume: "trading-paper-secrets-broker", path: "/secrets", readOnly: true }],
  ports: [{ container: 8080, host: 8400 }],
  temporary: { "/tmp": "rw,size=64m" },
  user: "10001:10001",
  health: ["curl", "http://127.0.0.1:8080/readyz"],
  memoryMegabytes: 128,
  graceSeconds: 15,
  running: true,
};
const labelOf = (changed: Partial<ContainerSpecification>) => {
  const labels = containerArguments({ ...specification, ...changed }, "sha256:0").labels as { label: string; value: string }[];
  return labels.find(({ label }) => label === "trading.fingerprint")!.value;
};

const noHalts = { halts: [], unreadable: [], problem: null };

describe("container arguments", () => {
  it("carry the house rules", () => {
    expect(containerArguments(specification, "sha256:0")).to.deep.include({
      name: "trading-paper-broker",
      image: "sha256:0",
      envs: ["A=1", "B=2"],
      user: "10001:10001",
      ports: [{ internal: 8080, external: 8400, ip: "127.0.0.1", protocol: "tcp" }],
      networksAdvanced: [{ name: "trading-paper", aliases: ["broker"] }],
      readOnly: true,
      init: true,
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges:true"],
      logOpts: { "max-size": "10m", "max-file": "3" },
      memory: 128,
      memorySwap: 128,
      restart: "unless-stopped",
      destroyGraceSeconds: 15,
      stopTimeout: 15,
      start: true,
      mustRun: true,
    });
  });

  it("start nothing that is wanted stopped", () => {
    expect(containerArguments({ ...specification, running: false }, "sha256:0")).to.deep.include({ start: false, mustRun: false });
  });

  const replacing: [string, Partial<ContainerSpecification>][] = [
    ["environment", { environment: { A: "1", B: "3" } }],
    ["health check", { health: ["true"] }],
    ["temporary folders", { temporary: { "/tmp": "rw,size=65m" } }],
    ["command, also when it goes away", { command: ["serve"] }],
    ["user", { user: "10002:10002" }],
    ["volumes", { volumes: [] }],
    ["shared memory", { sharedMemoryMegabytes: 64 }],
  ];
  for (const [name, change] of replacing) {
    it(`change the fingerprint with the ${name}`, () => expect(labelOf(change)).to.not.equal(labelOf({})));
  }

  const inPlace: [string, Partial<ContainerSpecification>][] = [
    ["memory", { memoryMegabytes: 256 }],
    ["wish", { running: false }],
    ["order of the environment", { environment: { A: "1", B: "2" } }],
  ];
  for (const [name, change] of inPlace) {
    it(`keep the fingerprint with another ${name}`, () => expect(labelOf(change)).to.equal(labelOf({})));
  }

  it("have a fingerprint that does not depend on the order of keys or on absent ones", () => {
    expect(fingerprint({ a: 1, b: { c: [1, 2], d: undefined } })).to.equal(fingerprint({ b: { c: [1, 2] }, a: 1 }));
    expect(fingerprint({ a: [1, 2] })).to.not.equal(fingerprint({ a: [2, 1] }));
  });
});

describe("stacks beside each other", () => {
  it("share no name, volume, network or port", () => {
    const paper = allNames("paper", ["a", "b"]);
    for (const name of allNames("live", ["a", "b"])) expect(paper.has(name), name).to.equal(false);
    expect(new Set([...Object.values(stackPorts(8400)), ...Object.values(stackPorts(8500))]).size).to.equal(4);
  });

  it("know every data volume among their names", () => {
    for (const name of dataVolumes("paper")) expect(allNames("paper", []).has(name)).to.equal(true);
  });
});

describe("whose objects are whose", () => {
  const names = allNames("paper", ["refstrat01"]);
  const container = stackNames("paper").container("gui");
  const cases: [string, string, string | undefined, string[]][] = [
    ["ours", container, "me", []],
    ["another clone's", container, "other", [`  container ${container}: belongs to the clone other`]],
    ["nobody's", container, undefined, [`  container ${container}: was not made by this program`]],
    ["another stack's that begins alike", "trading-paper-2-gui", "other", []],
  ];
  for (const [whose, name, owner, expected] of cases) {
    it(`are told apart: ${whose}`, () => expect(foreignObjects([{ kind: "container", name, owner }], names, "me")).to.deep.equal(expected));
  }
});

describe("data volumes", () => {
  const parent = {} as never;
  it("outlive a destroy, and in live stop it", () => {
    expect(dataVolumeOptions(parent, "paper")).to.deep.include({ retainOnDelete: true, protect: false });
    expect(dataVolumeOptions(parent, "live")).to.deep.include({ retainOnDelete: true, protect: true });
  });
  it("are not replaced for a label", () => {
    expect(dataVolumeOptions(parent, "paper").ignoreChanges).to.deep.equal(["labels", "driver", "driverOpts"]);
  });
});

describe("bots", () => {
  const configuration = (mode: string) => parseStackConfiguration(mode, { mode, portBase: 8400, feed: { source: "synthetic" }, bots: ["a", "b"].map((name) => ({ name, limits: { orderQuantity: 1, orderNotional: 12_000 } })) });
  const free = { mayRun: true, reason: "paper needs no promotion" };
  it("run in paper unless they are wanted stopped", () => {
    expect(botState(free, { bots: { a: "stopped" } }, noHalts, "a").running).to.equal(false);
    expect(botState(free, { bots: { a: "stopped" } }, noHalts, "b").running).to.equal(true);
  });
  it("do not run in live without a promotion, whatever is wished", () => {
    expect(botState({ mayRun: false, reason: "live has no promotion" }, { bots: { a: "running" } }, noHalts, "a")).to.deep.equal({ name: "a", running: false, reason: "live has no promotion: the bot is made and not started" });
  });
  it("have a database role each", () => {
    expect(databaseRoles(configuration("paper")).map(({ name }) => name)).to.deep.equal(["livefeed", "broker", "performance", "guard", "gui", "mlflow", "bot_a", "bot_b"]);
  });
});

describe("files for a volume", () => {
  it("are one line each, sorted, in base64", () => {
    expect(fileLines({ b: "geheim\n", a: new Uint8Array([0, 255]) })).to.equal("a\tAP8=\nb\tZ2VoZWltCg==\n");
  });
});

describe("an error nobody caught", () => {
  it("says what is wrong, and not which resources it passed through", () => {
    expect(ownMessage('error serializing property "outputs": error serializing property "image": the image is gone')).to.equal("the image is gone");
    expect(ownMessage("the image is gone")).to.equal("the image is gone");
  });

  it("keeps its message and our own frames", () => {
    const stack = "Error: wrong node_modules/x\n    at a (/p/node_modules/@pulumi/x.js:1:2)\n    at b (/p/components/Bot.ts:3:4)\n    at c (C:\\p\\node_modules\\y.js:1:2)";
    expect(ownFrames(stack)).to.equal("Error: wrong node_modules/x\n    at b (/p/components/Bot.ts:3:4)");
  });
});
