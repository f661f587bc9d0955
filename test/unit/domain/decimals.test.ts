import { expect } from "chai";
import fc from "fast-check";
import { gridOf, money } from "../../../domain/decimals";

/** Exact integer division that rounds towards minus infinity, for non-negative values. */
const quotient = (value: bigint, divisor: bigint) => ({ whole: value / divisor, rest: value % divisor });

describe("decimals", () => {
  const cents = gridOf(0.01);
  const cases: { title: string; actual: number; expected: number }[] = [
    { title: "up to the next cent", actual: cents.up(8055.0255), expected: 8055.03 },
    { title: "down to the cent below", actual: cents.down(8055.0255), expected: 8055.02 },
    { title: "a whole cent stays when rounded up", actual: cents.up(8055.03), expected: 8055.03 },
    { title: "a whole cent stays when rounded down", actual: cents.down(8055.03), expected: 8055.03 },
    { title: "0.1 + 0.2 counts as 0.3 upwards", actual: gridOf(0.1).up(0.1 + 0.2), expected: 0.3 },
    { title: "1.1 × 3 counts as 3.3 upwards", actual: gridOf(0.1).up(1.1 * 3), expected: 3.3 },
    { title: "0.57 × 100 counts as 57 downwards", actual: gridOf(1).down(0.57 * 100), expected: 57 },
    { title: "a tick of 0.05", actual: gridOf(0.05).down(10.19), expected: 10.15 },
    { title: "a tick of 0.25", actual: gridOf(0.25).up(10.01), expected: 10.25 },
    { title: "a tick of 5", actual: gridOf(5).nearest(12.5), expected: 15 },
    { title: "a half that binary puts below is still a half", actual: cents.nearest(1.005), expected: 1.01 },
    { title: "halves go away from zero", actual: cents.nearest(-1.005), expected: -1.01 },
    { title: "no negative zero", actual: 1 / cents.nearest(-0.001), expected: Infinity },
    { title: "money has 8 decimals", actual: money.nearest(1.645554380000001), expected: 1.64555438 },
  ];
  for (const { title, actual, expected } of cases) {
    it(title, () => expect(actual).to.equal(expected));
  }

  it("tells multiples of the step from other values", () => {
    expect([0.3, 1.01, 0].map((value) => cents.has(value))).to.deep.equal([true, true, true]);
    expect([0.1 + 0.2, 1.005, Number.NaN, Infinity].map((value) => cents.has(value))).to.deep.equal(Array(4).fill(false));
  });

  it("refuses steps and values that it cannot hold exactly", () => {
    for (const step of [0, -1, Number.NaN, 1e-13, 1 / 3]) {
      const message = `A step must be a positive decimal with at most 12 decimal places, not ${step}`;
      expect(() => gridOf(step)).to.throw(RangeError, message);
    }
    expect(() => money.nearest(1e9)).to.throw(RangeError, "1000000000 cannot be held exactly in steps of 1e-8");
    expect(() => cents.up(Number.NaN)).to.throw(RangeError, "NaN cannot be held exactly in steps of 0.01");
  });

  it("rounds open × (1 ± slippage) exactly as integers do", () => {
    const open = fc.integer({ min: 1, max: 20_000_000 });
    const slippage = fc.integer({ min: 0, max: 999 });
    fc.assert(
      fc.property(open, slippage, (openCents, perTenThousand) => {
        const up = quotient(BigInt(openCents) * BigInt(10_000 + perTenThousand), 10_000n);
        const down = quotient(BigInt(openCents) * BigInt(10_000 - perTenThousand), 10_000n);
        const slippageRate = perTenThousand / 10_000;
        const bought = cents.up((openCents / 100) * (1 + slippageRate));
        const sold = cents.down((openCents / 100) * (1 - slippageRate));
        expect(bought).to.equal(Number(up.whole + (up.rest > 0n ? 1n : 0n)) / 100);
        expect(sold).to.equal(Number(down.whole) / 100);
      }),
      { numRuns: 2000 },
    );
  });

  it("rounds price × quantity × fee exactly as integers do", () => {
    const price = fc.integer({ min: 1, max: 10_000_000 });
    const quantity = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(price, quantity, fc.integer({ min: 0, max: 100 }), (priceCents, steps, perTenThousand) => {
        // Cents × 0.00001 × 0.0001 = units of 10^-11, of which money has every thousandth.
        const { whole, rest } = quotient(BigInt(priceCents) * BigInt(steps) * BigInt(perTenThousand), 1000n);
        const fee = money.nearest((priceCents / 100) * (steps / 100_000) * (perTenThousand / 10_000));
        expect(fee).to.equal(Number(whole + (rest >= 500n ? 1n : 0n)) / 1e8);
      }),
      { numRuns: 2000 },
    );
  });

  it("gives the number that the decimal text means", () => {
    fc.assert(
      fc.property(fc.constantFrom(0.01, 0.05, 0.1, 0.25, 0.00001, 1, 5), fc.double({ min: 0, max: 1e6, noNaN: true }), (step, value) => {
        const grid = gridOf(step);
        for (const rounded of [grid.up(value), grid.down(value), grid.nearest(value)]) {
          expect(Number(rounded.toFixed(5))).to.equal(rounded);
          expect(Math.abs(rounded - value)).to.be.at.most(step * (1 + 1e-9));
          expect(grid.has(rounded)).to.equal(true);
        }
        expect(grid.up(value)).to.be.at.least(grid.down(value));
      }),
    );
  });
});
