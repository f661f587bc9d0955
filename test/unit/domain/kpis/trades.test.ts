import { expect } from "chai";
import { slippageFigures, tradeFigures, tradeFrequency } from "../../../../domain/kpis/trades";

describe("figures of trades", () => {
  it("count what was won and lost, and what it cost", () => {
    const trades = [[30, 1], [-10, 2], [0, 1], [-5, 1]].map(([profit, fees]) => ({ profit: profit!, fees: fees! }));
    expect(tradeFigures(trades)).to.deep.equal({ trades: 4, wins: 1, losses: 2, fees: 5, hitRate: 0.25, profitFactor: 2, averageProfit: 3.75 });
  });

  it("leave undefined what cannot be computed", () => {
    expect(tradeFigures([])).to.deep.equal({ trades: 0, wins: 0, losses: 0, fees: 0, hitRate: undefined, profitFactor: undefined, averageProfit: undefined });
    expect(tradeFigures([{ profit: 3, fees: 0 }]).profitFactor).to.equal(undefined);
  });
});

describe("how many trades there are", () => {
  // e⁻⁶ ≈ 0.00248; P(X ≤ 2 | 6) ≈ 0.06197; P(X ≥ 11 | 6) ≈ 0.04262; P(X ≥ 10 | 6) ≈ 0.08392.
  const cases: [trades: number, expected: number, verdict: string][] = [
    [0, 6, "too few"],
    [2, 6, "as expected"],
    [6, 6, "as expected"],
    [10, 6, "as expected"],
    [11, 6, "too many"],
    [0, 2.9, "as expected"],
    [0, 3, "too few"],
    [0, 0, "as expected"],
    [1, 0, "too many"],
    [1000, 1000, "as expected"],
    [900, 1000, "too few"],
  ];
  for (const [trades, expected, verdict] of cases) it(`${trades} where ${expected} are expected is ${verdict}`, () => expect(tradeFrequency(trades, expected).verdict).to.equal(verdict));

  it("is told with its probabilities", () => {
    const { atMost, atLeast } = tradeFrequency(2, 6);
    expect(atMost).to.be.closeTo(0.0619688, 1e-6);
    expect(atLeast).to.be.closeTo(0.9826487, 1e-6);
  });
});

describe("slippage", () => {
  const fills = (...basisPoints: number[]) => basisPoints.map((each) => ({ price: 100, quantity: 2, slippage: (each / 10_000) * 200 }));
  const cases: [basisPoints: number[], median: number, percentile95: number][] = [
    [[5], 5, 5],
    [[1, 3], 2, 3],
    [[9, 1, 5], 5, 9],
    [Array.from({ length: 100 }, (_, index) => index + 1), 50.5, 95],
  ];
  for (const [basisPoints, median, percentile95] of cases) {
    it(`of ${basisPoints.length} fills`, () => {
      const found = slippageFigures(fills(...basisPoints))!;
      expect(found.median).to.be.closeTo(median, 1e-9);
      expect(found.percentile95).to.be.closeTo(percentile95, 1e-9);
    });
  }

  it("is undefined without a fill", () => expect(slippageFigures([])).to.equal(undefined));
});
