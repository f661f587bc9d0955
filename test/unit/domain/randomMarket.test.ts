import { expect } from "chai";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { backtest } from "../../../domain/backtest";
import { RandomMarket, type RandomMarketSettings } from "../../../domain/randomMarket";

const settings: RandomMarketSettings = { seed: 1, symbol: "BTCUSDT", startTime: Date.UTC(2024, 0, 1) };
const hour = 3_600_000;
const isCents = (value: number) => Number(value.toFixed(2)) === value;

describe("random market", () => {
  it("is the same on every machine", () => {
    const text = JSON.stringify(new RandomMarket(settings).candles(0, 2000));
    expect(createHash("sha256").update(text).digest("hex")).to.equal(
      "45d6e8628367e2553ed9cd23907bac55545cdfd99090efc3c6eb75043a9c8a86",
    );
  });

  it("is another one for another seed or symbol", () => {
    const closes = [settings, { ...settings, seed: 2 }, { ...settings, symbol: "ETHUSDT" }].map((one) =>
      new RandomMarket(one).candles(0, 5).map(({ close }) => close).join(),
    );
    expect(new Set(closes).size).to.equal(3);
  });

  it("gives the same candles however they are asked for", () => {
    const whole = new RandomMarket(settings).candles(0, 600);
    fc.assert(
      fc.property(fc.array(fc.nat(599), { minLength: 1, maxLength: 8 }), (indices) => {
        const market = new RandomMarket(settings);
        for (const index of indices) {
          expect(market.candle(index)).to.deep.equal(whole[index]);
        }
        const from = indices[0]!;
        expect(market.candles(from, 600 - from)).to.deep.equal(whole.slice(from));
      }),
      { numRuns: 30 },
    );
  });

  it("makes consistent candles that open at the close before", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const candles = new RandomMarket({ ...settings, seed }).candles(0, 1000);
        candles.forEach(({ openTime, open, high, low, close, volume }, index) => {
          const sound =
            openTime === settings.startTime + index * hour &&
            open === (index === 0 ? 30_000 : candles[index - 1]!.close) &&
            high >= Math.max(open, close) &&
            low <= Math.min(open, close) &&
            low > 0 &&
            volume > 0 &&
            [open, high, low, close, volume].every(isCents);
          if (!sound) {
            expect.fail(`candle ${index}: ${JSON.stringify(candles[index])}`);
          }
        });
      }),
      { numRuns: 20 },
    );
  });

  it("keeps to its settings", () => {
    const candle = new RandomMarket({ ...settings, startPrice: 2, priceTick: 0.5, intervalMilliseconds: 60_000 }).candle(3);
    expect(candle.openTime).to.equal(settings.startTime + 180_000);
    expect(candle.close % 0.5).to.equal(0);
    for (const index of [-1, 0.5, Number.NaN]) {
      expect(() => new RandomMarket(settings).candle(index)).to.throw(RangeError, `There is no candle number ${index}`);
    }
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`lets RefStrat_01 trade a few times in 30 days and stays near its start price over two years (seed ${seed})`, () => {
      const candles = new RandomMarket({ ...settings, seed }).candles(0, 2 * 8760);
      const { metrics, trades } = backtest(candles, { warmupBars: 300, keepDecisions: false });
      expect(metrics.tradesPer30Days).to.be.within(3, 10);
      const firstMonthEnds = settings.startTime + (300 + 720) * hour;
      expect(trades.filter(({ exitBar }) => exitBar < firstMonthEnds).length).to.be.at.least(2);
      const closes = candles.map(({ close }) => close);
      expect(Math.min(...closes)).to.be.greaterThan(3_000);
      expect(Math.max(...closes)).to.be.lessThan(300_000);
    });
  }
});
