import { expect } from "chai";
import fc from "fast-check";
import { defaultEmbargo, fewestOutOfSampleBars, walkForward, type SplitOptions } from "../../../../domain/evaluation/splits";

const options = (given: Partial<SplitOptions> = {}): SplitOptions => ({ folds: 3, inSampleFraction: 0.5, embargoBars: 10, anchored: false, ...given });

describe("walk-forward folds", () => {
  it("choose on the newest candles, leave the embargo out and measure on the next ones", () => {
    // 400 candles: 200 in sample, 10 of embargo, 190 for three folds of 63; one is left over and goes in sample.
    expect(walkForward({ from: 100, to: 500 }, options())).to.deep.equal([
      { inSample: { from: 100, to: 301 }, outOfSample: { from: 311, to: 374 } },
      { inSample: { from: 163, to: 364 }, outOfSample: { from: 374, to: 437 } },
      { inSample: { from: 226, to: 427 }, outOfSample: { from: 437, to: 500 } },
    ]);
  });

  it("choose on everything from the beginning when they are anchored", () => {
    const folds = walkForward({ from: 100, to: 500 }, options({ anchored: true }));
    expect(folds.map(({ inSample }) => inSample)).to.deep.equal([{ from: 100, to: 301 }, { from: 100, to: 364 }, { from: 100, to: 427 }]);
  });

  it("never measure what they chose on, nor the embargo, and measure every later candle once", () => {
    const some = fc.record({ bars: fc.integer({ min: 400, max: 5000 }), from: fc.integer({ min: 0, max: 500 }), folds: fc.integer({ min: 1, max: 6 }), percent: fc.integer({ min: 10, max: 60 }), embargoBars: fc.integer({ min: 0, max: 40 }), anchored: fc.boolean() });
    fc.assert(
      fc.property(some, ({ bars, from, percent, ...rest }) => {
        const all = { from, to: from + bars };
        const inSampleFraction = percent / 100;
        // In doubles 0.57 of 400 is a hair less than 228.
        const inSampleBars = Math.floor(bars * inSampleFraction);
        fc.pre(Math.floor((bars - inSampleBars - rest.embargoBars) / rest.folds) >= fewestOutOfSampleBars);
        const folds = walkForward(all, { ...rest, inSampleFraction });
        expect(folds).to.have.length(rest.folds);
        folds.forEach(({ inSample, outOfSample }, index) => {
          expect(inSample.from).to.be.at.least(from);
          expect(outOfSample.from - inSample.to).to.equal(rest.embargoBars);
          expect(outOfSample.to).to.equal(folds[index + 1]?.outOfSample.from ?? all.to);
          expect(outOfSample.to - outOfSample.from).to.equal(folds[0]!.outOfSample.to - folds[0]!.outOfSample.from);
        });
        expect(folds[0]!.inSample.from).to.equal(from);
        expect(folds[0]!.inSample.to - from).to.be.within(inSampleBars, inSampleBars + rest.folds);
      }),
    );
  });

  it("are refused where too little is left to measure on", () => {
    expect(() => walkForward({ from: 0, to: 100 }, options({ folds: 5 }))).to.throw(RangeError, /^100 candles leave 8 a fold to measure on; allowed: at least 24, by more candles, fewer folds, a smaller part in sample or a shorter embargo$/);
    expect(() => walkForward({ from: 0, to: 100 }, options({ embargoBars: 900 }))).to.throw(RangeError, "100 candles leave 0 a fold");
  });

  it("have an embargo of one candle in a hundred unless another is given", () => {
    expect([defaultEmbargo({ from: 300, to: 20_111 }), defaultEmbargo({ from: 0, to: 100 }), defaultEmbargo({ from: 0, to: 101 })]).to.deep.equal([199, 1, 2]);
  });
});
