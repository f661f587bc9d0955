import { expect } from "chai";
import { LIMITS } from "../../../../domain/promotion/limits";
import { releaseItems, type ReleaseFacts } from "../../../../domain/promotion/release";

const good: ReleaseFacts = {
  release: { id: "REL-20261127-070501-4f2a", at: "2026-11-27T07:05:01.000Z", clean: true, commit: "c".repeat(40), hours: 30 },
  ...{ otherImages: [], unnamedImages: [], fileChanged: false, differences: [], from: "paper", to: "live" },
};

describe("whether what is promoted is what ran", () => {
  it("is known from a release that runs as it was, of a commit, to a stack that differs in nothing else", () => {
    expect(releaseItems(good, LIMITS.release).filter(({ holds }) => !holds)).to.deep.equal([]);
  });

  const failing: [title: string, change: Partial<ReleaseFacts>, failed: string[], said?: string][] = [
    ["there is no release", { release: null, otherImages: null, fileChanged: null }, ["release.record", "release.hours", "release.clean", "release.file", "release.images", "release.imageNames"], "npm run pulumi -- up --stack paper"],
    ["it runs for a few hours", { release: { ...good.release!, hours: 23.9 } }, ["release.hours"]],
    ["something of it was in no commit", { release: { ...good.release!, clean: false } }, ["release.clean"]],
    ["there was no commit", { release: { ...good.release!, commit: null } }, ["release.clean"]],
    ["a service runs something else", { otherImages: ["broker"] }, ["release.images"], "REL-20261127-070501-4f2a: broker"],
    ["Docker does not answer", { otherImages: null }, ["release.images"]],
    ["it names not every image", { unnamedImages: ["node"] }, ["release.imageNames"], "node"],
    ["the stack's file was changed since", { fileChanged: true }, ["release.file"]],
    ["another key differs", { differences: ["trading:broker.feeRate is 0.002 in live and 0.001 in paper"] }, ["release.differences"], "trading:broker.feeRate is 0.002"],
  ];
  for (const [title, change, failed, said] of failing) {
    it(`is not where ${title}`, () => {
      const items = releaseItems({ ...good, ...change }, LIMITS.release).filter(({ holds }) => !holds);
      expect(items.map(({ id }) => id)).to.deep.equal(failed);
      if (said !== undefined) expect(items.map(({ source }) => source).join()).to.include(said);
    });
  }
});
