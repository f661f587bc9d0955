import { expect } from "chai";
import { drawdown } from "../../../../domain/kpis/drawdown";
import { sharpe } from "../../../../domain/kpis/sharpe";
import { kpisOf, type EquityMark, type WindowFacts } from "../../../../domain/kpis/window";

const hour = 3_600_000;
const start = Date.UTC(2024, 0, 1);
const marks = (count: number): EquityMark[] =>
  Array.from({ length: count }, (_, index) => ({ bar: start + index * hour, equity: 1000 + 10 * Math.sin(index / 5) + index / 10, held: index % 4 === 0 }));
const facts = (given: Partial<WindowFacts> = {}): WindowFacts => ({
  ...{ windowBars: 24, barMilliseconds: hour, marks: marks(25), trades: [], fills: [], peakBefore: null, expectedTradesPer30Days: null },
  ...given,
});

describe("key figures of a window", () => {
  it("are of its bars; the mark before it is where the first return begins", () => {
    const kpis = kpisOf(facts());
    const equity = marks(25).map((mark) => mark.equity);
    expect([kpis.bars, kpis.from, kpis.to]).to.deep.equal([24, start + hour, start + 25 * hour]);
    expect(kpis.totalReturn).to.equal(equity[24]! / equity[0]! - 1);
    expect(kpis.sharpe).to.deep.include({ sharpe: sharpe(equity), returns: 24 });
    expect(kpis.drawdown).to.deep.equal(drawdown(equity));
    expect(kpis.exposure).to.equal(6 / 24);
    expect(kpis.tradesPer30Days).to.equal(0);
  });

  it("say nothing of a Sharpe ratio with fewer returns than half of the window", () => {
    expect(kpisOf(facts({ marks: marks(12) })).sharpe).to.equal(undefined);
    expect(kpisOf(facts({ marks: marks(13) })).sharpe?.returns).to.equal(12);
    expect(kpisOf(facts({ marks: marks(12), windowBars: null })).sharpe?.returns).to.equal(11);
  });

  it("know a peak from before the window", () => {
    const kpis = kpisOf(facts({ peakBefore: 2000 }));
    expect(kpis.drawdownFromPeak).to.equal(1 - kpis.equity! / 2000);
    expect(kpis.drawdown!.max).to.be.below(0.05);
  });

  it("set trades against what is expected of a window of that length", () => {
    const trades = Array.from({ length: 3 }, () => ({ profit: 1, fees: 0.1 }));
    const kpis = kpisOf(facts({ windowBars: 360, marks: marks(361), trades, expectedTradesPer30Days: 6 }));
    expect(kpis.frequency).to.include({ trades: 3, expected: 3, verdict: "as expected" });
    expect(kpis.tradesPer30Days).to.equal(6);
    expect(kpisOf(facts({ windowBars: 720, marks: marks(721), expectedTradesPer30Days: 6 })).frequency!.verdict).to.equal("too few");
  });

  it("count fees and slippage of all fills", () => {
    const fills = [{ price: 100, quantity: 1, slippage: 0.05, fee: 0.1 }, { price: 100, quantity: 2, slippage: 0.2, fee: 0.2 }];
    const kpis = kpisOf(facts({ fills }));
    expect(kpis.fees).to.be.closeTo(0.3, 1e-12);
    expect(kpis.slippage!.median).to.be.closeTo(7.5, 1e-9);
  });

  it("leave undefined what cannot be computed", () => {
    const { trades, ...kpis } = kpisOf(facts({ marks: [] }));
    expect(trades.trades).to.equal(0);
    expect(kpis).to.deep.equal({
      ...{ from: undefined, to: undefined, bars: 0, equity: undefined, totalReturn: undefined, sharpe: undefined, drawdown: undefined, drawdownFromPeak: undefined },
      ...{ exposure: undefined, tradesPer30Days: undefined, frequency: undefined, fees: 0, slippage: undefined },
    });
  });
});
