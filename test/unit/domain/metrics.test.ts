import { expect } from "chai";
import { maxDrawdown, sharpe, summarize } from "../../../domain/metrics";
import type { Trade } from "../../../domain/orders";

const trade = (profit: number, fees: number): Trade => ({
  entryBar: 0,
  exitBar: 1,
  quantity: 1,
  entryPrice: 100,
  exitPrice: 100,
  fees,
  profit,
  exitReason: "stop",
});

describe("metrics", () => {
  const sharpes: { title: string; equity: number[]; periods?: number; expected: number | undefined }[] = [
    // Returns 0.1 and −0.1: mean 0.
    { title: "no mean, no ratio", equity: [100, 110, 99], periods: 1, expected: 0 },
    // Returns 0.5 and 0: mean 0.25, sample deviation 0.25·√2.
    { title: "two returns", equity: [100, 150, 150], periods: 1, expected: 1 / Math.sqrt(2) },
    { title: "a year has 8760 hours", equity: [100, 150, 150], expected: Math.sqrt(8760 / 2) },
    // Returns 1, 0, 0.5: mean 0.5, squares 0.25 + 0.25 over 2 = 0.25.
    { title: "three returns", equity: [1, 2, 2, 3], periods: 4, expected: 2 },
    { title: "undefined without values", equity: [], expected: undefined },
    { title: "undefined with one return", equity: [100, 110], expected: undefined },
    { title: "undefined for a flat line", equity: [100, 100, 100, 100], expected: undefined },
    { title: "undefined for equal returns", equity: [100, 110, 121, 133.1], expected: undefined },
  ];
  for (const { title, equity, periods, expected } of sharpes) {
    it(`Sharpe ratio: ${title}`, () => {
      const actual = sharpe(equity, periods);
      if (expected === undefined) {
        expect(actual).to.equal(undefined);
      } else {
        expect(actual).to.be.closeTo(expected, 1e-9);
      }
    });
  }

  const drawdowns: { equity: number[]; expected: number | undefined }[] = [
    { equity: [], expected: undefined },
    { equity: [100], expected: 0 },
    { equity: [100, 110, 120], expected: 0 },
    { equity: [100, 80, 120, 90, 100], expected: 0.25 },
    { equity: [100, 75, 120, 96, 125, 100], expected: 0.25 },
  ];
  for (const { equity, expected } of drawdowns) {
    it(`maximum drawdown of [${equity.join(", ")}] is ${expected}`, () => expect(maxDrawdown(equity)).to.equal(expected));
  }

  it("sums a run up", () => {
    const trades = [trade(30, 1), trade(-10, 2), trade(0, 1), trade(-5, 1)];
    const equity = Array.from({ length: 1440 }, (_, index) => (index % 2 === 0 ? 1000 : 1010));
    const metrics = summarize({ startingCash: 1000, equity, trades });
    expect(metrics).to.deep.include({
      bars: 1440,
      startingCash: 1000,
      finalEquity: 1010,
      totalReturn: 0.010000000000000009,
      trades: 4,
      tradesPer30Days: 2,
      wins: 1,
      losses: 2,
      hitRate: 0.25,
      profitFactor: 2,
      averageProfit: 3.75,
      fees: 5,
    });
    expect(metrics.sharpe).to.equal(sharpe(equity));
    expect(metrics.maxDrawdown).to.be.closeTo(10 / 1010, 1e-12);
  });

  it("leaves undefined what cannot be computed", () => {
    const empty = { startingCash: 1000, equity: [], trades: [] };
    expect(summarize(empty)).to.deep.equal({
      bars: 0,
      startingCash: 1000,
      finalEquity: 1000,
      totalReturn: 0,
      sharpe: undefined,
      maxDrawdown: undefined,
      trades: 0,
      tradesPer30Days: undefined,
      wins: 0,
      losses: 0,
      hitRate: undefined,
      profitFactor: undefined,
      averageProfit: undefined,
      fees: 0,
    });
    expect(summarize({ ...empty, trades: [trade(5, 1)] })).to.include({ profitFactor: undefined, hitRate: 1 });
  });

  it("counts periods by the length of a bar", () => {
    const equity = [100, 150, 150];
    const daily = summarize({ startingCash: 100, equity, trades: [] }, 86_400_000);
    expect(daily.sharpe).to.be.closeTo(Math.sqrt(365 / 2), 1e-9);
    expect(daily.tradesPer30Days).to.equal(0);
  });
});
