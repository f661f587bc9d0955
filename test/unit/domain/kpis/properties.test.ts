import { expect } from "chai";
import fc from "fast-check";
import { kpisOf, type EquityMark, type Kpis } from "../../../../domain/kpis/window";

const hour = 3_600_000;
/** Returns in steps of a basis point, with one that differs: far from what rounding does. */
const returns = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 20, maxLength: 200 }).map((points) => [120, -80, ...points].map((each) => each / 10_000));
const trade = fc.record({ profit: fc.integer({ min: -100, max: 100 }), fees: fc.integer({ min: 0, max: 5 }) });

function marksOf(values: readonly number[]): EquityMark[] {
  return values.map((equity, bar) => ({ bar: bar * hour, equity, held: bar % 3 === 0 }));
}

function equityOf(all: readonly number[], start = 1000): number[] {
  return all.reduce((equity, each) => [...equity, equity.at(-1)! * (1 + each)], [start]);
}

/** All bars but the first, whose value is where the first return begins. */
function kpis(equity: readonly number[], trades: { profit: number; fees: number }[] = []): Kpis {
  const marks = marksOf(equity);
  return kpisOf({ windowBars: marks.length - 1, barMilliseconds: hour, marks, trades, fills: [], peakBefore: null, expectedTradesPer30Days: null });
}

const near = (one: number | undefined, other: number | undefined) => (one === undefined || other === undefined ? one === other : Math.abs(one - other) <= 1e-6 * Math.max(1, Math.abs(one)));

describe("key figures of any curve", () => {
  it("are the same whatever unit of money it is in", () => {
    fc.assert(
      fc.property(returns, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (all, factor) => {
        const equity = equityOf(all);
        const [one, other] = [kpis(equity), kpis(equity.map((each) => each * factor))];
        for (const key of ["sharpe", "standardError", "probability"] as const) expect(near(one.sharpe?.[key], other.sharpe?.[key]), key).to.equal(true);
        expect([near(one.drawdown!.max, other.drawdown!.max), near(one.drawdown!.current, other.drawdown!.current), near(one.totalReturn, other.totalReturn)]).to.deep.equal([true, true, true]);
      }),
    );
  });

  it("of its two parts are together those of the whole: returns multiply, drawdowns are within it, trades and fees add up", () => {
    fc.assert(
      fc.property(returns, returns, fc.array(trade), fc.array(trade), (first, second, early, late) => {
        const equity = equityOf([...first, ...second]);
        const whole = kpis(equity, [...early, ...late]);
        const [one, other] = [kpis(equity.slice(0, first.length + 1), early), kpis(equity.slice(first.length), late)];
        expect(one.bars + other.bars).to.equal(whole.bars);
        expect(near((1 + one.totalReturn!) * (1 + other.totalReturn!) - 1, whole.totalReturn)).to.equal(true);
        expect(Math.max(one.drawdown!.max, other.drawdown!.max)).to.be.at.most(whole.drawdown!.max);
        expect(one.trades.trades + other.trades.trades).to.equal(whole.trades.trades);
        expect(one.trades.wins + other.trades.wins).to.equal(whole.trades.wins);
        expect(one.trades.fees + other.trades.fees).to.equal(whole.trades.fees);
      }),
    );
  });

  it("that never moves say nothing of a Sharpe ratio: undefined, never 0", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), fc.integer({ min: 2, max: 300 }), (level, length) => {
        const found = kpis(Array.from({ length }, () => level));
        expect([found.sharpe, found.totalReturn, found.drawdown]).to.deep.equal([undefined, 0, { max: 0, current: 0 }]);
        expect([found.trades.hitRate, found.trades.profitFactor, found.slippage, found.frequency]).to.deep.equal([undefined, undefined, undefined, undefined]);
      }),
    );
  });

  it("that is drawn out over more of the same keeps its ratio per return, and is surer of it", () => {
    fc.assert(
      fc.property(returns, (all) => {
        const [one, twice] = [kpis(equityOf(all)).sharpe, kpis(equityOf([...all, ...all])).sharpe];
        if (one === undefined || twice === undefined) return one === twice;
        return twice.standardError < one.standardError && Math.sign(twice.sharpe) === Math.sign(one.sharpe);
      }),
    );
  });
});
