import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { defaultExecution, processBar, type BarResult } from "../../../../domain/execution";
import { openAccount, type Account, type Order } from "../../../../domain/orders";
import { HALT_LEVELS, type HaltLevel } from "../../../../control/levels";
import type { Standing } from "../../../../control/standing";
import { withheldOf, workBar, type BotState } from "../../../../services/broker/barWork";
import type { ArrivedCandle } from "../../../../services/broker/CandleReader";
import { simulatedVenue, type Venue } from "../../../../services/broker/venue";
import type { Database } from "../../../../services/shared/database";
import { free, scriptedDatabase } from "./support";

const bar = Date.UTC(2024, 0, 1);
const hour = 3_600_000;
const window = 300_000;
const terms = { interval: hour, withheld: new Set<string>(), passedStop: null };
const candle: Candle = { openTime: bar + hour, open: 100, high: 101, low: 99, close: 100, volume: 1 };

const order = (clientOrderId: string, status: Order["status"]): Order => ({
  ...{ clientOrderId, bar, action: "exit", side: "sell", type: "market", quantity: 1, sizeLimit: null, stopPrice: null, referencePrice: 100 },
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
      const failure = await workBar(untouched, venueThat(change), stateOf(openAccount(1000)), candle, terms, () => free).catch((error: Error) => error);
      expect((failure as Error).message).to.equal(message);
    });
  }

  it("goes on to write what the simulation reports", async () => {
    const failure = await workBar(untouched, venueThat((result) => result), stateOf(openAccount(1000)), candle, terms, () => free).catch((error: Error) => error);
    expect((failure as Error).message).to.equal("the database was asked");
  });
});

describe("a halt", () => {
  const at = (level: HaltLevel): Standing => ({ level, incidents: ["INC-1"], reason: `halted at level ${level}: the test` });
  const stop: Order = { ...order("e-stop", "working"), action: "stop", type: "stop", stopPrice: 90 };
  const position = { quantity: 1, entryPrice: 100, entryBar: bar, entryFee: 0.1 };
  const flat = (waiting: Order): Account => ({ ...openAccount(1000), processedBar: bar, orders: [waiting] });
  const holding = (...waiting: Order[]): Account => ({ cash: 900, processedBar: bar, position, orders: [stop, ...waiting] });
  const enter: Order = { ...order("o", "accepted"), action: "enter", side: "buy", stopPrice: 95 };
  const exit: Order = order("o", "accepted");
  const moveStop: Order = { ...order("o", "accepted"), action: "moveStop", type: "stop", stopPrice: 95 };
  const end: ("commit" | "rollback")[] = [];
  const database = scriptedDatabase((text) => (text.includes("UPDATE accounts") ? [{ pg_notify: "" }] : []), (how) => end.push(how));
  const work = (account: Account, look: () => Standing, of = candle) => workBar(database, simulatedVenue(defaultExecution), stateOf(account), of, terms, look);
  beforeEach(() => end.splice(0));

  const table: [string, Account, Readonly<Record<HaltLevel, boolean>>, Order["status"]][] = [
    ["an entry", flat(enter), { pause: false, reduce: false, kill: false }, "filled"],
    ["an exit", holding(exit), { pause: true, reduce: true, kill: false }, "filled"],
    ["a stop that is to rise", holding(moveStop), { pause: true, reduce: true, kill: false }, "working"],
  ];
  for (const [name, account, lets, done] of table) {
    it(`none: ${name} is worked`, async () => {
      expect((await work(account, () => free))!.orderUpdates.find(({ clientOrderId }) => clientOrderId === "o")).to.include({ status: done, reason: null });
    });
    for (const level of HALT_LEVELS) {
      it(`at level ${level}: ${name} that was accepted is ${lets[level] ? "worked" : "cancelled"}`, async () => {
        const result = (await work(account, () => at(level)))!;
        const own = result.orderUpdates.find(({ clientOrderId }) => clientOrderId === "o");
        if (lets[level]) expect(own).to.include({ status: done, reason: null });
        else {
          expect(own).to.include({ status: "cancelled", reason: `halted at level ${level}: the test` });
          expect(result.fills).to.deep.equal([]);
          expect(result.account).to.deep.include({ position: account.position, cash: account.cash });
          expect(result.account.orders, "the protective stop stays").to.deep.equal(account.orders.filter(({ status }) => status === "working"));
        }
        expect(end).to.deep.equal(["commit"]);
      });
    }
  }

  it("at level kill leaves the protective stop to fill, in the very bar in which an exit and a higher stop are cancelled", async () => {
    for (const waiting of [[], [exit], [moveStop]]) {
      const result = (await work(holding(...waiting), () => at("kill"), { ...candle, low: 89 }))!;
      expect(result.fills.map(({ clientOrderId, reason, price }) => [clientOrderId, reason, price])).to.deep.equal([["e-stop", "stop", 89.95]]);
    }
  });

  it("that comes while a bar is written has all of it taken back, and the bar worked anew", async () => {
    const looks: (HaltLevel | null)[] = [null, "kill"];
    const look = () => {
      const level = looks.shift();
      return level === null ? free : at(level ?? "kill");
    };
    expect(await work(flat(enter), look)).to.equal(null);
    expect(end).to.deep.equal(["rollback"]);
    expect((await work(flat(enter), look))!.orderUpdates.map(({ status }) => status)).to.deep.equal(["cancelled"]);
  });

  it("that is lifted while a bar is written has it worked anew as well", async () => {
    const looks = [at("pause"), free];
    expect(await work(flat(enter), () => looks.shift()!)).to.equal(null);
    expect(end).to.deep.equal(["rollback"]);
  });

  it("is not looked for when no order waits", async () => {
    const never = (): Standing => {
      throw new Error("looked");
    };
    expect((await work(holding(), never, { ...candle, low: 89 }))!.fills).to.have.length(1);
  });

  it("takes nothing for taken back that failed by itself", async () => {
    const failing = scriptedDatabase(() => {
      throw new Error("trouble");
    });
    const failure = await workBar(failing, simulatedVenue(defaultExecution), stateOf(flat(enter)), candle, terms, () => free).catch((error: Error) => error);
    expect((failure as Error).message).to.equal("trouble");
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
    const worked = await venue.workBar(first.account, candle, { ...terms, halted: new Map() });
    expect(await venue.workBar(first.account, candle, { ...terms, halted: new Map() })).to.deep.equal(worked);
    expect(worked.fills).to.have.length(1);
  });
});
