import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { loadImagesCommand } from "../../../operations/commands/loadImages";
import { imageId } from "../config/release";
import { outcomeOf } from "./oneCommand";
import { FakeEngine, makeClone, PAPER_FILE } from "./support";

describe("npx trading load-images", () => {
  let root: string;
  let said: string[];
  /** Ids on the Engine, and ids in the backup. */
  let [engine, archive]: [Set<string>, Set<string>] = [new Set(), new Set()];
  beforeEach(() => {
    root = makeClone();
    said = [];
    [engine, archive] = [new Set(), new Set()];
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const pin = (images: object) => fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), `${PAPER_FILE}  trading:release: ${JSON.stringify({ images })}\n`);
  const means = () => ({ isThere: async (id: string) => engine.has(id), load: async (id: string) => archive.has(id) && (engine.add(id), true) });
  const load = () => outcomeOf((context, wrap) => loadImagesCommand(context, wrap, means), [], { root, engine: () => new FakeEngine(), say: (text) => void said.push(text) });

  it("has nothing to do where no image is pinned", async () => {
    expect(await load()).to.deep.equal({ exitCode: 0, text: "Pulumi.paper.yaml pins no image: an `up` builds what it needs.\n", document: { stack: "paper", there: [], loaded: [], missing: [] } });
  });

  it("loads what is not there, and nothing the second time", async () => {
    pin({ broker: imageId("1"), bot: imageId("2") });
    engine.add(imageId("1"));
    archive.add(imageId("2"));
    expect(await load()).to.deep.include({ exitCode: 0, text: "On this Engine already: broker\nLoaded from the backup: bot\n" });
    expect(said).to.deep.equal([`- bot: loading ${imageId("2")} from the backup\n`]);
    expect(await load()).to.deep.include({ exitCode: 0, text: "On this Engine already: broker, bot\n" });
    expect(said).to.have.length(1);
  });

  it("loads the others, names what is nowhere and what to do, and does not end well", async () => {
    pin({ base: imageId("1"), bot: imageId("2") });
    archive.add(imageId("2"));
    const { exitCode, text, document } = await load();
    expect([exitCode, document]).to.deep.equal([1, { stack: "paper", there: [], loaded: ["bot"], missing: ["base"] }]);
    expect(text).to.match(/^Loaded from the backup: bot\nNOWHERE: base \(sha256:1{64}\): neither on this Engine nor in the backup\. Take the pin from trading:release\.images/);
  });
});
