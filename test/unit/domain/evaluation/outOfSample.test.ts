import { expect } from "chai";
import fc from "fast-check";
import { backtest } from "../../../../domain/backtest";
import { bootstrapSharpe } from "../../../../domain/evaluation/bootstrap";
import { candlesHash } from "../../../../domain/evaluation/candlesHash";
import { measure, runFold, stitch, type FoldRun } from "../../../../domain/evaluation/outOfSample";
import { defaultExecution } from "../../../../domain/execution";
import { drawdown } from "../../../../domain/kpis/drawdown";
import { estimateSharpe } from "../../../../domain/kpis/sharpe";
import { RandomMarket } from "../../../../domain/randomMarket";

const hour = 3_600_000;
const candles = new RandomMarket({ seed: 9, symbol: "BTCUSDT", startTime: Date.UTC(2024, 0, 1) }).candles(0, 1200);
const plan = { strategy: "RefStrat_01", execution: defaultExecution, startingCash: 1000, warmupBars: 150 };
const settings = { emaFast: 5, emaSlow: 20 };
const fold = (...equity: number[]): FoldRun => ({ trades: [], equity: equity.map((value, bar) => ({ bar, equity: value })), openAtEnd: false });

describe("curves of several folds", () => {
  it("are put together by their returns, never by their levels", () => {
    // Up by a tenth, then down by a tenth: 0.99, where levels would jump from 1100 to 900.
    expect(stitch([fold(1050, 1100), fold(900)], 1000)).to.deep.equal([1000, 1050, 1100, 1100 * (900 / 1000)]);
  });

  it("have the return and the drawdown of the whole, however they are cut", () => {
    const growth = fc.array(fc.integer({ min: -300, max: 300 }).map((points) => 1 + points / 10_000), { minLength: 3, maxLength: 60 });
    fc.assert(
      fc.property(growth, fc.nat(), (factors, cut) => {
        const curve = (all: readonly number[]) => all.reduce<number[]>((values, factor) => [...values, (values.at(-1) ?? 1000) * factor], []);
        const at = 1 + (cut % (factors.length - 1));
        const [whole, parts] = [[1000, ...curve(factors)], stitch([fold(...curve(factors.slice(0, at))), fold(...curve(factors.slice(at)))], 1000)];
        return whole.every((value, index) => Math.abs(value / parts[index]! - 1) < 1e-12) && Math.abs(drawdown(whole)!.max - drawdown(parts)!.max) < 1e-12;
      }),
    );
  });

  it("are measured as one record: Sharpe ratio of all returns, days, drawdown across the seam", () => {
    const runs = [runFold(candles, plan, settings, { from: 200, to: 700 }), runFold(candles, plan, settings, { from: 700, to: 1200 })];
    const found = measure(runs, { startingCash: 1000, barMilliseconds: hour, seed: 1, resamples: 200, blockBars: 168 });
    const curve = stitch(runs, 1000);
    expect(found).to.deep.include({ bars: 1000, days: 1000 / 24, totalReturn: curve.at(-1)! / 1000 - 1, maxDrawdown: drawdown(curve)!.max, sharpe: estimateSharpe(curve) });
    expect(found.sharpe!.returns).to.equal(1000);
    expect(found.trades.trades).to.equal(runs[0]!.trades.length + runs[1]!.trades.length).and.to.be.above(5);
    expect(found.minimumTrackRecordDays).to.equal(found.sharpe!.minimumReturns === undefined ? undefined : found.sharpe!.minimumReturns / 24);
    expect(found.interval!.low).to.be.below(found.sharpe!.sharpe).and.to.be.below(found.interval!.high);
  });

  it("that never move have no ratio, no interval and no length that proves it", () => {
    expect(measure([fold(1000, 1000, 1000)], { startingCash: 1000, barMilliseconds: hour, seed: 1, resamples: 10, blockBars: 2 })).to.deep.include({ sharpe: undefined, interval: undefined, minimumTrackRecordDays: undefined, maxDrawdown: 0, totalReturn: 0 });
  });
});

describe("a fold", () => {
  it("begins with all its cash and no position, and sees nothing after its end", () => {
    const window = { from: 300, to: 600 };
    const changed = candles.map((candle, index) => (index < 600 ? candle : { ...candle, open: 1, high: 1, low: 1, close: 1 }));
    const run = runFold(candles, plan, settings, window);
    expect(run).to.deep.equal(runFold(changed, plan, settings, window));
    expect(run.equity.map(({ bar }) => bar)).to.deep.equal(candles.slice(300, 600).map(({ openTime }) => openTime));
    expect(run.trades.every(({ entryBar }) => entryBar > candles[300]!.openTime)).to.equal(true);
  });

  it("counts a position that is open at its end as sold, fee and slippage paid", () => {
    const ends = Array.from({ length: 200 }, (_, index) => index + 600).map((to) => ({ to, plain: backtest(candles.slice(150, to), { parameters: settings, startingCash: 1000, warmupBars: 150 }) }));
    const open = ends.find(({ plain }) => plain.account.position !== null)!;
    const flat = ends.find(({ plain }) => plain.account.position === null)!;
    const { quantity } = open.plain.account.position!;
    const costs = quantity * candles[open.to - 1]!.close * 0.0015;
    const found = runFold(candles, plan, settings, { from: 300, to: open.to });
    expect([found.openAtEnd, found.equity.at(-1)!.equity]).to.deep.equal([true, open.plain.equity.at(-1)!.equity - costs]);
    expect(found.equity.slice(0, -1)).to.deep.equal(open.plain.equity.slice(0, -1));
    expect(runFold(candles, plan, settings, { from: 300, to: flat.to })).to.deep.include({ openAtEnd: false, equity: flat.plain.equity });
  });
});

describe("records that are drawn again", () => {
  const curve = stitch([runFold(candles, plan, settings, { from: 200, to: 1200 })], 1000);
  const draw = (seed: number, blockBars = 168) => bootstrapSharpe(curve, 8760, { seed, resamples: 300, blockBars })!;

  it("are the same for the same seed, and others for another", () => {
    expect(draw(1)).to.deep.equal(draw(1));
    expect(draw(1)).to.not.deep.equal(draw(2));
  });

  it("spread about as far as the standard error says, where returns do not follow on each other", () => {
    const numbers = new RandomMarket({ seed: 2, symbol: "X", startTime: 0 }).candles(0, 3000);
    // Alternating signs leave nothing that is carried from one bar to the next.
    const independent = numbers.reduce<number[]>((values, candle, index) => [...values, values.at(-1)! * (1 + (index % 2 === 0 ? 1 : -1) * (candle.high / candle.low - 1) + 0.0002)], [1000]);
    const { standardError } = estimateSharpe(independent)!;
    const { low, high } = bootstrapSharpe(independent, 8760, { seed: 3, resamples: 400, blockBars: 1 })!;
    expect((high - low) / (2 * 1.645 * standardError)).to.be.within(0.8, 1.25);
  });

  it("spread further in stretches where one return is like the one before", () => {
    const trending = Array.from({ length: 2000 }, (_, index) => (Math.floor(index / 50) % 2 === 0 ? 0.002 : -0.0015)).reduce<number[]>((values, each) => [...values, values.at(-1)! * (1 + each)], [1000]);
    const width = (blockBars: number) => {
      const { low, high } = bootstrapSharpe(trending, 8760, { seed: 1, resamples: 300, blockBars })!;
      return high - low;
    };
    expect(width(100)).to.be.above(1.5 * width(1));
  });
});

describe("the hash of candles", () => {
  it("is of what they say, and another when one number is another", () => {
    const copy = candles.map((candle) => ({ ...candle }));
    expect(candlesHash(copy)).to.equal(candlesHash(candles)).and.to.match(/^[0-9a-f]{64}$/);
    for (const key of ["openTime", "open", "high", "low", "close", "volume"] as const) {
      expect(candlesHash(candles.map((candle, index) => (index === 7 ? { ...candle, [key]: candle[key] + 1 } : candle)))).to.not.equal(candlesHash(candles));
    }
  });
});
