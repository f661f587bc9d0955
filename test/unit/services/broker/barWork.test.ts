import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { defaultExecution, processBar, type BarResult } from "../../../../domain/execution";
import { openAccount, type Account, type Order } from "../../../../domain/orders";
import { withheldOf, workBar, type BotState } from "../../../../services/broker/barWork";
import type { ArrivedCandle } from "../../../../services/broker/CandleReader";
import { simulatedVenue, type Venue } from "../../../../services/broker/venue";
import type { Database } from "../../../../services/shared/database";

const bar = Date.UTC(2024, 0, 1);
const hour = 3_600_000;
const window = 300_000;
const terms = { interval: hour, withheld: new Set<string>(), passedStop: null };
const candle: Candle = { openTime: bar + hour, open: 100, high: 101, low: 99, close: 100, volume: 1 };

const order = (clientOrderId: string, status: Order["status"]): Order => ({
  ...{ clientOrderId, bar, action: "exit", side: "sell", type: "market", quantity: 1, stopPrice: null, referencePrice: 100 },
  ...{ status, reason: null },
});

const stateOf = (account: Account, more: Partial<BotState> = {}): BotState => ({
  record: { bot: "one", symbol: "BTCUSD", interval: "1h", startingCash: 1000, warmupFrom: bar, startBar: bar, account },
  ...{ version: "1", decision: null, replay: false, takenAt: new Map(), repairs: 0 },
  ...more,
});

describe("orders that wait for a later bar", () => {
  const cases: [string, Partial<BotState>, number, Order["status"], boolean][] = [
    ["one taken in at the bar's open", {}, 0, "accepted", false],
    ["one at the end of the window", {}, window, "accepted", false],
    ["one after the window", {}, window + 1, "accepted", true],
    ["one after the bar's close", {}, hour + 1, "accepted", true],
    ["one of a replay, years later", { replay: true }, 1e11, "accepted", false],
    ["a stop that works already", {}, hour, "working", false],
  ];
  for (const [name, more, after, status, withheld] of cases) {
    it(`${name}: ${withheld ? "waits" : "is worked"}`, () => {
      const account = { ...openAccount(1000), orders: [order("exit", status)] };
      const takenAt = new Map([["exit", candle.openTime + after]]);
      expect([...withheldOf(stateOf(account, { ...more, takenAt }), [arrived(1)], window)]).to.deep.equal(withheld ? ["exit"] : []);
    });
  }

  /** Handed in how long after the bar's open in truth, by a clock that is how far ahead; candles that follow and how long each took to arrive. */
  const clocks: [string, taken: number, ahead: number, delays: number[], withheld: boolean][] = [
    ["at once, by a clock that is an hour ahead", 1000, hour, [0], false],
    ["at once, by a clock that is an hour back", 1000, -hour, [0], false],
    ["at once, by a clock that is eight hours ahead, with a candle that took a while", 1000, 8 * hour, [60_000], false],
    ["after the window, by a clock that is an hour ahead", window + 1, hour, [0], true],
    ["after the window, by a clock that is an hour back", window + 1, -hour, [0], true],
    ["when three candles came at once after an outage", 3 * hour + 1000, 0, [2 * hour, hour, 0], true],
    ["when three candles came at once, by a clock that is an hour ahead", 3 * hour + 1000, hour, [2 * hour, hour, 0], true],
  ];
  for (const [name, taken, ahead, delays, withheld] of clocks) {
    it(`one handed in ${name}: ${withheld ? "waits" : "is worked"}`, () => {
      const account = { ...openAccount(1000), orders: [order("exit", "accepted")] };
      const takenAt = new Map([["exit", candle.openTime + taken + ahead]]);
      const candles = delays.map((delay, index) => arrived(1 + index, delay + ahead));
      expect([...withheldOf(stateOf(account, { takenAt }), candles, window)]).to.deep.equal(withheld ? ["exit"] : []);
    });
  }

  function arrived(number: number, delay = 0): ArrivedCandle {
    const openTime = bar + number * hour;
    return { ...candle, openTime, receivedAt: openTime + hour + delay };
  }
});

describe("an entry counts as done only with its protective stop", () => {
  const entered = (): BarResult => {
    const flat = { ...openAccount(1000), processedBar: bar };
    const enter: Order = { ...order("enter", "accepted"), action: "enter", side: "buy", stopPrice: 95 };
    return processBar({ ...flat, orders: [enter] }, candle, terms);
  };
  /** Touched by nothing that is refused. */
  const untouched = new Proxy({}, {
    get: () => {
      throw new Error("the database was asked");
    },
  }) as Database;
  const venueThat = (change: (result: BarResult) => BarResult): Venue => ({
    ...simulatedVenue(defaultExecution),
    workBar: () => Promise.resolve(change(entered())),
  });

  const broken: [string, (result: BarResult) => BarResult, string][] = [
    [
      "without a stop",
      (result) => ({ ...result, account: { ...result.account, orders: [] } }),
      "the venue reports a position without a working stop",
    ],
    [
      "with a stop that is only accepted",
      (result) => ({ ...result, account: { ...result.account, orders: result.account.orders.map((stop) => ({ ...stop, status: "accepted" as const })) } }),
      "the venue reports a position without a working stop",
    ],
    [
      "with a stop over less than it",
      (result) => ({ ...result, account: { ...result.account, orders: result.account.orders.map((stop) => ({ ...stop, quantity: 0.5 })) } }),
      "the venue reports a stop over 0.5 for a position of 1",
    ],
  ];
  for (const [name, change, message] of broken) {
    it(`writes nothing of a bar that ends ${name}`, async () => {
      const failure = await workBar(untouched, venueThat(change), stateOf(openAccount(1000)), candle, terms).catch((error: Error) => error);
      expect((failure as Error).message).to.equal(message);
    });
  }

  it("goes on to write what the simulation reports", async () => {
    const failure = await workBar(untouched, venueThat((result) => result), stateOf(openAccount(1000)), candle, terms).catch((error: Error) => error);
    expect((failure as Error).message).to.equal("the database was asked");
  });
});

describe("the simulated venue", () => {
  const venue = simulatedVenue(defaultExecution);

  it("holds what the account says", async () => {
    const { account } = processBar({ ...openAccount(1000), orders: [{ ...order("enter", "accepted"), action: "enter", side: "buy", stopPrice: 95 }] }, candle, terms);
    expect(await venue.standing(account)).to.deep.equal({ openOrders: ["enter-stop"], quantity: 1 });
    expect(await venue.standing(openAccount(1000))).to.deep.equal({ openOrders: [], quantity: 0 });
  });

  it("gives the same answer when it is asked again", async () => {
    const account = { ...openAccount(1000), processedBar: bar };
    const source = { clientOrderId: "a", bar, referencePrice: 100 };
    const intent = { action: "enter", quantity: 1, stopPrice: 95 } as const;
    const first = await venue.accept(account, intent, source);
    expect(await venue.accept(account, intent, source)).to.deep.equal(first);
    const worked = await venue.workBar(first.account, candle, terms);
    expect(await venue.workBar(first.account, candle, terms)).to.deep.equal(worked);
    expect(worked.fills).to.have.length(1);
  });
});
