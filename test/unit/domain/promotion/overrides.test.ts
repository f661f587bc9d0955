import { expect } from "chai";
import type { EvidenceItem } from "../../../../domain/promotion/item";
import { LIMITS, loosened } from "../../../../domain/promotion/limits";
import { nameOf, stands, withOverrides } from "../../../../domain/promotion/overrides";

const item = (id: string, bot: string | null, holds: boolean) => ({ ...({ id, text: id, value: 0, bound: "at least", limit: 1, distance: -1, unit: "count", window: "", standardError: null, source: "", holds } satisfies EvidenceItem), bot });
const items = [item("paper.days", "one", false), item("paper.days", "two", false), item("paper.trades", "one", true), item("operations.freezes", null, false), item("release.images", null, false), item("operations.disk", null, false)];

describe("overrides of conditions", () => {
  const overridden = (...names: string[]) => withOverrides(items, names, "because").items.filter((each) => each.overridden !== null).map((each) => nameOf(each, true));

  it("are of each that was named, with the reason", () => {
    expect(overridden("operations.disk")).to.deep.equal(["operations.disk"]);
    expect(overridden("paper.days:two")).to.deep.equal(["paper.days:two"]);
    expect(overridden("paper.days")).to.deep.equal(["paper.days:one", "paper.days:two"]);
    expect(withOverrides(items, ["operations.disk"], "because").items.at(-1)!.overridden).to.equal("because");
  });

  it("let stand what holds or was overridden, and nothing else", () => {
    const judged = withOverrides(items, ["paper.days"], "because").items;
    expect(judged.filter((each) => !stands(each)).map(({ id }) => id)).to.deep.equal(["operations.freezes", "release.images", "operations.disk"]);
  });

  const refused: [name: string, problem: string][] = [
    ["paper.day", 'there is no condition "paper.day"'],
    ["paper.days:three", 'there is no condition "paper.days:three"'],
    ["operations.freezes", '"operations.freezes" cannot be overridden'],
    ["release.images", '"release.images" cannot be overridden'],
  ];
  for (const [name, problem] of refused) {
    it(`do not take ${name}`, () => {
      const { problems, items: judged } = withOverrides(items, [name], "because");
      expect(problems).to.deep.equal([problem]);
      expect(judged.every((each) => each.overridden === null)).to.equal(true);
    });
  }

  it("say which were not needed, and mark nothing", () => {
    const { needless, items: judged } = withOverrides(items, ["paper.trades"], "because");
    expect(needless).to.deep.equal(["paper.trades"]);
    expect(judged.every((each) => each.overridden === null)).to.equal(true);
  });
});

describe("limits that ask for less than by default", () => {
  it("are none of the default, nor those that ask for more", () => {
    expect(loosened(LIMITS)).to.deep.equal([]);
    expect(loosened({ ...LIMITS, paper: { ...LIMITS.paper, days: 60, maxDrawdown: 0.05 }, canary: { days: 14, fraction: 0.05 } })).to.deep.equal([]);
  });

  // Every limit, moved a hair to the side on which less is asked for.
  const less: [limit: string, by: number][] = [
    ...(["outOfSample.sharpe", "outOfSample.trades", "outOfSample.probability", "paper.days", "paper.trades", "paper.standardErrors", "parity.days", "parity.decisionMatch", "parity.tradeMatch", "feed.healthyShare", "feed.knownHours", "operations.freeDiskShare", "release.hours", "canary.days"].map((limit): [string, number] => [limit, -0.001])),
    ...(["outOfSample.maxDrawdown", "paper.maxDrawdown", "parity.trackingError", "feed.down", "feed.openGaps", "feed.skewMilliseconds", "operations.backupHours", "operations.secondCopyHours", "operations.restoreTestDays", "operations.haltDrillDays", "canary.fraction"].map((limit): [string, number] => [limit, 0.001])),
  ];
  for (const [limit, by] of less) {
    it(`are told, with what they should be: ${limit}`, () => {
      const [group, name] = limit.split(".") as [keyof typeof LIMITS, string];
      const standard = (LIMITS[group] as unknown as Record<string, number>)[name]!;
      expect(loosened({ ...LIMITS, [group]: { ...LIMITS[group], [name]: standard + by } })).to.deep.equal([{ limit, value: standard + by, standard }]);
      expect(loosened({ ...LIMITS, [group]: { ...LIMITS[group], [name]: standard - by } })).to.deep.equal([]);
    });
  }

  it("are every limit that there is", () => {
    const all = Object.entries(LIMITS).flatMap(([group, limits]) => Object.keys(limits as object).map((name) => `${group}.${name}`));
    expect(less.map(([limit]) => limit)).to.have.members(all);
  });
});
