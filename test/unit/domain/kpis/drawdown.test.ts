import { expect } from "chai";
import fc from "fast-check";
import { drawdown } from "../../../../domain/kpis/drawdown";

const someEquity = fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 });

describe("drawdown", () => {
  const cases: { equity: number[]; peak?: number; max: number; current: number }[] = [
    { equity: [100], max: 0, current: 0 },
    { equity: [100, 110, 120], max: 0, current: 0 },
    { equity: [100, 80, 120, 90, 100], max: 0.25, current: 1 - 100 / 120 },
    { equity: [100, 75, 120, 96, 125, 100], max: 0.25, current: 1 - 100 / 125 },
    { equity: [100, 90], peak: 200, max: 0.55, current: 0.55 },
    { equity: [100, 90], peak: 50, max: 1 - 90 / 100, current: 1 - 90 / 100 },
  ];
  for (const { equity, peak, ...expected } of cases) it(`of [${equity.join(", ")}]${peak === undefined ? "" : ` after ${peak}`}`, () => expect(drawdown(equity, peak)).to.deep.equal(expected));

  it("is undefined without a value", () => expect(drawdown([])).to.equal(undefined));

  it("is the same for any unit of money", () => {
    fc.assert(fc.property(someEquity, (equity) => Math.abs(drawdown(equity)!.max - drawdown(equity.map((each) => each * 8))!.max) < 1e-12));
  });

  it("of the whole is that of its parts, the second one told of the peak before it", () => {
    fc.assert(
      fc.property(someEquity, someEquity, (first, second) => {
        const whole = drawdown([...first, ...second])!;
        const [one, other] = [drawdown(first)!, drawdown(second, Math.max(...first))!];
        return whole.max === Math.max(one.max, other.max) && whole.current === other.current;
      }),
    );
  });
});
