import { expect } from "chai";
import type { AccountRecord } from "../../../../services/shared/accountRecord";
import type { IntentFacts } from "../../../../services/broker/entryFacts";
import { refusalOf, type Terms } from "../../../../services/broker/entryRule";
import type { IntentRequest } from "../../../../services/broker/intents";
import { openAccount, type Intent } from "../../../../domain/orders";

const hour = 3_600_000;
const bar = Date.UTC(2024, 0, 2, 12);
const close = bar + hour;

const record: AccountRecord = {
  ...{ bot: "one", symbol: "BTCUSD", interval: "1h", startingCash: 10_000, warmupFrom: 0, startBar: bar - 10 * hour },
  account: { ...openAccount(10_000), processedBar: bar },
};
const enter: Intent = { action: "enter", quantity: 1, stopPrice: 90 };
const exit: Intent = { action: "exit" };
const moveStop: Intent = { action: "moveStop", stopPrice: 95 };
const request = (intent: Intent, at = bar): IntentRequest => ({ clientOrderId: "id", bar: at, intent });

const facts: IntentFacts = {
  ...{ now: close + 2000, replay: false, lease: null, feedState: "HEALTHY", decision: "this" },
  risk: {
    ...{ trustedClose: 100, positionQuantity: 0, exposure: 0, lastEntryBar: null },
    ...{ botOrders: { lastHour: 0, lastDay: 0 }, stackOrders: { lastHour: 0, lastDay: 0 } },
  },
};
const terms: Terms = {
  limits: {
    ...{ orderQuantity: 1, orderNotional: 100, positionQuantity: 1, positionNotional: 100 },
    ...{ ordersPerHour: 1, ordersPerDay: 1, secondsBetweenEntries: 0 },
  },
  stackLimits: { exposureNotional: 100, ordersPerHour: 1, ordersPerDay: 1 },
  ...{ windowMilliseconds: 300_000, mismatch: null, leaseRefusal: null },
};

const entries: [string, Partial<IntentFacts>, Partial<Terms>, string | null][] = [
  ["with all in order", {}, {}, null],
  ["at the end of the window", { now: close + 300_000 }, {}, null],
  ["after the window", { now: close + 300_001 }, {}, "too late"],
  ["with the clock an hour ahead", { now: close + hour + 2000 }, {}, "too late"],
  ["as early as the window is long", { now: close - 300_000 }, {}, null],
  ["before that", { now: close - 300_001 }, {}, "clock"],
  ["with the clock an hour back", { now: close - hour + 2000 }, {}, "clock"],
  ["years after the window, in a replay", { now: close + 1e11, replay: true }, {}, null],
  ["without the lease", {}, { leaseRefusal: "no entry without the feed's lease: why" }, "no lease"],
  ["on a bar that the feed was DEGRADED on", { feedState: "DEGRADED" }, {}, "feed state"],
  ["on a bar that the feed was DOWN on", { feedState: "DOWN" }, {}, "feed state"],
  ["on a bar without a candle", { feedState: null }, {}, "feed state"],
  ["without a decision", { decision: "none" }, {}, "no decision"],
  ["with a decision on something else", { decision: "another" }, {}, "no decision"],
  ["while the books do not fit together", {}, { mismatch: "why" }, "reconciliation"],
  ["above a limit", {}, { limits: { ...terms.limits, orderQuantity: 0.5 } }, "order quantity"],
  ["above a limit of the stack", {}, { stackLimits: { ...terms.stackLimits, exposureNotional: 50 } }, "stack exposure"],
  ["with a limit missing", {}, { limits: { ...terms.limits, ordersPerDay: null } }, "no limit"],
  ["without a trusted close", { risk: { ...facts.risk, trustedClose: null } }, {}, "no price"],
];

/** All that keeps an entry out. */
const worst: Partial<IntentFacts> = { now: close + 1e9, feedState: "DOWN", risk: { ...facts.risk, trustedClose: null, exposure: null } };
const worstTerms: Terms = {
  ...terms,
  ...{ limits: { ...terms.limits, orderQuantity: null }, mismatch: "why", leaseRefusal: "no entry without the feed's lease" },
};

describe("what the broker refuses", () => {
  for (const [name, changed, otherTerms, kind] of entries) {
    it(`an entry ${name}: ${kind ?? "let through"}`, () => {
      const refusal = refusalOf(record, request(enter), { ...facts, ...changed }, { ...terms, ...otherTerms });
      expect(refusal?.kind ?? null).to.equal(kind);
      expect(refusal?.reason ?? "why").to.match(/\S/);
    });
  }

  for (const intent of [exit, moveStop]) {
    it(`lets ${intent.action} through whatever the feed, the clock, the limits and the books say`, () => {
      for (const now of [close + 1e9, close - 1e9]) expect(refusalOf(record, request(intent), { ...facts, ...worst, now }, worstTerms)).to.equal(null);
    });

    it(`does not take ${intent.action} without its decision`, () => {
      expect(refusalOf(record, request(intent), { ...facts, decision: "none" }, terms)).to.deep.equal({
        kind: "no decision",
        reason: "there is no decision on bar 2024-01-02T12:00:00.000Z: it is written first, with this very intent",
      });
    });
  }

  for (const intent of [enter, exit, moveStop]) {
    it(`does not take ${intent.action} on a bar that is over`, () => {
      expect(refusalOf(record, request(intent, bar - hour), facts, terms)).to.deep.equal({
        kind: "too late",
        reason: "too late: decided on bar 2024-01-02T11:00:00.000Z, but the account is at 2024-01-02T12:00:00.000Z",
      });
    });
  }

  it("says how late an entry is", () => {
    expect(refusalOf(record, request(enter), { ...facts, now: close + 425_000 }, terms)!.reason).to.equal(
      "too late: handed in 425 s after the bar's close, entries have 300 s",
    );
    expect(refusalOf(record, request(enter), { ...facts, now: close - 3_598_000 }, terms)!.reason).to.equal(
      "no entry by a clock that is wrong: the database's says that the bar closes only in 3598 s",
    );
  });
});
