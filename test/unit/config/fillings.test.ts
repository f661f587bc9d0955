import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Fillings } from "../../../config/fillings";

describe("fillings of volumes", () => {
  let root: string;
  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-fillings-"))));
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));
  const marks = (there: readonly string[] | undefined, ...volumes: string[]) => {
    const fillings = new Fillings(root, "paper", there && new Set(there));
    return volumes.map((volume) => fillings.markOf(volume));
  };

  it("have no mark where the volume was there before there were marks", () => {
    expect(marks(["secrets"], "secrets")).to.deep.equal([undefined]);
    expect(fs.readdirSync(root)).to.deep.equal([]);
  });

  it("keep the mark that they got when the volume was made", () => {
    const [made] = marks([], "secrets");
    expect(made).to.match(/^[0-9a-f]{12}$/);
    expect(marks(["secrets"], "secrets")).to.deep.equal([made]);
  });

  it("get a mark of their own for each volume, and another one when it is gone", () => {
    const [first, second] = marks([], "first", "second");
    expect(first).not.to.equal(second);
    const [again, kept] = marks(["second"], "first", "second");
    expect(again).not.to.equal(first);
    expect(kept).to.equal(second);
  });

  it("are left as they are by a preview", () => {
    expect(marks(undefined, "secrets")).to.deep.equal([undefined]);
    const [made] = marks([], "secrets");
    expect(marks(undefined, "secrets")).to.deep.equal([made]);
  });

  it("say which file is damaged, and what helps", () => {
    marks([], "secrets");
    fs.writeFileSync(path.join(root, ".trading", "stacks", "paper", "fillings.json"), "{");
    expect(() => marks([], "secrets")).to.throw(`${path.join(".trading", "stacks", "paper", "fillings.json")} is damaged: remove it`);
  });
});
