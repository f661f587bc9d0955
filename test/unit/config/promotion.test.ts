import { expect } from "chai";
import { limitsOf } from "../../../config/promotionSchema";
import { parseStackConfiguration } from "../../../config/stackConfiguration";
import { LIMITS } from "../../../domain/promotion/limits";

const base = { portBase: 8500, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits: { orderQuantity: 1, orderNotional: 12_000 } }] };

function live(promotion: unknown) {
  const configuration = parseStackConfiguration("live", { ...base, mode: "live", promotion });
  if (configuration.mode !== "live") throw new Error("not live");
  return configuration.promotion;
}

describe("what a stack's file says of promotions", () => {
  it("asks for what research asks for where it says nothing", () => {
    expect(limitsOf(live({}))).to.deep.equal(LIMITS);
    expect(live({}).reason).to.equal(undefined);
  });

  it("may ask for more without a word", () => {
    expect(live({ paper: { days: 90 }, canary: { days: 14, fraction: 0.05 } }).paper).to.deep.equal({ days: 90, trades: 5, maxDrawdown: 0.1, standardErrors: -1 });
  });

  it("may ask for less with a reason", () => {
    expect(live({ paper: { days: 7 }, reason: "A strategy that trades every hour" })).to.deep.include({ reason: "A strategy that trades every hour" });
  });

  const wrong: [what: string, promotion: unknown, line: string][] = [
    ["less without a reason", { paper: { days: 7 } }, "  trading:promotion.reason = nothing: paper.days = 7 (30 by default) asks for less than by default; allowed: a sentence that says why"],
    ["larger canaries without a reason", { canary: { days: 1, fraction: 1 } }, "  trading:promotion.reason = nothing: canary.days = 1 (7 by default), canary.fraction = 1 (0.1 by default) ask for less than by default; allowed: a sentence that says why"],
    ["a reason that is none", { paper: { days: 7 }, reason: "  ok  " }, '  trading:promotion.reason = "  ok  ": allowed: at least 10 characters'],
    ["no days at all", { paper: { days: 0 }, reason: "because I say so" }, "  trading:promotion.paper.days = 0: allowed: at least 1"],
    ["decisions that mostly differ", { parity: { decisionMatch: 0.5 }, reason: "because I say so" }, "  trading:promotion.parity.decisionMatch = 0.5: allowed: at least 0.95"],
    ["a restore test once a year", { operations: { restoreTestDays: 365 }, reason: "because I say so" }, "  trading:promotion.operations.restoreTestDays = 365: allowed: at most 100"],
    ["more than the limits in the first days", { canary: { fraction: 10 } }, "  trading:promotion.canary.fraction = 10: allowed: at most 1"],
    ["an unknown condition", { paper: { month: 1 } }, "  trading:promotion.paper.month = 1: unknown key; allowed here: days, trades, maxDrawdown, standardErrors"],
  ];
  for (const [what, promotion, line] of wrong) it(`is refused with ${what}`, () => expect(() => live(promotion)).to.throw(line));

  it("is of live alone", () => expect(() => parseStackConfiguration("paper", { ...base, mode: "paper", promotion: {} })).to.throw("trading:promotion = {}: unknown key"));
});
