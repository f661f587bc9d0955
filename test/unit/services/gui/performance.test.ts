import { expect } from "chai";
import type { ParityView, PerformanceView, WindowView } from "../../../../services/gui/api";
import { performanceFacts } from "../../../../services/gui/page/performance";

const now = Date.parse("2024-03-01T12:00:00Z");
const bar = Date.parse("2024-03-01T11:00:00Z");

const month: WindowView = {
  ...{ window: "30d", from: bar - 719 * 3_600_000, bar, bars: 720, totalReturn: 0.012, sharpe: 1.5, sharpeError: 3.49, drawdownMax: 0.021, drawdownFromPeak: 0.005, exposure: 0.4 },
  ...{ trades: 6, tradesExpected: 6.4, tradesVerdict: "as expected", hitRate: 1 / 3, profitFactor: 1.4, fees: 12.5, slippageMedian: 5, slippageP95: 5.1, trackingError: 0 },
};
const equal: ParityView = {
  ...{ at: now - 3_600_000, from: month.from, to: bar, verdict: "equal", frozen: false, reason: "all 720 decisions and 6 trades are the same", cause: "none", reference: "image", note: null },
  ...{ decisionsCompared: 720, decisionsMatched: 720, tradesCompared: 6, tradesMatched: 6, trackingError: 0, firstDifference: null },
};
const shown = (view: PerformanceView, window = "30d") => Object.fromEntries(performanceFacts(view, window, now).map(({ label, value, tone }) => [label, [value, tone]]));

describe("the page's key figures", () => {
  it("are those of the chosen window, each with its unit", () => {
    const facts = shown({ windows: [{ ...month, window: "7d", sharpe: 9 }, month], parity: equal });
    expect(facts["Sharpe ratio a year"]).to.deep.equal(["1.50 ± 3.49", ""]);
    expect(facts["Closed trades"]).to.deep.equal(["6, 6.4 expected", ""]);
    expect(facts["Slippage"]).to.deep.equal(["median 5.0, 95 % 5.1 basis points", ""]);
    expect(facts["Parity"]).to.deep.equal(["equal: all 720 decisions and 6 trades are the same", "good"]);
    expect(facts["Compared"]![0]).to.match(/^2024-03-01 11:00:00 UTC, 60 min ago, with the image that runs; 720 of 720 decisions, 6 of 6 trades$/);
  });

  it("are a dash where nothing can be computed, never 0", () => {
    const facts = shown({ windows: [{ ...month, sharpe: null, sharpeError: null, profitFactor: null, hitRate: null, slippageMedian: null, tradesExpected: null, tradesVerdict: null, trackingError: null }], parity: equal });
    for (const label of ["Sharpe ratio a year", "Profit factor", "Hit rate", "Slippage", "Tracking error a year"]) expect(facts[label]![0], label).to.equal("–");
    expect(facts["Closed trades"]![0]).to.equal("6, nothing to expect known");
  });

  it("warn of a bot that trades too little", () => expect(shown({ windows: [{ ...month, trades: 0, tradesVerdict: "too few" }], parity: null })["Closed trades"]).to.deep.equal(["0, 6.4 expected: too few", "warning"]));

  const verdicts: [verdict: ParityView["verdict"], frozen: boolean, tone: string][] = [["costs", false, "warning"], ["costs", true, "bad"], ["differs", false, "warning"], ["differs", true, "bad"], ["nothing to compare", false, ""]];
  for (const [verdict, frozen, tone] of verdicts) {
    it(`show a comparison that says ${verdict}${frozen ? ", frozen," : ""} as ${tone || "plain"}`, () => {
      const facts = shown({ windows: [], parity: { ...equal, verdict, frozen, reason: "why", cause: "fee", note: "the bot's image has no replay", reference: "program", firstDifference: { kind: "fill", bar } } });
      expect(facts["Parity"]).to.deep.equal([`${verdict}${frozen ? ", frozen" : ""}: why`, tone]);
      expect(facts["First difference"]![0]).to.equal("fill on 2024-03-01 11:00 UTC: fee");
      expect(facts["Compared"]![0]).to.include("this project's program (the bot's image has no replay)");
    });
  }

  it("say when there are none, and how to get a comparison", () => {
    expect(shown({ windows: [], parity: null })).to.deep.equal({ Figures: ["none yet", ""], Parity: ["not compared with a replay yet: npx trading parity", "warning"] });
  });
});
