import { expect } from "chai";
import { backtest, type BacktestOptions } from "../../../../domain/backtest";
import type { Candle } from "../../../../domain/candles";
import { clientOrderId } from "../../../../domain/clientOrderId";
import { applyIntent, defaultExecution, processBar } from "../../../../domain/execution";
import { openAccount, type Fill, type Trade } from "../../../../domain/orders";
import { compareRecords, type BotRecord } from "../../../../domain/parity/compare";
import { RandomMarket } from "../../../../domain/randomMarket";
import { createStrategy, type Decision } from "../../../../domain/strategies";

const settings = { emaFast: 5, emaSlow: 12, atrPeriod: 5 };
const candles = new RandomMarket({ seed: 11, symbol: "BTCUSDT", startTime: Date.UTC(2024, 0, 1) }).candles(0, 1200);
const startBar = candles[100]!.openTime;

const record = (of: readonly Candle[] = candles, options: BacktestOptions = {}): BotRecord => backtest(of, { parameters: settings, startBar, ...options });

/** A bot that decides on each bar by what the one before it showed. */
function lateBot(): BotRecord {
  const strategy = createStrategy("RefStrat_01", settings, defaultExecution);
  let account = openAccount(10_000);
  const [decisions, fills, trades, equity]: [Decision[], Fill[], Trade[], { bar: number; equity: number }[]] = [[], [], [], []];
  candles.forEach((candle, index) => {
    if (candle.openTime < startBar) {
      if (index > 0) strategy.warmUp(candles[index - 1]!);
      return;
    }
    const bar = candle.openTime;
    const result = processBar(account, candle, { interval: 3_600_000 });
    account = result.account;
    fills.push(...result.fills);
    trades.push(...result.trades);
    equity.push({ bar, equity: result.equity });
    const decision = { ...strategy.onBar(candles[index - 1]!, account), bar };
    decisions.push(decision);
    if (decision.intent !== null) {
      const source = { clientOrderId: clientOrderId("test", "bot", bar, decision.intent.action), bar, referencePrice: candle.close };
      account = applyIntent({ ...account, processedBar: bar }, decision.intent, source, defaultExecution).account;
    }
  });
  return { decisions, fills, trades, equity };
}

describe("parity with a replay", () => {
  const reference = record();

  it("of the same bars is whole", () => {
    const parity = compareRecords(record(), reference);
    expect(parity.decisions).to.deep.equal({ compared: 1100, matched: 1100, share: 1 });
    expect(parity.trades.share).to.equal(1);
    expect(parity.trades.compared).to.be.greaterThan(20);
    expect(parity.tracking).to.include({ trackingError: 0, meanDifference: 0, equityGap: 0 });
    expect([parity.first, parity.cause]).to.deep.equal([null, "none"]);
  });

  const revised = candles.map((candle, index) => (index === 400 ? { ...candle, close: candle.close * 1.001, high: candle.high * 1.001 } : candle));
  const others: [what: string, own: () => BotRecord, cause: string, firstBar: number | undefined][] = [
    ["a bot that is one bar late", lateBot, "one bar late", undefined],
    ["a bot whose averages began elsewhere", () => record(candles.slice(70)), "indicator seed", startBar],
    ["a candle that was revised", () => record(revised), "revised candle", candles[400]!.openTime],
    ["another fee", () => record(candles, { execution: { ...defaultExecution, feeRate: 0.002 } }), "fee", reference.fills[0]!.bar],
    ["another slippage", () => record(candles, { execution: { ...defaultExecution, slippageRate: 0.001 } }), "fill price", reference.fills[0]!.bar],
    ["another stop", () => record(candles, { parameters: { ...settings, stopAtrMultiple: 2 } }), "decision", undefined],
    ["a bar without a decision", () => ({ ...reference, decisions: reference.decisions.filter((_, index) => index !== 300) }), "missed bar", reference.decisions[300]!.bar],
    ["a fill that never came", () => ({ ...reference, fills: reference.fills.slice(1) }), "execution", reference.fills[0]!.bar],
  ];
  for (const [what, own, cause, firstBar] of others) {
    it(`names ${what}`, () => {
      const parity = compareRecords(own(), reference);
      expect(parity.cause).to.equal(cause);
      expect(parity.first).to.not.equal(null);
      if (firstBar !== undefined) expect(parity.first!.bar).to.equal(firstBar);
    });
  }

  it("is far from whole one bar late: some 20 % a year, as the research has it, and no trade the same", () => {
    const { trades, tracking } = compareRecords(lateBot(), reference);
    expect(trades.share).to.be.below(0.2);
    expect(tracking!.trackingError).to.be.greaterThan(0.005);
  });

  it("costs show as a mean difference, and hardly as a tracking error", () => {
    const { tracking } = compareRecords(record(candles, { execution: { ...defaultExecution, feeRate: 0.002 } }), reference);
    expect(tracking!.meanDifference).to.be.below(0);
    expect(tracking!.trackingError).to.be.below(0.05);
  });

  it("is of the bars that both can have", () => {
    const parity = compareRecords({ ...reference, decisions: reference.decisions.slice(10, 500) }, reference);
    expect([parity.from, parity.to]).to.deep.equal([reference.decisions[10]!.bar, reference.decisions[499]!.bar]);
    expect(parity.cause).to.equal("none");
  });

  it("of nothing is undefined", () => {
    const nothing: BotRecord = { decisions: [], fills: [], trades: [], equity: [] };
    const parity = compareRecords(nothing, reference);
    expect(parity).to.deep.include({ from: undefined, to: undefined, tracking: undefined, first: null, cause: "none" });
    expect(parity.decisions.share).to.equal(undefined);
  });
});
