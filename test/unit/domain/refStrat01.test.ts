import { expect } from "chai";
import type { Candle } from "../../../domain/candles";
import { defaultExecution } from "../../../domain/execution";
import { openAccount, type Account, type Order } from "../../../domain/orders";
import { RefStrat01, refStrat01Settings } from "../../../domain/strategies/refStrat01";

const hour = 3_600_000;
const flatAccount = openAccount(10_000);
// Periods whose weights (1/2 and 1/4) are exact, so that everything here can be computed by hand.
const parameters = { emaFast: 3, emaSlow: 7, atrPeriod: 2, stopAtrMultiple: 3, riskFraction: 0.005, maxExposure: 1 };

const stopOrder = (stopPrice: number): Order => ({
  clientOrderId: "entry-stop",
  bar: 0,
  action: "stop",
  side: "sell",
  type: "stop",
  quantity: 5,
  stopPrice,
  status: "working",
  reason: null,
  sizeLimit: null,
  referencePrice: null,
});
const holding = (stopPrice: number): Account => ({
  cash: 9_500,
  position: { quantity: 5, entryPrice: 100, entryBar: 0, entryFee: 0.5 },
  orders: [stopOrder(stopPrice)],
  processedBar: 0,
});

/** A strategy that has seen `bars` candles at 100 with a true range of 2. */
function after(bars: number, changed: Partial<typeof parameters> = {}) {
  const strategy = new RefStrat01({ ...parameters, ...changed }, defaultExecution);
  let time = 0;
  const next = (close: number, high = close + 1, low = close - 1): Candle => {
    time += hour;
    return { openTime: time, open: close, high, low, close, volume: 1 };
  };
  for (let bar = 0; bar < bars; bar++) {
    strategy.warmUp(next(100));
  }
  return { strategy, next };
}

describe("RefStrat_01", () => {
  it("enters on the bar in which the fast EMA crosses above the slow one", () => {
    const { strategy, next } = after(34);
    const decision = strategy.onBar(next(103, 104, 100), flatAccount);
    // Fast 100 + 3/2, slow 100 + 3/4, ATR (2 + 4)/2; stop 103 − 3·3; quantity 0.005·10000/9.
    expect(decision).to.deep.equal({
      bar: 35 * hour,
      action: "enter",
      reason: "fast EMA crossed above slow EMA",
      indicators: { emaFast: 101.5, emaSlow: 100.75, atr: 3 },
      intent: { action: "enter", quantity: 5.55555, stopPrice: 94 },
    });
    expect(strategy.onBar(next(104), flatAccount)).to.include({ action: "hold", reason: "flat, no crossing" });
  });

  it("does not enter before five slow periods were seen", () => {
    const { strategy, next } = after(33);
    expect(strategy.warmupBars).to.equal(35);
    const decision = strategy.onBar(next(103, 104, 100), flatAccount);
    expect(decision).to.include({ action: "hold", reason: "warming up", intent: null });
  });

  it("spends no more than the part of the cash it may, fee and slippage included", () => {
    const sizes = [1, 0.5].map((maxExposure) => {
      const { strategy, next } = after(34, { riskFraction: 0.1, maxExposure });
      return strategy.onBar(next(103, 104, 100), flatAccount).intent;
    });
    expect(sizes).to.deep.equal([
      { action: "enter", quantity: 96.94196, stopPrice: 94 },
      { action: "enter", quantity: 48.47098, stopPrice: 94 },
    ]);
  });

  it("rounds the stop down to the tick", () => {
    const { strategy, next } = after(34, { stopAtrMultiple: 1.001 });
    expect(strategy.onBar(next(103, 104, 100), flatAccount).intent).to.include({ stopPrice: 99.99 });
  });

  const refusals: { title: string; changed: Partial<typeof parameters>; account: Account; reason: string }[] = [
    {
      title: "when the stop would not be above zero",
      changed: { stopAtrMultiple: 40 },
      account: flatAccount,
      reason: "crossed above, but the true range allows no stop",
    },
    {
      title: "when there is too little cash for one step",
      changed: {},
      account: openAccount(0.0001),
      reason: "crossed above, but the quantity or the stop rounds to nothing",
    },
    {
      title: "while an order is pending",
      changed: {},
      account: { ...flatAccount, orders: [{ ...stopOrder(90), status: "accepted" }] },
      reason: "an order is pending",
    },
  ];
  for (const { title, changed, account, reason } of refusals) {
    it(`does not enter ${title}`, () => {
      const { strategy, next } = after(34, changed);
      expect(strategy.onBar(next(103, 104, 100), account)).to.include({ action: "hold", reason, intent: null });
    });
  }

  it("exits when the fast EMA is below the slow one, also when it saw the crossing without deciding", () => {
    const { strategy, next } = after(34);
    const exit = { action: "exit", reason: "fast EMA is below slow EMA" };
    const decision = strategy.onBar(next(99), holding(90));
    expect(decision).to.include(exit);
    expect(decision.intent).to.deep.equal({ action: "exit" });

    const late = after(34);
    late.strategy.warmUp(late.next(99));
    expect(late.strategy.onBar(late.next(99), holding(90))).to.include(exit);
  });

  it("moves the stop up behind the close, and never down", () => {
    const decide = (stop: number, stopAtrMultiple = 3) => {
      const { strategy, next } = after(34, { stopAtrMultiple });
      return strategy.onBar(next(103, 104, 100), holding(stop));
    };
    const moved = decide(93.99);
    expect(moved).to.include({ action: "moveStop", reason: "trailing stop rises" });
    expect(moved.intent).to.deep.equal({ action: "moveStop", stopPrice: 94 });
    for (const stop of [94, 94.01, 100]) {
      expect(decide(stop)).to.include({ action: "hold", reason: "in position", intent: null });
    }
    // 103 − 2.999·3 = 94.003 is above 94, but not by a tick.
    expect(decide(94, 2.999)).to.include({ action: "hold", intent: null });
  });

  it("has the same intent with and without the account of why", () => {
    const one = after(34);
    const other = after(34);
    const decision = one.strategy.onBar(one.next(103, 104, 100), flatAccount);
    expect(other.strategy.intentOn(other.next(103, 104, 100), flatAccount)).to.deep.equal(decision.intent);
  });

  it("has no indicators before the first bar, and no ATR before its period", () => {
    const { strategy, next } = after(0);
    expect(strategy.indicators()).to.deep.equal({ emaFast: null, emaSlow: null, atr: null });
    strategy.warmUp(next(100));
    expect(strategy.indicators()).to.deep.equal({ emaFast: 100, emaSlow: 100, atr: null });
    strategy.warmUp(next(104, 105, 101));
    expect(strategy.indicators()).to.deep.equal({ emaFast: 102, emaSlow: 101, atr: 3.5 });
    strategy.warmUp(next(104, 104.5, 104));
    expect(strategy.indicators()).to.deep.equal({ emaFast: 103, emaSlow: 101.75, atr: 2 });
  });

  it("has the documented defaults and refuses other settings", () => {
    expect(refStrat01Settings.parse({})).to.deep.equal({
      emaFast: 20,
      emaSlow: 50,
      atrPeriod: 14,
      stopAtrMultiple: 3,
      riskFraction: 0.005,
      maxExposure: 1,
    });
    const issues = (settings: object) => refStrat01Settings.safeParse(settings).error?.issues.map(({ message }) => message);
    expect(issues({ emaFast: 50 })).to.deep.equal(["emaFast must be below emaSlow"]);
    expect(issues({ emafast: 20 })).to.deep.equal(['Unrecognized key: "emafast"']);
    for (const wrong of [{ emaFast: 1 }, { atrPeriod: 14.5 }, { riskFraction: 0.5 }, { maxExposure: 2 }]) {
      expect(issues(wrong)).to.have.length(1);
    }
  });
});
