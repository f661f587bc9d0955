import { expect } from "chai";
import { withPinnedImages } from "../../../config/pinnedStackFile";
import { parseStackFile } from "../../../config/stackFile";
import { imageId } from "./release";

const file = `encryptionsalt: v1:salt
config:
  # What it is.
  trading:mode: live
  trading:portBase: "8500"
  trading:feed: { source: synthetic }
  trading:bots:
    - name: refstrat01
      limits: { orderQuantity: 1, orderNotional: 12000 } # never more
`;
const images = { node: imageId("2"), base: imageId("1") };
const pinned = (text: string) => parseStackFile("live", withPinnedImages(text, images)).release;

describe("a stack's file with pinned images", () => {
  it("has them by name, and keeps everything else with its remarks", () => {
    expect(withPinnedImages(file, images)).to.equal(`${file}  trading:release:\n    images:\n      base: ${imageId("1")}\n      node: ${imageId("2")}\n`);
  });

  for (const [what, written] of [
    ["pins of before, and keeps the promotion", `  trading:release:\n    promotion: { evidence: reports/promotions/a.json }\n    images: { bot: "${imageId("9")}" }\n`],
    ["what Pulumi wrote as text", `  trading:release: '{"promotion":{"evidence":"reports/promotions/a.json"},"images":{"bot":"${imageId("9")}"}}'\n`],
  ] as const) {
    it(`replaces ${what}`, () => expect(pinned(`${file}${written}`)).to.deep.equal({ promotion: { evidence: "reports/promotions/a.json" }, images }));
  }

  it("is the same when it is made twice", () => {
    const once = withPinnedImages(file, images);
    expect(withPinnedImages(once, images)).to.equal(once);
  });

  for (const [what, text] of [["no YAML", "config: [1"], ["no stack file", "a: 1\n"], ["nothing", ""]] as const) {
    it(`is not made of ${what}`, () => expect(() => withPinnedImages(text, images)).to.throw());
  }
});
