import { expect } from "chai";
import fsPromises from "node:fs/promises";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { standardPaths } from "../../../../services/backup/context";
import { discardArtifacts, swapArtifacts, unswapArtifacts } from "../../../../services/backup/files/swapArtifacts";

const id = "20261121T020000Z";
const tool = { progress: () => undefined, signal: new AbortController().signal };

describe("restored artifacts", () => {
  let root: string;
  let paths: typeof standardPaths;
  const rename = fsPromises.rename;

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "swap-"));
    paths = { ...standardPaths, artifacts: root as typeof standardPaths.artifacts };
    for (const [name, content] of [["1/x", "old"], ["2/x", "old"], ["3/x", "old"], [`.restored-${id}/1/x`, "new"], [`.restored-${id}/4/x`, "new"]] as const) {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      fs.writeFileSync(path.join(root, name), content);
    }
  });
  afterEach(() => {
    fsPromises.rename = rename;
    fs.rmSync(root, { recursive: true });
  });

  /** What MLflow would see. */
  const seen = () =>
    Object.fromEntries(
      fs
        .readdirSync(root)
        .filter((name) => !name.startsWith("."))
        .map((name) => [name, fs.readFileSync(path.join(root, name, "x"), "utf8")]),
    );
  const old = { "1": "old", "2": "old", "3": "old" };
  const restored = { "1": "new", "4": "new" };

  /** Lets so many renames happen, then fails as a program that is killed does. @returns whether it came to that */
  async function cutOff(after: number, work: () => Promise<unknown>): Promise<boolean> {
    let left = after;
    fsPromises.rename = async (from, to) => {
      if (left === 0) throw new Error("killed");
      left -= 1;
      return rename(from, to);
    };
    try {
      await work();
      return false;
    } catch (error) {
      expect((error as Error).message).to.equal("killed");
      return true;
    } finally {
      fsPromises.rename = rename;
    }
  }

  const swap = () => swapArtifacts({ id }, tool, paths);
  const unswap = () => unswapArtifacts({ id }, tool, paths);
  const discard = () => discardArtifacts({ id }, tool, paths);

  for (let after = 0; after <= 9; after += 1) {
    it(`take the place of the old ones, or give it back, when the swap was cut off after ${after} renames`, async () => {
      const was = await cutOff(after, swap);
      if (was && after > 0) expect(await discard().then(() => "discarded", (error: Error) => error.message)).to.match(/cut off/);
      await (after % 2 === 0 ? swap() : unswap());
      expect(seen()).to.deep.equal(after % 2 === 0 ? restored : old);
      await discard();
      expect(fs.readdirSync(root).filter((name) => name.startsWith("."))).to.deep.equal([]);
      expect(seen()).to.deep.equal(after % 2 === 0 ? restored : old);
    });

    it(`go back although going back was cut off after ${after} renames`, async () => {
      await swap();
      const was = await cutOff(after, unswap);
      if (was && after > 0) expect(await swap().then(() => "swapped", (error: Error) => error.message)).to.match(/taken back/);
      await unswap();
      expect(seen()).to.deep.equal(old);
      // And can still be tried again.
      await swap();
      expect(seen()).to.deep.equal(restored);
    });
  }

  it("are needed for a swap", async () => {
    fs.rmSync(path.join(root, `.restored-${id}`), { recursive: true });
    expect(await swap().then(() => "", (error: Error) => error.message)).to.equal(`there are no restored artifacts of restore ${id}`);
    expect(seen()).to.deep.equal(old);
  });

  it("stay what they are when there is nothing to take back", async () => {
    await unswap();
    expect(seen()).to.deep.equal(old);
  });
});
