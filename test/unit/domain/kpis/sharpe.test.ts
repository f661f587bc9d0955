import { expect } from "chai";
import fc from "fast-check";
import { momentsOf, returnsOf } from "../../../../domain/kpis/returns";
import { estimateSharpe, normalDistribution, sharpe } from "../../../../domain/kpis/sharpe";

/** Equity that has these returns. */
const equityOf = (returns: readonly number[], start = 1000) => returns.reduce((equity, each) => [...equity, equity.at(-1)! * (1 + each)], [start]);
/** In steps of a basis point: either all the same, or far from what rounding does. */
const someReturns = fc.array(fc.integer({ min: -500, max: 500 }).map((points) => points / 10_000), { minLength: 10, maxLength: 60 });

describe("Sharpe ratio", () => {
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
    { title: "undefined for what rounding leaves of a flat line", equity: [1000, 1000 * (1 - 8e-16), 1000, 1000], expected: undefined },
    { title: "undefined when everything was lost and nothing can follow", equity: [100, 0, 0, 0], expected: undefined },
  ];
  for (const { title, equity, periods, expected } of sharpes) {
    it(title, () => {
      const actual = sharpe(equity, periods);
      if (expected === undefined) expect(actual).to.equal(undefined);
      else expect(actual).to.be.closeTo(expected, 1e-9);
      expect(estimateSharpe(equity, periods === undefined ? {} : { periodsPerYear: periods })?.sharpe).to.equal(actual);
    });
  }

  it("is the same for any starting cash", () => {
    fc.assert(
      fc.property(someReturns, fc.double({ min: 0.01, max: 1e6, noNaN: true }), (returns, factor) => {
        const [one, other] = [sharpe(equityOf(returns)), sharpe(equityOf(returns, 1000 * factor))];
        if (one === undefined || other === undefined) return one === other;
        return Math.abs(one - other) <= 1e-6 * Math.max(1, Math.abs(one));
      }),
    );
  });

  it("does not depend on the order of the returns, and changes its sign with them all", () => {
    fc.assert(
      fc.property(someReturns, (returns) => {
        const ratio = (values: readonly number[]) => {
          const moments = momentsOf(values);
          return moments && moments.mean / moments.deviation;
        };
        const [one, reversed, turned] = [ratio(returns), ratio([...returns].reverse()), ratio(returns.map((each) => -each))];
        if (one === undefined || reversed === undefined || turned === undefined) return one === reversed && one === turned;
        return Math.abs(one - reversed) < 1e-9 && Math.abs(one + turned) < 1e-9;
      }),
    );
  });

  it("of a window says nothing with fewer returns than it wants", () => {
    const equity = equityOf([0.01, -0.01, 0.02, 0.005]);
    expect(estimateSharpe(equity, { fewest: 5 })).to.equal(undefined);
    expect(estimateSharpe(equity, { fewest: 4 })?.returns).to.equal(4);
  });
});

describe("what a Sharpe ratio is worth", () => {
  it("has the standard error of a normal series: √((1 + SR²/2) / (n − 1)), a year's", () => {
    // ±1 with equal weight and a mean has skewness 0 and kurtosis 1: its error has no term of the ratio.
    const returns = Array.from({ length: 720 }, (_, index) => 0.001 + (index % 2 === 0 ? 0.01 : -0.01));
    const { standardError, returns: count } = estimateSharpe(equityOf(returns))!;
    expect(count).to.equal(720);
    expect(standardError).to.be.closeTo(Math.sqrt(8760 / 719), 1e-6);
  });

  it("says what the research says: 3.5 for 30 days, 1.0 for a year", () => {
    for (const [days, expected] of [[30, 3.5], [90, 2.0], [180, 1.4], [365, 1.0]] as const) {
      const returns = Array.from({ length: days * 24 }, (_, index) => 0.00002 + (index % 2 === 0 ? 0.004 : -0.004));
      expect(estimateSharpe(equityOf(returns))!.standardError).to.be.closeTo(expected, 0.05);
    }
  });

  it("needs the more returns the smaller the ratio: 247 days for 2, 439 for 1.5, 988 for 1", () => {
    for (const [yearly, days] of [[2, 247], [1.5, 439], [1, 988]] as const) {
      const ratio = yearly / Math.sqrt(8760);
      const returns = Array.from({ length: 4000 }, (_, index) => 0.01 * ratio + (index % 2 === 0 ? 0.01 : -0.01));
      expect(estimateSharpe(equityOf(returns))!.minimumReturns! / 24 / days).to.be.closeTo(1, 0.01);
    }
  });

  it("is never proven for a ratio of 0 or less", () => {
    const { minimumReturns, probability } = estimateSharpe(equityOf([0.01, -0.02, 0.01, -0.02]))!;
    expect(minimumReturns).to.equal(undefined);
    expect(probability).to.be.below(0.5);
  });

  it("holds together: with as many returns as it needs, the probability is 95 %", () => {
    const returns = Array.from({ length: 5000 }, (_, index) => 0.0005 + (index % 2 === 0 ? 0.01 : -0.01));
    const { minimumReturns } = estimateSharpe(equityOf(returns))!;
    const probability = (count: number) => estimateSharpe(equityOf(returns.slice(0, count)))!.probability;
    expect(probability(minimumReturns! + 2)).to.be.at.least(0.949);
    expect(probability(minimumReturns! - 100)).to.be.below(0.95);
  });

  const quantiles = [[0, 0.5], [1.6448536269514722, 0.95], [-1.6448536269514722, 0.05], [1.959963984540054, 0.975], [3, 0.9986501019683699], [-4, 3.167124183311992e-5], [0, 0.5], [7, 0.9999999999987201], [40, 1], [-40, 0]] as const;
  for (const [x, expected] of quantiles) it(`Φ(${x.toFixed(3)}) is ${expected.toFixed(4)}`, () => expect(normalDistribution(x)).to.be.closeTo(expected, 1e-15));
});

describe("moments of a series", () => {
  it("are those of the definition", () => {
    // Mean 2, differences −1, −1, 0, 2: squares 6, cubes 6, fourth powers 18.
    const { count, mean, deviation, skewness, kurtosis } = momentsOf([1, 1, 2, 4])!;
    expect([count, mean]).to.deep.equal([4, 2]);
    expect(deviation).to.be.closeTo(Math.sqrt(2), 1e-12);
    expect(skewness).to.be.closeTo(1.5 / 1.5 ** 1.5, 1e-12);
    expect(kurtosis).to.be.closeTo(4.5 / 1.5 ** 2, 1e-12);
  });

  it("of returns are one fewer than the values", () => {
    expect([...returnsOf([100, 150, 75])]).to.deep.equal([0.5, -0.5]);
    expect(returnsOf([]).length).to.equal(0);
  });
});
