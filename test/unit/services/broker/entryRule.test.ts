import { expect } from "chai";
import type { AccountRecord } from "../../../../services/shared/accountRecord";
import type { IntentFacts } from "../../../../services/broker/entryFacts";
import { refusalOf, type RejectionKind, type Terms } from "../../../../services/broker/entryRule";
import type { IntentRequest } from "../../../../services/broker/intents";
import { HALT_LEVELS, type HaltLevel } from "../../../../control/levels";
import type { Standing } from "../../../../control/standing";
import { openAccount, type Intent, type Order } from "../../../../domain/orders";

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
  ...{ now: close + 2000, replay: false, lease: null, guard: null, feedState: "HEALTHY", decision: "this" },
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
  canary: null,
  ...{ windowMilliseconds: 300_000, mismatch: null, leaseRefusal: null, guardRefusal: null },
  standing: { level: null, incidents: [], reason: null },
};
const haltedAt = (level: HaltLevel): Standing => ({ level, incidents: ["INC-1"], reason: `halted at level ${level} since now (INC-1): the test` });

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
  ["without the guard's lease", {}, { guardRefusal: "no entry without the guard's lease: why" }, "no guard lease"],
  ["without any lease", {}, { leaseRefusal: "no entry without the feed's lease: why", guardRefusal: "why" }, "no lease"],
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
  ...{ limits: { ...terms.limits, orderQuantity: null }, mismatch: "why", leaseRefusal: "no entry without the feed's lease", guardRefusal: "no entry without the guard's lease" },
};

describe("what the broker refuses", () => {
  for (const [name, changed, otherTerms, kind] of entries) {
    it(`an entry ${name}: ${kind ?? "let through"}`, () => {
      const refusal = refusalOf(record, request(enter), { ...facts, ...changed }, { ...terms, ...otherTerms });
      expect(refusal?.kind ?? null).to.equal(kind);
      expect(refusal?.reason ?? "why").to.match(/\S/);
    });
  }

  describe("in the first days after a promotion", () => {
    const canary = { until: close + 3000, fraction: 0.5 };
    const of = (intent: Intent, now: number, more: Partial<Terms> = {}) => refusalOf(record, request(intent), { ...facts, now }, { ...terms, canary, ...more });
    const twice: Intent = { action: "enter", quantity: 2, stopPrice: 90 };

    it("is an entry beyond a limit, of which both are a part, and is told why", () => {
      expect(of(twice, close + 2999)).to.deep.equal({
        kind: "order quantity",
        reason: "the order quantity would be 1, the limit is 0.5: 0.5 of what was decided and of what is configured, until 2024-01-02T13:00:03.000Z, in the first days after a promotion",
      });
    });
    it("is no entry that is within the limits on paper", () => expect(of(enter, close + 2999)).to.equal(null));
    it("is told in plain words when they are over", () => expect(of(twice, close + 3000)?.reason).to.equal("the order quantity would be 2, the limit is 1"));
    it("is an entry where all bots have more open already than the part allows", () => {
      const open = { ...facts, now: close, risk: { ...facts.risk, exposure: 1 } };
      expect(refusalOf(record, request(enter), open, { ...terms, canary })?.kind).to.equal("stack exposure");
    });
    it("is what another limit refuses, in its own words", () => {
      expect(of(enter, close, { limits: { ...terms.limits, ordersPerDay: null } })?.reason).to.equal("no entry without a limit of the number of orders in a day");
    });
    it("is no exit, and no move of a stop", () => {
      for (const intent of [exit, moveStop]) expect(of(intent, close)).to.equal(null);
    });
  });

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

  describe("under a halt", () => {
    const stop: Order = { clientOrderId: "e-stop", bar, action: "stop", side: "sell", type: "stop", quantity: 1, sizeLimit: null, stopPrice: 90, referencePrice: 100, status: "working", reason: null };
    const holding: AccountRecord = { ...record, account: { ...record.account, position: { quantity: 1, entryPrice: 100, entryBar: bar, entryFee: 0.1 }, orders: [stop] } };
    const higher: Intent = { action: "moveStop", stopPrice: 91 };
    const same: Intent = { action: "moveStop", stopPrice: 90 };
    const lower: Intent = { action: "moveStop", stopPrice: 89 };

    const table: [string, AccountRecord, Intent, Readonly<Record<HaltLevel, boolean>>][] = [
      ["an entry", record, enter, { pause: false, reduce: false, kill: false }],
      ["an exit", holding, exit, { pause: true, reduce: true, kill: false }],
      ["a stop that rises", holding, higher, { pause: true, reduce: true, kill: false }],
      ["a stop that stays", holding, same, { pause: true, reduce: false, kill: false }],
      ["a stop that falls", holding, lower, { pause: true, reduce: false, kill: false }],
      ["a stop without a position", record, higher, { pause: true, reduce: false, kill: false }],
    ];
    for (const [name, of, intent, lets] of table) {
      for (const level of HALT_LEVELS) {
        it(`${name} at level ${level}: ${lets[level] ? "let through" : "halted"}`, () => {
          const expected = lets[level] ? null : { kind: "halted", reason: `halted at level ${level} since now (INC-1): the test` };
          expect(refusalOf(of, request(intent), facts, { ...terms, standing: haltedAt(level) })).to.deep.equal(expected);
        });
      }
    }

    it("is told before anything else that is wrong, one thing taken away after the other", () => {
      const wrong: [RejectionKind, AccountRecord, Partial<IntentFacts>, Partial<Terms>][] = [
        ["halted", record, { ...worst, decision: "none" }, { ...worstTerms, standing: haltedAt("pause") }],
        ["too late", record, { ...worst, decision: "none" }, worstTerms],
        ["no lease", record, { ...worst, decision: "none" }, worstTerms],
        ["no guard lease", record, { ...worst, decision: "none" }, { ...worstTerms, leaseRefusal: null }],
        ["feed state", record, { ...worst, decision: "none" }, { ...worstTerms, leaseRefusal: null, guardRefusal: null }],
      ];
      for (const [kind, of, changed, otherTerms] of wrong) {
        const at = kind === "halted" || kind === "too late" ? bar - hour : bar;
        expect(refusalOf(of, request(enter, at), { ...facts, ...changed }, { ...terms, ...otherTerms })?.kind).to.equal(kind);
      }
    });

    it("says that it is halted when only exits are let out since nothing can be read, and tells no novel", () => {
      const unknown: Standing = { level: "reduce", incidents: [], reason: "whether trading is halted cannot be read (it is gone): exits only" };
      expect(refusalOf(record, request(enter), facts, { ...terms, standing: unknown })).to.deep.equal({
        kind: "halted",
        reason: "halted: whether trading is halted cannot be read (it is gone): exits only",
      });
      const long = refusalOf(record, request(enter), facts, { ...terms, standing: { ...haltedAt("kill"), reason: `halted ${"x".repeat(2000)}` } })!.reason;
      expect(long).to.have.length(300).and.match(/^halted x+…$/);
    });
  });

  it("says how late an entry is", () => {
    expect(refusalOf(record, request(enter), { ...facts, now: close + 425_000 }, terms)!.reason).to.equal(
      "too late: handed in 425 s after the bar's close, entries have 300 s",
    );
    expect(refusalOf(record, request(enter), { ...facts, now: close - 3_598_000 }, terms)!.reason).to.equal(
      "no entry by a clock that is wrong: the database's says that the bar closes only in 3598 s",
    );
  });
});
