import { expect } from "chai";
import { backtest } from "../../../../domain/backtest";
import { ranked, runTrial } from "../../../../domain/evaluation/trials";
import { defaultExecution } from "../../../../domain/execution";
import { RandomMarket } from "../../../../domain/randomMarket";

describe("a set in a window", () => {
  const candles = new RandomMarket({ seed: 3, symbol: "BTCUSDT", startTime: Date.UTC(2024, 0, 1) }).candles(0, 900);
  const sets = [{ emaFast: 5, emaSlow: 20 }, { emaFast: 10, emaSlow: 30 }];
  const plan = { strategy: "RefStrat_01", execution: defaultExecution, startingCash: 1000, warmupBars: 150, sets, windows: [{ from: 150, to: 600 }, { from: 600, to: 900 }] };

  it("comes to what a backtest of that stretch comes to", () => {
    let trades = 0;
    for (const [number, set, window] of [[0, 0, 0], [1, 1, 0], [2, 0, 1], [3, 1, 1]] as const) {
      const { from, to } = plan.windows[window]!;
      const { metrics } = backtest(candles.slice(0, to), { parameters: sets[set], startBar: candles[from]!.openTime, startingCash: 1000 });
      const found = runTrial(candles, plan, number);
      expect(found.bars).to.equal(to - from);
      // Averages that were warmed up longer differ in their last digits, and by these rarely decide otherwise.
      expect(found.trades).to.equal(metrics.trades);
      trades += found.trades;
    }
    expect(trades).to.be.above(3);
  });

  it("does not see what comes after its window", () => {
    const changed = candles.map((candle, index) => (index < 600 ? candle : { ...candle, open: 1, high: 1, low: 1, close: 1 }));
    expect(runTrial(changed, plan, 0)).to.deep.equal(runTrial(candles, plan, 0));
  });
});

describe("the order of sets", () => {
  const cases: [title: string, figures: [sharpe: number | undefined, maxDrawdown: number | undefined][], order: number[]][] = [
    ["is by Sharpe ratio", [[1, 0.1], [3, 0.1], [2, 0.1]], [1, 2, 0]],
    ["puts those without a ratio last, below negative ones", [[undefined, 0], [-5, 0.9], [0, 0.1]], [2, 1, 0]],
    ["prefers the smaller drawdown among equal ones", [[1, 0.3], [1, 0.1], [1, 0.2]], [1, 2, 0]],
    ["is that of the grid where all is equal", [[1, 0.1], [1, 0.1], [undefined, undefined], [undefined, undefined]], [0, 1, 2, 3]],
  ];
  for (const [title, figures, order] of cases) it(title, () => expect(ranked(figures.map(([sharpe, maxDrawdown]) => ({ sharpe, maxDrawdown })))).to.deep.equal(order));
});
