import { expect } from "chai";
import fc from "fast-check";
import { track } from "../../../../domain/kpis/tracking";

describe("tracking", () => {
  it("of a bot against itself is nothing at all", () => {
    const equity = [100, 101, 99, 105];
    expect(track({ own: equity, reference: equity })).to.deep.equal({ trackingError: 0, meanDifference: 0, equityGap: 0, returns: 3 });
  });

  it("is that of the definition", () => {
    // Returns 0.1, 0.1 against 0, 0.2: differences 0.1, −0.1; mean 0, sample deviation 0.1·√2.
    const found = track({ own: [100, 110, 121], reference: [100, 100, 120] }, 4)!;
    expect(found.trackingError).to.be.closeTo(0.1 * Math.SQRT2 * 2, 1e-12);
    expect(found.meanDifference).to.be.closeTo(0, 1e-12);
    expect(found.equityGap).to.be.closeTo(121 / 120 - 1, 1e-12);
  });

  it("tells a constant difference by its mean, where the error says nothing", () => {
    const own = Array.from({ length: 100 }, (_, index) => 1000 * 1.0005 ** index);
    const reference = Array.from({ length: 100 }, () => 500);
    const found = track({ own, reference })!;
    expect(found.trackingError).to.equal(0);
    expect(found.meanDifference).to.be.closeTo(0.0005 * 8760, 1e-9);
    expect(found.equityGap).to.be.closeTo(1.0005 ** 99 - 1, 1e-12);
  });

  it("is the same for any unit of money on either side", () => {
    const pairs = fc.array(fc.tuple(fc.double({ min: 1, max: 1e4, noNaN: true }), fc.double({ min: 1, max: 1e4, noNaN: true })), { minLength: 3, maxLength: 40 });
    fc.assert(
      fc.property(pairs, (both) => {
        const [own, reference] = [both.map(([one]) => one), both.map(([, other]) => other)];
        const found = track({ own, reference })!;
        const scaled = track({ own: own.map((each) => each * 4), reference: reference.map((each) => each / 2) })!;
        return Math.abs(found.trackingError - scaled.trackingError) <= 1e-9 * Math.max(1, found.trackingError) && Math.abs(found.equityGap - scaled.equityGap) <= 1e-9 * Math.max(1, Math.abs(found.equityGap));
      }),
    );
  });

  it("is undefined with one return, or after everything was lost", () => {
    expect(track({ own: [1, 2], reference: [1, 2] })).to.equal(undefined);
    expect(track({ own: [1, 0, 0], reference: [1, 2, 3] })).to.equal(undefined);
  });

  it("refuses series of different bars", () => {
    expect(() => track({ own: [1, 2, 3], reference: [1, 2] })).to.throw(RangeError, "The series have 3 and 2 values; allowed: the same bars in both");
  });
});
