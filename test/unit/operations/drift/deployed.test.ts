import { expect } from "chai";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ContainerImage } from "../../../../components/ContainerImage";
import { FilledVolume, fileLines } from "../../../../components/FilledVolume";
import { restoreJournalFile } from "../../../../config/restoreInProgress";
import { deployedIn, FILLED_COMPONENT, IMAGE_COMPONENT, readState } from "../../../../operations/drift/deployed";
import { makeClone } from "../support";

const urn = (types: string, name: string) => `urn:pulumi:paper::trading::trading:stack:TradingStack$${types}::${name}`;
const CONTAINER = "docker:index/container:Container";
const VOLUME = "docker:index/volume:Volume";
const COMMAND = "command:local:Command";
const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:x" };
const imageId = `sha256:${"1".repeat(64)}`;
const hash = (text: string) => createHash("sha256").update(text).digest("hex");

/** A volume that was filled, and what filled it. */
const filled = (name: string, stdin: unknown) => {
  const parent = urn(FILLED_COMPONENT, name);
  return [
    { urn: urn(`${FILLED_COMPONENT}$${VOLUME}`, `${name}-volume`), type: VOLUME, id: `trading-paper-${name}`, parent, inputs: { name: `trading-paper-${name}` } },
    { urn: urn(`${FILLED_COMPONENT}$${COMMAND}`, `${name}-files`), type: COMMAND, id: "x", parent, inputs: { create: "docker run", stdin } },
  ];
};
const feed = { urn: urn(`trading:service:ServiceContainer$${CONTAINER}`, "livefeed"), type: CONTAINER, id: "c1", inputs: { name: "trading-paper-livefeed", image: imageId, volumes: [{ volumeName: "trading-paper-recording", containerPath: "/recording" }] } };
const state = (resources: readonly object[], more: object = {}) => ({ file: "paper.json", text: JSON.stringify({ version: 3, checkpoint: { latest: { manifest: { time: "2026-11-27T10:00:00.5+01:00" }, resources, ...more } } }) });

describe("what was deployed", () => {
  it("is in the components that make images and fill volumes, by their own names", () => {
    expect([IMAGE_COMPONENT, FILLED_COMPONENT]).to.deep.equal([ContainerImage.type, FilledVolume.type]);
  });

  it("is read from the state: containers, volumes, networks, images; not what waits to be removed", () => {
    const network = { urn: urn("docker:index/network:Network", "n"), type: "docker:index/network:Network", id: "n1", outputs: { name: "trading-paper" } };
    const image = { urn: urn(`${IMAGE_COMPONENT}$${COMMAND}`, "image-guard-proxy"), type: COMMAND, id: "i", inputs: {}, outputs: { stdout: `${imageId}\n` } };
    const other = { urn: urn(COMMAND, "migrate"), type: COMMAND, id: "i", inputs: {}, outputs: { stdout: imageId } };
    const found = deployedIn(state([feed, { ...feed, delete: true, id: "c0" }, network, image, other]));
    expect(found).to.deep.equal({
      ...{ at: "2026-11-27T10:00:00.5+01:00", volumes: [], files: [], unknown: [], unfinished: [] },
      containers: [{ id: "c1", name: "trading-paper-livefeed", inputs: feed.inputs }],
      networks: [{ id: "n1", name: "trading-paper", inputs: {} }],
      images: [{ name: "guard-proxy", id: imageId }],
    });
  });

  it("names what an interrupted run was at", () => {
    expect(deployedIn(state([], { pending_operations: [{ type: "creating", resource: feed }] })).unfinished).to.deep.equal([{ resource: "livefeed", operation: "creating" }]);
  });

  it("knows the content of a volume that holds no secrets, and where it can be read", () => {
    const { files, unknown } = deployedIn(state([feed, ...filled("recording", fileLines({ "a.csv": "one", "b.csv": "two" })), ...filled("secrets-gui", secret), ...filled("secrets-broker", secret)]));
    expect(files).to.deep.equal(
      [["a.csv", "one"], ["b.csv", "two"]].map(([file, text]) => ({ kind: "volume", name: "trading-paper-recording", file, container: "trading-paper-livefeed", path: `/recording/${file}`, sha256: hash(text!), bytes: 3 })),
    );
    expect(unknown).to.deep.equal(["content of 2 volumes with secrets, which is encrypted in Pulumi's state"]);
  });

  it("says which content it will not look at", () => {
    const large = fileLines({ "a.csv": "x".repeat(4 * 1024 * 1024 + 1) });
    expect(deployedIn(state([feed, ...filled("recording", large)])).unknown).to.deep.equal(["volume trading-paper-recording: file a.csv, which is larger than 4 MiB"]);
    expect(deployedIn(state(filled("recording", fileLines({ a: "x" })))).unknown).to.deep.equal(["volume trading-paper-recording: its content, for no container has it"]);
  });

  it("knows the content of uploads that are in the state in clear", () => {
    const uploads = [{ file: "/a", content: "one" }, { file: "/b", contentBase64: "dHdv" }, { file: "/c", content: secret }, { file: "/d", source: "./d" }];
    const { files, unknown } = deployedIn(state([{ ...feed, inputs: { ...feed.inputs, uploads } }]));
    expect(files.map(({ kind, path, sha256 }) => [kind, path, sha256])).to.deep.equal([["container", "/a", hash("one")], ["container", "/b", hash("two")]]);
    expect(unknown).to.have.length(2);
  });

  it("is nothing in a stack that was made and never brought up", () => {
    const { at, containers } = deployedIn({ file: "paper.json", text: JSON.stringify({ version: 3, checkpoint: {} }) });
    expect([at, containers]).to.deep.equal([null, []]);
  });

  for (const [what, text, message] of [
    ["no JSON", "{", /paper\.json is not JSON: bring it back from the backup$/],
    ["another form", '{"checkpoint":{"latest":{"manifest":{}}}}', /paper\.json is not a state this program knows: checkpoint\.latest\.manifest\.time:/],
  ] as const) {
    it(`is refused where the state is ${what}`, () => expect(() => deployedIn({ file: "paper.json", text })).to.throw(message));
  }

  describe("is looked for", () => {
    let root: string;
    let locks: string;
    beforeEach(() => {
      root = makeClone();
      fs.writeFileSync(path.join(root, "Pulumi.yaml"), "name: trading\nruntime: nodejs\n");
      locks = path.join(root, ".trading/state/.pulumi/locks/organization/trading/paper");
      const stacks = path.join(root, ".trading/state/.pulumi/stacks/trading");
      for (const folder of [locks, stacks]) fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(stacks, "paper.json"), "text");
    });
    afterEach(() => fs.rmSync(root, { recursive: true }));
    const lock = (change: object) => fs.writeFileSync(path.join(locks, "a.json"), JSON.stringify({ pid: process.pid, username: "owner", hostname: os.hostname(), timestamp: "2026-11-27T10:00:00.5+01:00", ...change }));
    /** A process number that was used, and is no more. */
    const gone = 2 ** 22 + 7;

    it("in the clone's own state", () => expect(readState(root, "paper").text).to.equal("text"));

    it("in vain before the stack was ever brought up", () => {
      fs.rmSync(path.join(root, ".trading/state/.pulumi/stacks"), { recursive: true });
      expect(() => readState(root, "paper")).to.throw(/^stack paper was never brought up here \(.*paper\.json is missing\): npm start -- --stack paper$/);
    });

    it("not while Pulumi changes it, and says who does", () => {
      lock({});
      expect(() => readState(root, "paper")).to.throw(new RegExp(`^Pulumi is changing stack paper \\(process ${process.pid} of owner@${os.hostname()} since 2026-11-27 09:00 UTC\\): ask again when it is done; .* cancel --stack paper$`));
    });

    it("not while Pulumi of another machine changes it", () => {
      lock({ hostname: "elsewhere", pid: gone });
      expect(() => readState(root, "paper")).to.throw(/@elsewhere since/);
    });

    it("not while a lock cannot be read", () => {
      fs.writeFileSync(path.join(locks, "a.json"), "{");
      expect(() => readState(root, "paper")).to.throw(/^Pulumi is changing stack paper \(.*a\.json\)/);
    });

    it("all the same where the process is gone that left the lock", () => {
      lock({ pid: gone });
      expect(readState(root, "paper").text).to.equal("text");
    });

    it("not in the middle of a restore", () => {
      fs.writeFileSync(restoreJournalFile(root, "paper"), "{}");
      expect(() => readState(root, "paper")).to.throw(/a restore of stack paper is under way or was interrupted/);
    });
  });
});
