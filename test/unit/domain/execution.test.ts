import { expect } from "chai";
import fc from "fast-check";
import type { Candle } from "../../../domain/candles";
import { gridOf } from "../../../domain/decimals";
import { applyIntent, defaultExecution, executionSettings, processBar, type BarResult } from "../../../domain/execution";
import { openAccount, workingStop, type Account, type Intent } from "../../../domain/orders";

type Prices = [open: number, high: number, low: number, close: number];
/** What happens between two bars and in the second of them. */
type Step = { intent?: Intent; reference?: number | null; sizeLimit?: number; bar: Prices; withheld?: string[]; halted?: Record<string, string>; passedStop?: number; skipped?: number };

/** The bars of these tests are a millisecond long. */
const interval = 1;

const candle = (openTime: number, [open, high, low, close]: Prices): Candle =>
  Object.freeze({ openTime, open, high, low, close, volume: 1 });

/** Bar 0 passes quietly; then the steps, as bars 1, 2, ... (after as many as are skipped) with order ids o1, o2, ... */
function run(steps: Step[], cash = 1000): BarResult[] {
  let account = processBar(openAccount(cash), candle(0, [100, 100, 100, 100]), { interval }).account;
  return steps.map(({ intent, reference = null, sizeLimit = null, bar, withheld = [], halted = {}, passedStop = null, skipped = 0 }, index) => {
    const processed = account.processedBar!;
    if (intent !== undefined) {
      const source = { clientOrderId: `o${index + 1}`, bar: processed, referencePrice: reference, sizeLimit };
      const applied = applyIntent(frozen(account), intent, source);
      expect(applied.order.reason).to.equal(null);
      account = applied.account;
    }
    const terms = { interval, withheld: new Set(withheld), halted: new Map(Object.entries(halted)), passedStop };
    const result = processBar(frozen(account), candle(processed + 1 + skipped, bar), terms);
    account = result.account;
    return result;
  });
}

/** Frozen all through, so that changing an argument would throw. */
function frozen(account: Account): Account {
  account.orders.forEach(Object.freeze);
  Object.freeze(account.orders);
  Object.freeze(account.position);
  return Object.freeze(account);
}

const changes = (result: BarResult) =>
  result.orderUpdates.map(({ clientOrderId, status, reason }) => [clientOrderId, status, reason]);

const enter: Intent = { action: "enter", quantity: 2, stopPrice: 90 };
const entered: Step = { intent: enter, bar: [100.01, 105, 95, 104] };
const cashAfterEntry = 799.65986;

describe("execution", () => {
  it("has the defaults that are documented, and refuses unknown settings", () => {
    const defaults = { feeRate: 0.001, slippageRate: 0.0005, priceTick: 0.01, quantityStep: 0.00001, priceCollar: 0.02 };
    expect(defaultExecution).to.deep.equal(defaults);
    expect(executionSettings.safeParse({ feerate: 0 }).success).to.equal(false);
  });

  it("fills an entry at the next open, a tick worse than slippage, and works its stop", () => {
    const [first] = run([entered]);
    expect(first!.fills).to.deep.equal([
      {
        clientOrderId: "o1",
        bar: 1,
        side: "buy",
        price: 100.07,
        quantity: 2,
        fee: 0.20014,
        slippage: 0.12,
        reason: "entry",
      },
    ]);
    expect(first!.account.cash).to.equal(cashAfterEntry);
    expect(first!.account.position).to.deep.equal({ quantity: 2, entryPrice: 100.07, entryBar: 1, entryFee: 0.20014 });
    expect(first!.equity).to.equal(1007.65986);
    expect(first!.trades).to.deep.equal([]);
    expect(changes(first!)).to.deep.equal([
      ["o1", "filled", null],
      ["o1-stop", "working", null],
    ]);
    expect(workingStop(first!.account)).to.deep.equal({
      clientOrderId: "o1-stop",
      bar: 0,
      action: "stop",
      side: "sell",
      type: "stop",
      quantity: 2,
      sizeLimit: null,
      stopPrice: 90,
      referencePrice: null,
      status: "working",
      reason: null,
    });
  });

  it("rounds the fee to 8 decimals", () => {
    const [first] = run([{ intent: { ...enter, quantity: 0.12345 }, bar: [100.01, 105, 95, 104] }]);
    expect(first!.fills[0]!.fee).to.equal(0.01235364);
    expect(first!.account.cash).to.equal(987.63400486);
  });

  for (const [cash, filled, reason] of [
    [1000, 0.5, "reduced to the size of the first days after a promotion"],
    [30, 0.29949, "reduced to what cash can pay"],
  ] as const) {
    it(`fills ${filled} of an entry of 2 that is let in at 0.5 with ${cash} of cash, and the stop protects that`, () => {
      const [first] = run([{ ...entered, sizeLimit: 0.5 }], cash);
      expect(first!.account.position!.quantity).to.equal(filled);
      expect(workingStop(first!.account)).to.include({ quantity: filled, sizeLimit: null });
      expect(first!.orderUpdates[0]).to.include({ status: "filled", quantity: 2, sizeLimit: 0.5, reason });
    });
  }

  const ways: { title: string; steps: Step[]; cash: number; fill: object; trade: object; orders: unknown[] }[] = [
    {
      title: "an exit sells at the next open and cancels the stop",
      steps: [entered, { intent: { action: "exit" }, bar: [103.33, 104, 91, 100] }],
      cash: 1005.99332,
      fill: { clientOrderId: "o2", bar: 2, price: 103.27, fee: 0.20654, slippage: 0.12, reason: "exit" },
      trade: { entryBar: 1, exitBar: 2, fees: 0.40668, profit: 5.99332, exitReason: "exit" },
      orders: [
        ["o2", "filled", null],
        ["o1-stop", "cancelled", "the position was closed"],
      ],
    },
    {
      title: "an exit and a stop in one bar: the exit at the open wins",
      steps: [entered, { intent: { action: "exit" }, bar: [95, 96, 80, 85] }],
      cash: 989.36996,
      fill: { clientOrderId: "o2", price: 94.95, fee: 0.1899, reason: "exit" },
      trade: { profit: -10.63004, exitReason: "exit" },
      orders: [
        ["o2", "filled", null],
        ["o1-stop", "cancelled", "the position was closed"],
      ],
    },
    {
      title: "an exit wins also when the bar opens below the stop",
      steps: [entered, { intent: { action: "exit" }, bar: [85.5, 88, 80, 87] }],
      cash: 970.38896,
      fill: { clientOrderId: "o2", price: 85.45, reason: "exit" },
      trade: { profit: -29.61104, exitReason: "exit" },
      orders: [
        ["o2", "filled", null],
        ["o1-stop", "cancelled", "the position was closed"],
      ],
    },
    {
      title: "a low that touches the stop sells at the stop",
      steps: [entered, { bar: [100, 101, 90, 95] }],
      cash: 979.37996,
      fill: { clientOrderId: "o1-stop", bar: 2, side: "sell", price: 89.95, fee: 0.1799, slippage: 0.1, reason: "stop" },
      trade: { quantity: 2, entryPrice: 100.07, exitPrice: 89.95, fees: 0.38004, profit: -20.62004, exitReason: "stop" },
      orders: [["o1-stop", "filled", null]],
    },
    {
      title: "a bar that opens below the stop sells at its open",
      steps: [entered, { bar: [85.5, 88, 80, 87] }],
      cash: 970.38896,
      fill: { clientOrderId: "o1-stop", price: 85.45, fee: 0.1709, slippage: 0.1, reason: "stop" },
      trade: { profit: -29.61104, exitReason: "stop" },
      orders: [["o1-stop", "filled", null]],
    },
    {
      title: "the stop works in the entry's own bar",
      steps: [{ intent: enter, bar: [100.01, 105, 89, 95] }],
      cash: 979.37996,
      fill: { clientOrderId: "o1-stop", bar: 1, price: 89.95, reason: "stop" },
      trade: { entryBar: 1, exitBar: 1, profit: -20.62004, exitReason: "stop" },
      orders: [
        ["o1", "filled", null],
        ["o1-stop", "filled", null],
      ],
    },
    {
      title: "a moved stop works from the next bar on",
      steps: [
        entered,
        { intent: { action: "moveStop", stopPrice: 98 }, bar: [104, 105, 98.01, 100] },
        { bar: [100, 101, 98, 99] },
      ],
      cash: 995.36396,
      fill: { clientOrderId: "o2", bar: 3, price: 97.95, fee: 0.1959, slippage: 0.1, reason: "stop" },
      trade: { profit: -4.63604, exitReason: "stop" },
      orders: [["o2", "filled", null]],
    },
    {
      title: "a bar that opens below a moved stop sells at its open",
      steps: [entered, { intent: { action: "moveStop", stopPrice: 98 }, bar: [97, 99, 95, 96] }],
      cash: 993.36596,
      fill: { clientOrderId: "o2", bar: 2, price: 96.95, reason: "stop" },
      trade: { profit: -6.63404, exitReason: "stop" },
      orders: [
        ["o1-stop", "cancelled", "replaced by a higher stop"],
        ["o2", "filled", null],
      ],
    },
  ];
  for (const { title, steps, cash, fill, trade, orders } of ways) {
    it(title, () => {
      const result = run(steps).at(-1)!;
      expect(result.fills.at(-1)).to.deep.include(fill);
      expect(result.trades).to.have.length(1);
      expect(result.trades[0]).to.deep.include(trade);
      expect(changes(result)).to.deep.equal(orders);
      expect(result.account).to.deep.include({ cash, position: null, orders: [] });
      expect(result.equity).to.equal(cash);
    });
  }

  it("replaces the old stop when the moved one takes over", () => {
    const [, second] = run([entered, { intent: { action: "moveStop", stopPrice: 98 }, bar: [104, 105, 99, 100] }]);
    expect(changes(second!)).to.deep.equal([
      ["o1-stop", "cancelled", "replaced by a higher stop"],
      ["o2", "working", null],
    ]);
    expect(second!.account.orders).to.have.length(1);
    expect(workingStop(second!.account)).to.include({ clientOrderId: "o2", stopPrice: 98, quantity: 2 });
  });

  for (const open of [90, 89.99, 50]) {
    it(`cancels an entry whose bar opens at ${open} with its stop at 90`, () => {
      const [first] = run([{ intent: enter, bar: [open, 105, 40, 104] }]);
      expect(changes(first!)).to.deep.equal([["o1", "cancelled", "opened through its stop"]]);
      expect(first!.fills).to.deep.equal([]);
      expect(first!.account).to.deep.equal({ cash: 1000, position: null, orders: [], processedBar: 1 });
    });
  }

  it("cancels an entry when the bar after its decision is missing, and lets none work later", () => {
    const [first, second] = run([{ intent: enter, reference: 100, bar: [100.01, 105, 95, 104], skipped: 1 }, { bar: [100.01, 105, 95, 104] }]);
    expect(changes(first!)).to.deep.equal([["o1", "cancelled", "the bar after the decision is missing"]]);
    expect([first!.fills, second!.fills]).to.deep.equal([[], []]);
    expect(second!.account).to.deep.equal({ cash: 1000, position: null, orders: [], processedBar: 3 });
  });

  it("works an exit and a moved stop in the next bar there is, whatever is missing before it", () => {
    const [, left] = run([entered, { intent: { action: "exit" }, bar: [103.33, 104, 91, 100], skipped: 3 }]);
    expect(left!.fills[0]).to.include({ clientOrderId: "o2", bar: 5, reason: "exit" });
    const [, moved] = run([entered, { intent: { action: "moveStop", stopPrice: 98 }, bar: [97, 99, 95, 96], skipped: 3 }]);
    expect(moved!.fills[0]).to.include({ clientOrderId: "o2", bar: 5, reason: "stop" });
  });

  describe("a stop that was reached in a bar which came late", () => {
    const reason = "reached in a bar that came late, filled in the next one worked";
    const ways: { title: string; step: Step; price: number; orders: unknown[] }[] = [
      { title: "is filled at its own price when the next bar opens above it", step: { bar: [120, 121, 119, 120], passedStop: 90 }, price: 89.95, orders: [["o1-stop", "filled", reason]] },
      { title: "is filled at the next bar's open when that is lower", step: { bar: [85.5, 121, 85, 120], passedStop: 90 }, price: 85.45, orders: [["o1-stop", "filled", reason]] },
      {
        title: "goes before an exit, which would sell higher",
        step: { intent: { action: "exit" }, bar: [120, 121, 119, 120], passedStop: 90 },
        price: 89.95,
        orders: [["o1-stop", "filled", reason], ["o2", "cancelled", "the position was closed"]],
      },
      {
        title: "goes before a stop that was moved meanwhile",
        step: { intent: { action: "moveStop", stopPrice: 98 }, bar: [120, 121, 119, 120], passedStop: 90 },
        price: 89.95,
        orders: [["o1-stop", "filled", reason], ["o2", "cancelled", "the position was closed"]],
      },
    ];
    for (const { title, step, price, orders } of ways) {
      it(title, () => {
        const result = run([entered, step])[1]!;
        expect(changes(result)).to.deep.equal(orders);
        expect(result.fills).to.have.length(1);
        expect(result.fills[0]).to.include({ clientOrderId: "o1-stop", bar: 2, price, quantity: 2, reason: "stop" });
        expect(result.trades[0]).to.include({ exitBar: 2, exitPrice: price, exitReason: "stop" });
        expect(result.account).to.deep.include({ position: null, orders: [] });
      });
    }

    it("sells at the price that worked then, also when the stop has risen since", () => {
      const [, , third] = run([entered, { intent: { action: "moveStop", stopPrice: 98 }, bar: [104, 105, 99, 100] }, { bar: [120, 121, 119, 120], passedStop: 90 }]);
      expect(third!.fills[0]).to.include({ clientOrderId: "o2", price: 89.95, reason: "stop" });
    });

    it("changes nothing without a position", () => {
      const [first] = run([{ bar: [100, 101, 80, 100], passedStop: 90 }]);
      expect([first!.fills, first!.orderUpdates]).to.deep.equal([[], []]);
    });
  });

  const collars: [string, open: number, reference: number | null, cancelled: boolean][] = [
    ["at the upper bound", 102, 100, false],
    ["above it", 102.01, 100, true],
    ["at the lower bound", 98, 100, false],
    ["below it", 97.99, 100, true],
    ["far away, without a reference", 300, null, false],
  ];
  for (const [name, open, reference, cancelled] of collars) {
    it(`holds an entry against the price collar: opened ${name}`, () => {
      const [first] = run([{ intent: enter, reference, bar: [open, open + 1, open - 1, open] }]);
      expect(changes(first!)[0]).to.deep.equal(
        cancelled ? ["o1", "cancelled", "opened beyond the price collar"] : ["o1", "filled", null],
      );
      expect(first!.account.orders).to.have.length(cancelled ? 0 : 1);
    });
  }

  it("has no price collar for an exit", () => {
    const [, second] = run([entered, { intent: { action: "exit" }, reference: 104, bar: [150, 151, 149, 150] }]);
    expect(second!.fills[0]).to.include({ reason: "exit", price: 149.92 });
  });

  describe("orders that are withheld from a bar", () => {
    it("an exit sells at the open of the next one", () => {
      const [, second, third] = run([
        entered,
        { intent: { action: "exit" }, bar: [103, 104, 102, 103], withheld: ["o2"] },
        { bar: [101, 102, 100, 101] },
      ]);
      expect(changes(second!)).to.deep.equal([]);
      expect(second!.account.orders.map(({ status }) => status)).to.deep.equal(["working", "accepted"]);
      expect(third!.fills[0]).to.include({ clientOrderId: "o2", bar: 3, price: 100.94, reason: "exit" });
    });

    it("a moved stop works from the next one on, the old one until then", () => {
      const moved: Step = { intent: { action: "moveStop", stopPrice: 98 }, bar: [100, 101, 95, 99], withheld: ["o2"] };
      const [, second, third] = run([entered, moved, { bar: [99, 100, 97, 98] }]);
      expect(second!.fills).to.deep.equal([]);
      expect(workingStop(second!.account)).to.include({ clientOrderId: "o1-stop", stopPrice: 90 });
      expect(third!.fills[0]).to.include({ clientOrderId: "o2", bar: 3, reason: "stop" });
    });

    it("an exit is cancelled when the stop is hit before", () => {
      const [, second] = run([entered, { intent: { action: "exit" }, bar: [95, 96, 89, 90], withheld: ["o2"] }]);
      expect(changes(second!)).to.deep.equal([
        ["o1-stop", "filled", null],
        ["o2", "cancelled", "the position was closed"],
      ]);
      expect(second!.account).to.deep.include({ position: null, orders: [] });
    });
  });

  describe("orders that are halted", () => {
    it("an entry is cancelled and never filled", () => {
      const [first, second] = run([{ intent: enter, bar: [101, 105, 95, 104], halted: { o1: "halted" } }, { bar: [101, 105, 95, 104] }]);
      expect(changes(first!)).to.deep.equal([["o1", "cancelled", "halted"]]);
      expect(first!.account).to.deep.include({ position: null, orders: [] });
      expect(changes(second!)).to.deep.equal([]);
    });

    it("an exit is cancelled, and the stop works in the same bar", () => {
      const [, second] = run([entered, { intent: { action: "exit" }, bar: [95, 96, 89, 90], halted: { o2: "halted" } }]);
      expect(changes(second!)).to.deep.equal([
        ["o2", "cancelled", "halted"],
        ["o1-stop", "filled", null],
      ]);
    });

    it("a moved stop is cancelled also where it was withheld; the old one goes on", () => {
      const [, second] = run([entered, { intent: { action: "moveStop", stopPrice: 98 }, bar: [100, 101, 95, 99], withheld: ["o2"], halted: { o2: "halted" } }]);
      expect(changes(second!)).to.deep.equal([["o2", "cancelled", "halted"]]);
      expect(workingStop(second!.account)).to.include({ clientOrderId: "o1-stop", stopPrice: 90 });
    });

    it("a stop that works stays, whatever is said of it", () => {
      const [, second] = run([entered, { bar: [95, 96, 89, 90], halted: { "o1-stop": "halted" } }]);
      expect(changes(second!)).to.deep.equal([["o1-stop", "filled", null]]);
    });
  });

  it("reduces an entry to what cash pays for, fee included", () => {
    const [first] = run([{ intent: { ...enter, quantity: 9.98 }, bar: [101, 105, 95, 104] }]);
    expect(first!.fills[0]).to.include({ price: 101.06, quantity: 9.88522, fee: 0.99900033 });
    expect(first!.account.cash).to.equal(0.00066647);
    expect(changes(first!)[0]).to.deep.equal(["o1", "filled", "reduced to what cash can pay"]);
    expect(workingStop(first!.account)!.quantity).to.equal(9.88522);
  });

  it("leaves no debt when all cash is spent, whatever the amounts", () => {
    const cents = fc.integer({ min: 1, max: 10_000_000 });
    fc.assert(
      fc.property(cents, cents, fc.constantFrom(1, 0.001, 0.00001, 0.00000001), (cash, open, quantityStep) => {
        const parameters = { ...defaultExecution, quantityStep };
        const start = processBar(openAccount(cash / 100), candle(0, [1, 1, 1, 1]), { interval }).account;
        const all: Intent = { action: "enter", quantity: gridOf(quantityStep).up((2 * cash) / open), stopPrice: 0.01 };
        const bar = candle(1, [1 + open / 100, 2 + open / 100, 1, 1]);
        const { account } = applyIntent(start, all, { clientOrderId: "all", bar: 0, referencePrice: null }, parameters);
        const result = processBar(account, bar, { interval, parameters });
        expect(result.account.cash).to.be.within(0, cash / 100);
        expect(result.fills.length > 0 || result.orderUpdates[0]!.reason === "cash cannot pay for it").to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it("cancels an entry that cash pays no step of", () => {
    const [first] = run([{ intent: enter, bar: [100, 105, 95, 104] }], 0.001);
    expect(changes(first!)).to.deep.equal([["o1", "cancelled", "cash cannot pay for it"]]);
    expect(first!.account).to.include({ cash: 0.001, position: null });
  });

  it("marks equity at the close of a bar in which nothing happens", () => {
    const [, second] = run([entered, { bar: [104, 105, 90.01, 91.5] }]);
    expect(second!.equity).to.equal(982.65986);
    expect([second!.fills, second!.trades, second!.orderUpdates]).to.deep.equal([[], [], []]);
    expect(second!.account.processedBar).to.equal(2);
  });

  it("refuses a bar that does not follow the last one", () => {
    const account = run([entered])[0]!.account;
    const message = "Bar 1970-01-01T00:00:00.001Z does not follow 1970-01-01T00:00:00.001Z";
    expect(() => processBar(account, candle(1, [1, 1, 1, 1]), { interval })).to.throw(RangeError, message);
  });

  describe("intents that are rejected", () => {
    const flat = run([{ bar: [100, 101, 99, 100] }])[0]!.account;
    const holding = run([entered])[0]!.account;
    const waiting = applyIntent(flat, enter, { clientOrderId: "first", bar: 1, referencePrice: 100 }).account;
    const cases: { title: string; account: Account; intent: Intent; bar?: number; reason: string }[] = [
      { title: "an entry in a position", account: holding, intent: enter, reason: "a position is already open" },
      { title: "an exit without a position", account: flat, intent: { action: "exit" }, reason: "there is no position to exit" },
      {
        title: "a moved stop without a position",
        account: flat,
        intent: { action: "moveStop", stopPrice: 95 },
        reason: "there is no position to protect",
      },
      {
        title: "a second order before the next bar",
        account: waiting,
        intent: enter,
        reason: "order first still waits for the next bar",
      },
      {
        title: "a stop that does not rise",
        account: holding,
        intent: { action: "moveStop", stopPrice: 90 },
        reason: "the stop may only rise: 90 is not above 90",
      },
      {
        title: "a quantity between steps",
        account: flat,
        intent: { ...enter, quantity: 0.000015 },
        reason: "quantity 0.000015 is not a positive multiple of the quantity step 0.00001",
      },
      {
        title: "a quantity of zero",
        account: flat,
        intent: { ...enter, quantity: 0 },
        reason: "quantity 0 is not a positive multiple of the quantity step 0.00001",
      },
      {
        title: "a stop between ticks",
        account: flat,
        intent: { ...enter, stopPrice: 90.005 },
        reason: "stop price 90.005 is not a positive multiple of the price tick 0.01",
      },
      {
        title: "a negative stop",
        account: flat,
        intent: { ...enter, stopPrice: -1 },
        reason: "stop price -1 is not a positive multiple of the price tick 0.01",
      },
      {
        title: "a decision on an older bar",
        account: flat,
        intent: enter,
        bar: 0,
        reason: "decided on bar 1970-01-01T00:00:00.000Z, but the account is at 1970-01-01T00:00:00.001Z",
      },
      {
        title: "a decision before the first bar",
        account: openAccount(1000),
        intent: enter,
        bar: 0,
        reason: "decided on bar 1970-01-01T00:00:00.000Z, but the account has processed no bar yet",
      },
    ];
    for (const { title, account, intent, bar = 1, reason } of cases) {
      it(title, () => {
        const result = applyIntent(account, intent, { clientOrderId: "late", bar, referencePrice: 100 });
        expect(result.order).to.include({ clientOrderId: "late", status: "rejected", reason });
        expect(result.account).to.equal(account);
      });
    }
  });
});
