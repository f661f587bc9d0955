import { expect } from "chai";
import fc from "fast-check";
import { expandGrid, mostCombinations, rangeLength, rangeValues, type Axes } from "../../../../domain/evaluation/grid";
import { strategySettingsSchema } from "../../../../domain/strategies";

const schema = strategySettingsSchema("RefStrat_01");

describe("values of a range", () => {
  const cases: [from: number, to: number, step: number, values: number[]][] = [
    [5, 5, 1, [5]],
    [5, 7, 1, [5, 6, 7]],
    [5, 8, 2, [5, 7]],
    [0.1, 0.5, 0.1, [0.1, 0.2, 0.3, 0.4, 0.5]],
    [1, 2.05, 0.35, [1, 1.35, 1.7, 2.05]],
    [-1, 1, 0.5, [-1, -0.5, 0, 0.5, 1]],
  ];
  for (const [from, to, step, values] of cases) it(`${from} to ${to} by ${step}`, () => expect(rangeValues({ from, to, step })).to.deep.equal(values));

  it("are as many as were counted, none beyond the end", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 50 }), (from, steps, step) => {
        const range = { from: from / 100, to: (from + steps * step) / 100, step: step / 100 };
        const values = rangeValues(range);
        expect(values.length).to.equal(rangeLength(range)).and.to.equal(steps + 1);
        expect(values.at(-1)).to.equal(range.to);
      }),
    );
  });
});

describe("sets of a grid", () => {
  const axes = (values: Record<string, readonly unknown[]>): Axes => new Map(Object.entries(values));

  it("are every combination, the last setting changing first, complete with the others", () => {
    const { sets, combinations, leftOut } = expandGrid(axes({ emaFast: [5, 10], stopAtrMultiple: [2, 3] }), { emaSlow: 30 }, schema);
    expect([combinations, leftOut]).to.deep.equal([4, []]);
    expect(sets).to.deep.equal([[5, 2], [5, 3], [10, 2], [10, 3]].map(([emaFast, stopAtrMultiple]) => ({ emaFast, emaSlow: 30, atrPeriod: 14, stopAtrMultiple, riskFraction: 0.005, maxExposure: 1 })));
  });

  it("leave out what the strategy does not allow together, and count it by its reason", () => {
    const grid = expandGrid(axes({ emaFast: [10, 20, 30], emaSlow: [20, 30] }), {}, schema);
    expect(grid.sets.map(({ emaFast, emaSlow }) => [emaFast, emaSlow])).to.deep.equal([[10, 20], [10, 30], [20, 30]]);
    expect(grid.leftOut).to.deep.equal([{ reason: "emaFast must be below emaSlow", combinations: 3 }]);
  });

  it("and what is left out are together all combinations", () => {
    const values = fc.uniqueArray(fc.integer({ min: 2, max: 60 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(values, values, (emaFast, emaSlow) => {
        const grid = expandGrid(axes({ emaFast, emaSlow }), {}, schema);
        return grid.sets.length + grid.leftOut.reduce((sum, { combinations }) => sum + combinations, 0) === emaFast.length * emaSlow.length;
      }),
    );
  });

  it("are refused beyond what can be run", () => {
    const many = Array.from({ length: 400 }, (_, index) => index + 2);
    expect(() => expandGrid(axes({ emaFast: many, emaSlow: many }), {}, schema)).to.throw(RangeError, `the grid has 160000 combinations; allowed: at most ${mostCombinations}`);
  });
});
