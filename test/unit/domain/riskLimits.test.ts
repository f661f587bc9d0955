import { expect } from "chai";
import { checkEntry, type BotRiskLimits, type Entry, type RiskFacts, type StackRiskLimits } from "../../../domain/riskLimits";

const bar = Date.UTC(2024, 0, 2, 12);
const hour = 3_600_000;

const entry: Entry = { bar, quantity: 2, stopPrice: 90 };
const facts: RiskFacts = {
  trustedClose: 100,
  positionQuantity: 1,
  exposure: 1000,
  botOrders: { lastHour: 1, lastDay: 5 },
  stackOrders: { lastHour: 10, lastDay: 50 },
  lastEntryBar: bar - 3 * hour,
};
/** Every bound exactly met: nothing may be a hair tighter. */
const limits: { bot: BotRiskLimits; stack: StackRiskLimits } = {
  bot: {
    orderQuantity: 2,
    orderNotional: 200,
    positionQuantity: 3,
    positionNotional: 300,
    ordersPerHour: 2,
    ordersPerDay: 6,
    secondsBetweenEntries: 10_800,
  },
  stack: { exposureNotional: 1200, ordersPerHour: 11, ordersPerDay: 51 },
};

interface Change {
  entry?: Partial<Entry>;
  facts?: Partial<RiskFacts>;
  bot?: Partial<BotRiskLimits>;
  stack?: Partial<StackRiskLimits>;
}

const judge = (change: Change) =>
  checkEntry({ ...entry, ...change.entry }, { ...facts, ...change.facts }, {
    bot: { ...limits.bot, ...change.bot },
    stack: { ...limits.stack, ...change.stack },
  });

const refused: [name: string, change: Change, kind: string, reason: string][] = [
  ["a quantity above its limit", { bot: { orderQuantity: 1.99999 } }, "order quantity", "the order quantity would be 2, the limit is 1.99999"],
  ["a notional above its limit", { bot: { orderNotional: 199.99 } }, "order notional", "the order notional would be 200, the limit is 199.99"],
  ["a position above its limit", { bot: { positionQuantity: 2.99 } }, "position quantity", "the resulting position quantity would be 3, the limit is 2.99"],
  ["a position worth more than its limit", { bot: { positionNotional: 299 } }, "position notional", "the resulting position notional would be 300, the limit is 299"],
  ["more exposure than the stack may have", { stack: { exposureNotional: 1199 } }, "stack exposure", "the exposure of all bots would be 1200, the limit is 1199"],
  ["one order too many in an hour", { bot: { ordersPerHour: 1 } }, "orders per hour", "the number of orders in an hour would be 2, the limit is 1"],
  ["one order too many in a day", { bot: { ordersPerDay: 5 } }, "orders per day", "the number of orders in a day would be 6, the limit is 5"],
  ["one order too many of all bots in an hour", { stack: { ordersPerHour: 10 } }, "stack orders per hour", "the number of orders of all bots in an hour would be 11, the limit is 10"],
  ["one order too many of all bots in a day", { stack: { ordersPerDay: 50 } }, "stack orders per day", "the number of orders of all bots in a day would be 51, the limit is 50"],
  ["an entry too soon after the last", { bot: { secondsBetweenEntries: 10_801 } }, "time between entries", "the last entry was decided on 10800 s of market time before, the limit is 10801 s"],
  ["a stop at the close", { entry: { stopPrice: 100 } }, "stop price", "the stop price 100 is not below the last close, 100"],
  ["a stop above the close", { entry: { stopPrice: 100.01 } }, "stop price", "the stop price 100.01 is not below the last close, 100"],
  ["a stop out of reach", { entry: { stopPrice: 49.99 } }, "stop price", "the stop price 49.99 is below 50, half of the last close"],
  ["no trusted close", { facts: { trustedClose: null } }, "no price", "no entry without a trusted close of bar 2024-01-02T12:00:00.000Z"],
  ["a trusted close that is none", { facts: { trustedClose: Number.NaN } }, "no price", "no entry without a trusted close of bar 2024-01-02T12:00:00.000Z"],
  ["a trusted close of zero", { facts: { trustedClose: 0 } }, "no price", "no entry without a trusted close of bar 2024-01-02T12:00:00.000Z"],
  ["a position somewhere without a price", { facts: { exposure: null } }, "no price", "no entry while an open position of the stack has no price"],
  ["an exposure that is no number", { facts: { exposure: Number.NaN } }, "no price", "no entry while an open position of the stack has no price"],
  ["a quantity of NaN", { entry: { quantity: Number.NaN } }, "not finite", "quantity NaN is not a positive number"],
  ["an infinite quantity", { entry: { quantity: Number.POSITIVE_INFINITY } }, "not finite", "quantity Infinity is not a positive number"],
  ["a negative quantity", { entry: { quantity: -1 } }, "not finite", "quantity -1 is not a positive number"],
  ["a stop price of NaN", { entry: { stopPrice: Number.NaN } }, "not finite", "stop price NaN is not a positive number"],
  ["a stop price of zero", { entry: { stopPrice: 0 } }, "not finite", "stop price 0 is not a positive number"],
  ["counts that are no numbers", { facts: { botOrders: { lastHour: Number.NaN, lastDay: 0 } } }, "orders per hour", "the number of orders in an hour would be NaN, the limit is 2"],
];

const allowed: [name: string, change: Change][] = [
  ["every bound exactly met", {}],
  ["a stop just below the close", { entry: { stopPrice: 99.99 } }],
  ["a stop just within reach", { entry: { stopPrice: 50 } }],
  ["a first entry", { facts: { lastEntryBar: null, positionQuantity: 0 } }],
  ["an exposure of nothing", { facts: { exposure: 0 } }],
  ["no pause asked for, in the same bar", { facts: { lastEntryBar: bar }, bot: { secondsBetweenEntries: 0 } }],
];

describe("the limits of an entry", () => {
  for (const [name, change, kind, reason] of refused) {
    it(`refuse ${name}`, () => expect(judge(change)).to.deep.equal({ kind, reason }));
  }

  for (const [name, change] of allowed) {
    it(`allow ${name}`, () => expect(judge(change)).to.equal(null));
  }

  for (const key of Object.keys(limits.bot) as (keyof BotRiskLimits)[]) {
    it(`refuse everything while ${key} is missing`, () => expect(judge({ bot: { [key]: null } })).to.include({ kind: "no limit" }));
  }

  for (const key of Object.keys(limits.stack) as (keyof StackRiskLimits)[]) {
    it(`refuse everything while the stack's ${key} is missing`, () => expect(judge({ stack: { [key]: null } })).to.include({ kind: "no limit" }));
  }

  it("refuse a hundred times the size by more than one bound", () => {
    expect(judge({ entry: { quantity: 200 } })).to.include({ kind: "order quantity" });
    expect(judge({ entry: { quantity: 200 }, bot: { orderQuantity: 1e9 } })).to.include({ kind: "order notional" });
    const bot = { orderQuantity: 1e9, orderNotional: 1e9 };
    expect(judge({ entry: { quantity: 200 }, bot })).to.include({ kind: "position quantity" });
    expect(judge({ entry: { quantity: 200 }, bot: { ...bot, positionQuantity: 1e9, positionNotional: 1e9 } })).to.include({ kind: "stack exposure" });
  });
});
