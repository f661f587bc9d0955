import { expect } from "chai";
import { sharpe } from "../../../domain/kpis/sharpe";
import { summarize } from "../../../domain/metrics";
import type { Trade } from "../../../domain/orders";

const trade = (profit: number, fees: number): Trade => ({
  entryBar: 0,
  exitBar: 1,
  quantity: 1,
  entryPrice: 100,
  exitPrice: 100,
  fees,
  profit,
  exitReason: "stop",
});

describe("metrics", () => {
  it("sums a run up", () => {
    const trades = [trade(30, 1), trade(-10, 2), trade(0, 1), trade(-5, 1)];
    const equity = Array.from({ length: 1440 }, (_, index) => (index % 2 === 0 ? 1000 : 1010));
    const metrics = summarize({ startingCash: 1000, equity, trades });
    expect(metrics).to.deep.include({
      bars: 1440,
      startingCash: 1000,
      finalEquity: 1010,
      totalReturn: 0.010000000000000009,
      trades: 4,
      tradesPer30Days: 2,
      wins: 1,
      losses: 2,
      hitRate: 0.25,
      profitFactor: 2,
      averageProfit: 3.75,
      fees: 5,
    });
    expect(metrics.sharpe).to.equal(sharpe(equity));
    expect(metrics.maxDrawdown).to.be.closeTo(10 / 1010, 1e-12);
  });

  it("leaves undefined what cannot be computed", () => {
    const empty = { startingCash: 1000, equity: [], trades: [] };
    expect(summarize(empty)).to.deep.equal({
      bars: 0,
      startingCash: 1000,
      finalEquity: 1000,
      totalReturn: 0,
      sharpe: undefined,
      maxDrawdown: undefined,
      trades: 0,
      tradesPer30Days: undefined,
      wins: 0,
      losses: 0,
      hitRate: undefined,
      profitFactor: undefined,
      averageProfit: undefined,
      fees: 0,
    });
    expect(summarize({ ...empty, trades: [trade(5, 1)] })).to.include({ profitFactor: undefined, hitRate: 1 });
  });

  it("counts periods by the length of a bar", () => {
    const equity = [100, 150, 150];
    const daily = summarize({ startingCash: 100, equity, trades: [] }, 86_400_000);
    expect(daily.sharpe).to.be.closeTo(Math.sqrt(365 / 2), 1e-9);
    expect(daily.tradesPer30Days).to.equal(0);
  });
});
