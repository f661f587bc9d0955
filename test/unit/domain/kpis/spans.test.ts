import { expect } from "chai";
import { barsOf, kpisOfSpan, spanStart, SPANS } from "../../../../domain/kpis/spans";

const hour = 3_600_000;
const marks = Array.from({ length: 400 }, (_, index) => ({ bar: index * hour, equity: 1000 + (index % 7) + (index === 50 ? 500 : 0), held: index % 2 === 0 }));
const ledger = {
  marks,
  trades: [{ exitBar: 100 * hour, profit: 5, fees: 1 }, { exitBar: 232 * hour, profit: -3, fees: 1 }, { exitBar: 399 * hour, profit: 2, fees: 1 }],
  fills: [{ bar: 231 * hour, price: 10, quantity: 1, slippage: 0.01, fee: 7 }, { bar: 232 * hour, price: 10, quantity: 1, slippage: 0.02, fee: 8 }],
};

describe("the windows of figures", () => {
  it("are as long as their names say, in bars", () => expect(SPANS.map((span) => barsOf(span, hour))).to.deep.equal([168, 720, 2160, 8760, null]));

  it("end with the last mark and begin a window before, or with the first", () => {
    expect(SPANS.map((span) => spanStart(marks, span, hour))).to.deep.equal([232 * hour, 0, 0, 0, 0]);
    expect(spanStart([], "all", hour)).to.equal(undefined);
  });

  it("hold the trades and fills of their bars, and know the highest equity from before them", () => {
    const week = kpisOfSpan(ledger, "7d", hour, 30);
    expect(week).to.include({ from: 232 * hour, to: 400 * hour, bars: 168, fees: 8, exposure: 0.5 });
    expect(week.trades).to.include({ trades: 2, wins: 1, losses: 1, hitRate: 0.5 });
    expect(week.frequency!.expected).to.be.closeTo(7, 1e-9);
    expect(week.drawdownFromPeak).to.be.closeTo(1 - marks.at(-1)!.equity / 1501, 1e-12);
    expect(week.drawdown!.max).to.be.lessThan(0.01);
  });

  it("leave undefined what too few bars cannot tell", () => {
    expect(kpisOfSpan(ledger, "90d", hour, null)).to.deep.include({ sharpe: undefined, frequency: undefined });
    expect(kpisOfSpan(ledger, "all", hour, null).sharpe!.sharpe).to.be.a("number");
    expect(kpisOfSpan({ marks: [], trades: [], fills: [] }, "all", hour, null)).to.include({ bars: 0, equity: undefined, exposure: undefined });
  });
});
