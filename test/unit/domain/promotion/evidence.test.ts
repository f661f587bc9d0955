import { expect } from "chai";
import { evidenceOf, type EvidenceFacts } from "../../../../domain/promotion/evidence";
import { LIMITS } from "../../../../domain/promotion/limits";
import { daysToProve } from "../../../../domain/promotion/unproven";

const good: EvidenceFacts = {
  outOfSample: { sharpe: 1.2, standardError: 0.5, probability: 0.97, maxDrawdown: 0.08, trades: 49, configurationHash: "abc", source: "MLflow" },
  paper: { days: 40, sharpe: 0.9, standardError: 3, minimumReturns: 40_000, maxDrawdown: 0.04, trades: 8, source: "kpis" },
  parity: { decisionMatch: 1, tradeMatch: 1, trackingError: 0, frozen: false, reason: "", days: 30, configurationHash: "abc", image: "sha256:1", source: "parities" },
  feed: { healthyShare: 1, knownHours: 168, down: 0, openGaps: 0, skewMilliseconds: -20, simulated: false, source: "page" },
  limitRefusals: 0,
  configurationHash: "abc",
  image: "sha256:1",
};

describe("the evidence for a promotion", () => {
  it("holds when every condition does, each with its distance to the limit", () => {
    const { holds, items } = evidenceOf(good);
    expect(items.filter((item) => !item.holds)).to.deep.equal([]);
    expect(holds).to.equal(true);
    const of = (id: string) => items.find((item) => item.id === id)!;
    expect(of("paper.days")).to.include({ value: 40, limit: 30, distance: 10, window: "40.0 days", source: "kpis" });
    expect(of("outOfSample.maxDrawdown").distance).to.be.closeTo(0.07, 1e-12);
    expect(of("outOfSample.sharpe").standardError).to.equal(0.5);
    expect(of("parity.decisions")).to.include({ distance: 0, holds: true });
  });

  const failing: [title: string, change: Partial<EvidenceFacts>, failed: string[]][] = [
    ["no evaluation", { outOfSample: null }, ["outOfSample.sharpe", "outOfSample.probability", "outOfSample.maxDrawdown", "outOfSample.trades"]],
    ["an evaluation of another configuration", { configurationHash: "def" }, ["outOfSample.configuration", "parity.configuration"]],
    ["an evaluation whose folds chose different settings", { outOfSample: { ...good.outOfSample!, configurationHash: null } }, ["outOfSample.configuration"]],
    ["a record that is short by a bar", { paper: { ...good.paper!, days: 30 - 1 / 24 } }, ["paper.days"]],
    ["no record at all", { paper: null }, ["paper.days", "paper.trades", "paper.maxDrawdown", "paper.sharpe"]],
    ["a ratio that is not known", { paper: { ...good.paper!, sharpe: null, standardError: null } }, ["paper.sharpe"]],
    ["a ratio more than one error below 0", { paper: { ...good.paper!, sharpe: -3.1 } }, ["paper.sharpe"]],
    ["one decision that differs", { parity: { ...good.parity!, decisionMatch: 0.999 } }, ["parity.decisions"]],
    ["no comparison", { parity: null }, ["parity.decisions", "parity.trades", "parity.trackingError", "parity.days"]],
    ["a comparison of another image", { image: "sha256:2" }, ["parity.image"]],
    ["an image that is not known", { image: null }, ["parity.image"]],
    ["a comparison that was told no image", { parity: { ...good.parity!, image: null } }, ["parity.image"]],
    ["a comparison that forbids it", { parity: { ...good.parity!, frozen: true } }, ["parity.frozen"]],
    ["a long record of which most was made by other settings", { parity: { ...good.parity!, days: 2 } }, ["parity.days"]],
    ["a page that does not answer", { feed: null, limitRefusals: null }, ["paper.limits", "feed.healthy", "feed.known", "feed.down", "feed.market", "feed.gaps"]],
    ["a feed that is known for a day", { feed: { ...good.feed!, knownHours: 24 } }, ["feed.known"]],
    ["a market that is made up", { feed: { ...good.feed!, simulated: true } }, ["feed.market"]],
    ["a figure that is no number", { outOfSample: { ...good.outOfSample!, sharpe: Number.NaN } }, ["outOfSample.sharpe"]],
    ["a feed that was DOWN", { feed: { ...good.feed!, down: 1 } }, ["feed.down"]],
    ["a clock that is behind", { feed: { ...good.feed!, skewMilliseconds: -501 } }, ["feed.skew"]],
    ["an entry beyond a limit", { limitRefusals: 1 }, ["paper.limits"]],
  ];
  for (const [title, change, failed] of failing) {
    it(`fails with ${title}`, () => {
      const { holds, items } = evidenceOf({ ...good, ...change });
      expect(items.filter((item) => !item.holds).map(({ id }) => id)).to.deep.equal(failed);
      expect(holds).to.equal(false);
    });
  }

  it("holds what is known against other limits, when others are asked for", () => {
    const limits = { ...LIMITS, paper: { ...LIMITS.paper, days: 41 }, parity: { ...LIMITS.parity, days: 7 } };
    const { items } = evidenceOf(good, limits);
    expect(items.filter(({ holds }) => !holds).map(({ id, limit, distance }) => [id, limit, distance])).to.deep.equal([["paper.days", 41, -1]]);
  });

  it("allows a ratio that is exactly one error below 0, of which no sign is proven", () => {
    expect(evidenceOf({ ...good, paper: { ...good.paper!, sharpe: -3 } }).holds).to.equal(true);
  });

  it("says in words what the data cannot prove", () => {
    const { unproven } = evidenceOf({ ...good, parity: { ...good.parity!, days: 12 } });
    expect(unproven).to.deep.equal([
      "40 days of paper trading cannot prove a Sharpe ratio of 1.5: to prove that it is above 0 takes 439 days at 95 %.",
      "The Sharpe ratio on paper is 0.90 and may as well be -5.1 or 6.9: a record like this one takes 1667 days to prove that it is above 0.",
      "Only 12.0 days were compared with a replay.",
      "All fills are simulated: what an exchange would have filled, and at which price, no figure here can prove.",
    ]);
  });
});

describe("the days that prove a Sharpe ratio", () => {
  // Research 2.1: 988, 439, 247 and 110 days; Bailey and López de Prado's formula, of hourly returns.
  for (const [ratio, days] of [[1, 988], [1.5, 440], [2, 247], [3, 110]] as const) it(`of ${ratio}`, () => expect(daysToProve(ratio)).to.be.closeTo(days, 1));
});
