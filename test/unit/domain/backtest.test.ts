import { expect } from "chai";
import fc from "fast-check";
import { backtest } from "../../../domain/backtest";
import type { Candle } from "../../../domain/candles";
import { applyIntent, defaultExecution, processBar } from "../../../domain/execution";
import { openAccount, type Account, type Fill } from "../../../domain/orders";
import { RandomMarket } from "../../../domain/randomMarket";
import { createStrategy, type Decision } from "../../../domain/strategies";

const market = (seed: number, count: number) =>
  new RandomMarket({ seed, symbol: "TEST", startTime: Date.UTC(2024, 0, 1) }).candles(0, count);
const quick = { emaFast: 5, emaSlow: 12, atrPeriod: 7, stopAtrMultiple: 2, riskFraction: 0.02 };

describe("backtest", () => {
  const candles = market(1, 1500);

  it("starts where it is told, after the strategy's warm-up unless told", () => {
    expect(backtest(candles).equity).to.have.length(1250);
    expect(backtest(candles, { warmupBars: 400 }).equity[0]).to.deep.equal({ bar: candles[400]!.openTime, equity: 10_000 });
    const { equity, decisions } = backtest(candles, { startBar: candles[300]!.openTime });
    expect(equity[0]!.bar).to.equal(candles[300]!.openTime);
    expect(decisions[0]!.bar).to.equal(candles[300]!.openTime);
    expect(decisions).to.have.length(1200);
  });

  it("fills nothing during the warm-up, and a decision only in a later bar", () => {
    const { fills, decisions } = backtest(candles, { warmupBars: 0 });
    const warmup = decisions.slice(0, 249);
    expect(new Set(warmup.map(({ reason }) => reason))).to.deep.equal(new Set(["warming up"]));
    const entries = decisions.filter(({ action }) => action === "enter").map(({ bar }) => bar + 3_600_000);
    expect(fills.filter(({ side }) => side === "buy").map(({ bar }) => bar)).to.deep.equal(entries);
  });

  it("gives the same with and without the decisions", () => {
    const { decisions, ...kept } = backtest(candles, { parameters: quick });
    const { decisions: none, ...left } = backtest(candles, { parameters: quick, keepDecisions: false });
    expect(left).to.deep.equal(kept);
    expect(none).to.deep.equal([]);
    expect(decisions.length).to.equal(kept.equity.length);
  });

  it("refuses candles that are not ascending and runs with nothing to trade on", () => {
    const twice = [...candles.slice(0, 300), candles[299]!];
    const message = "Candles must be ascending: 2024-01-13T11:00:00.000Z (number 301) does not follow the one before it";
    expect(() => backtest(twice)).to.throw(RangeError, message);
    expect(() => backtest(candles.slice(0, 250))).to.throw(
      RangeError,
      "There is no candle to trade on after 250 candles of warm-up: 250 candles were given",
    );
    expect(() => backtest(candles, { startBar: Date.UTC(2030, 0, 1) })).to.throw(
      RangeError,
      "There is no candle to trade on after 2030-01-01T00:00:00.000Z: 1500 candles were given",
    );
  });

  it("is what a bot and a broker do that restart after every bar and keep their state as JSON", () => {
    const expected = backtest(candles.slice(0, 700), { parameters: quick });
    const fills: Fill[] = [];
    const decisions: Decision[] = [];
    let stored = JSON.stringify(openAccount(10_000));
    for (let index = 60; index < 700; index++) {
      const result = processBar(JSON.parse(stored) as Account, candles[index]!, { interval: 3_600_000 });
      fills.push(...result.fills);
      stored = JSON.stringify(result.account);

      const strategy = createStrategy("RefStrat_01", quick);
      candles.slice(0, index).forEach((candle) => strategy.warmUp(candle));
      const decision = strategy.onBar(candles[index]!, JSON.parse(stored) as Account);
      decisions.push(decision);
      if (decision.intent !== null) {
        const id = `backtest-bot-${decision.bar / 1000}-${decision.action}`;
        const source = { clientOrderId: id, bar: decision.bar, referencePrice: candles[index]!.close };
        stored = JSON.stringify(applyIntent(JSON.parse(stored) as Account, decision.intent, source).account);
      }
    }
    expect(fills.length).to.be.greaterThan(20);
    expect(fills).to.deep.equal(expected.fills);
    expect(decisions).to.deep.equal(expected.decisions);
    expect(JSON.parse(stored)).to.deep.equal(expected.account);
  });

  it("scales with prices: four times the prices, the tick and the cash give the same trades and four times the profit", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const small = market(seed, 800);
        // Times four is exact in binary, so that no comparison of indicators can turn out differently.
        const large = small.map((candle): Candle => {
          const { open, high, low, close } = candle;
          return { ...candle, open: 4 * open, high: 4 * high, low: 4 * low, close: 4 * close };
        });
        const one = backtest(small, { parameters: quick });
        const execution = { ...defaultExecution, priceTick: 0.04 };
        const four = backtest(large, { parameters: quick, startingCash: 40_000, execution });
        const shape = ({ trades }: typeof one) =>
          trades.map(({ entryBar, exitBar, quantity, exitReason }) => ({ entryBar, exitBar, quantity, exitReason }));
        expect(shape(four)).to.deep.equal(shape(one));
        four.trades.forEach(({ profit }, index) => {
          expect(profit).to.be.closeTo(4 * one.trades[index]!.profit, 1e-6);
        });
      }),
      { numRuns: 15 },
    );
  });

  it("never lets a stop fall, and loses no more than the risk and the costs on a market without gaps", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { decisions, trades, fills, equity } = backtest(market(seed, 1000), { parameters: quick });
        let stop = 0;
        for (const { intent } of decisions) {
          if (intent?.action === "moveStop") {
            expect(intent.stopPrice).to.be.greaterThan(stop);
          }
          stop = intent !== null && intent.action !== "exit" ? intent.stopPrice : stop;
        }
        const equityAt = new Map(equity.map((value) => [value.bar, value.equity]));
        trades.forEach(({ entryBar, quantity, fees, profit }, index) => {
          const slippage = fills[2 * index]!.slippage + fills[2 * index + 1]!.slippage;
          const risk = quick.riskFraction * equityAt.get(entryBar - 3_600_000)! + quantity * defaultExecution.priceTick;
          expect(-profit).to.be.at.most(risk + fees + slippage + 1e-6);
        });
      }),
      { numRuns: 20 },
    );
  });
});
