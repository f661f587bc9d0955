import { expect } from "chai";
import type { GuardFacts } from "../../../../domain/guard/facts";
import { judge } from "../../../../domain/guard/judge";
import { at, bot, drift, facts, feed, stack, thresholds } from "./facts";

const told = (given: GuardFacts) =>
  judge(given, thresholds).map(({ rule, bot: name, act }) => `${rule} ${name ?? "all"} ${act.kind === "halt" ? act.level : act.kind === "alert" ? act.severity : act.kind}`);

const equity = bot().equity!;
const undecided = bot().undecided!;
const parity = bot().parity!;

describe("the guard's rules", () => {
  const cases: readonly (readonly [name: string, facts: GuardFacts, told: readonly string[]])[] = [
    ["do nothing while every bound is exactly met", facts(), []],
    ["do nothing about a bot that nothing is known of", facts({ bots: [bot({ equity: null, bar: null, entryBar: null, exposure: 0, ordersLastHour: 0, undecided: null, parity: null })] }), []],

    ["kill a bot that lost too much in a day", facts({ bots: [bot({ equity: { ...equity, low: 9799, dayLow: 9799 } })] }), ["daily-loss one kill"]],
    ["kill a bot that fell too deep", facts({ bots: [bot({ equity: { ...equity, dayStart: 8800, peak: 10_000, low: 8799, dayLow: 8799 } })] }), ["drawdown one kill"]],
    ["take an equity that is no number for the worst", facts({ bots: [bot({ equity: { ...equity, low: NaN, dayLow: NaN } })] }), ["daily-loss one kill", "drawdown one kill"]],
    ["take a day that began with nothing for the worst", facts({ bots: [bot({ equity: { ...equity, dayStart: 0, low: 0, dayLow: 0 } })] }), ["daily-loss one kill", "drawdown one kill"]],
    ["do nothing about a gain", facts({ bots: [bot({ equity: { ...equity, low: 20_000, dayLow: 20_000 } })] }), []],

    ["let exits out only when positions are worth too much", facts({ bots: [bot({ exposure: 1250.01 })] }), ["exposure all reduce"]],
    ["add up the positions of all bots", facts({ bots: [bot({ exposure: 700 }), bot({ name: "two", exposure: 700 })] }), ["exposure all reduce"]],
    ["pause a bot that sends too many orders", facts({ bots: [bot({ ordersLastHour: 11 })] }), ["order-rate one pause"]],
    ["pause all bots that together send too many", facts({ stack: stack({ ordersLastHour: 101 }) }), ["order-rate all pause"]],

    ["kill every bot at once when the only feed is DOWN", facts({ feeds: [feed({ state: "DOWN" })] }), ["feed-down all kill"]],
    ["kill the bots of that market alone", facts({ feeds: [feed({ state: "DOWN" })], bots: [bot(), bot({ name: "two", symbol: "ETHUSDT", exposure: 0 })] }), ["feed-down one kill"]],
    ["do nothing at once about a feed that starts, was stopped or is over", facts({ feeds: (["starting", "stopped", "ended"] as const).map((phase) => feed({ state: "DOWN", phase })) }), []],
    ["kill after two minutes of a DEGRADED feed", facts({ feeds: [feed({ state: "DEGRADED", unwellFor: 120_001 })] }), ["feed-degraded all kill"]],
    ["kill after two minutes without a lease", facts({ feeds: [feed({ unwellFor: 120_001 })] }), ["feed-degraded all kill"]],
    ["kill after two minutes of a feed that was stopped", facts({ feeds: [feed({ phase: "stopped", state: "DOWN", unwellFor: 120_001 })] }), ["feed-degraded all kill"]],
    ["do nothing about a recording that is over", facts({ feeds: [feed({ phase: "ended", state: "DEGRADED", unwellFor: 1e9 })] }), []],
    ["say it once while a feed is DOWN for long", facts({ feeds: [feed({ state: "DOWN", unwellFor: 1e9 })] }), ["feed-down all kill"]],

    ["restart a bot that decides nothing", facts({ bots: [bot({ undecided: { ...undecided, waitedFor: 600_001 } })] }), ["no-decision one restart"]],
    ["pause it where that did not help", facts({ bots: [bot({ undecided: { ...undecided, waitedFor: 600_001, restarted: true } })] }), ["no-decision one pause"]],
    ["restart a bot that never decided", facts({ bots: [bot({ undecided: { decidedBar: null, waitedFor: 600_001, restarted: false } })] }), ["no-decision one restart"]],

    ["warn of a tracking error", facts({ bots: [bot({ parity: { ...parity, trackingError: 0.021 } })] }), ["tracking-error one warning"]],
    ["freeze deploys for a larger one", facts({ bots: [bot({ parity: { ...parity, trackingError: 0.051 } })] }), ["tracking-error one warning", "tracking-error one freeze"]],
    ["let exits out only for one that is larger still", facts({ bots: [bot({ parity: { ...parity, trackingError: 0.11 } })] }), ["tracking-error one warning", "tracking-error one freeze", "tracking-error one reduce"]],
    ["freeze deploys for one decision that differs", facts({ bots: [bot({ parity: { ...parity, frozen: true } })] }), ["decision-mismatch one freeze"]],
    ["freeze deploys for a verdict that says so", facts({ bots: [bot({ parity: { ...parity, verdict: "differs" } })] }), ["decision-mismatch one freeze"]],
    ["tell of books that do not fit together", facts({ bots: [bot({ mismatch: "one fill more" })] }), ["reconciliation one critical"]],
    ["tell of a drill that is overdue", facts({ stack: stack({ drill: { last: at - 36 * 86_400_000, firstStart: 0, now: at } }) }), ["halt-drill all warning"]],
    ["tell of a drill that never was", facts({ stack: stack({ drill: { last: null, firstStart: at - 36 * 86_400_000, now: at } }) }), ["halt-drill all warning"]],
    ["wait for the first drill as long as for any other", facts({ stack: stack({ drill: { last: null, firstStart: at - 35 * 86_400_000, now: at } }) }), []],
    ["want no drill in live", facts({ stack: stack({ drill: null }) }), []],
    ["tell of what is not as it was deployed", facts({ stack: stack({ drift: drift({ differences: 1, found: ["container a: image"] }) }) }), ["drift all warning"]],
    ["tell of it however long ago that was found", facts({ stack: stack({ drift: drift({ checked: 0, differences: 1, found: ["container a: image"] }) }) }), ["drift all warning"]],
    ["tell of a comparison that is overdue", facts({ stack: stack({ drift: drift({ checked: at - 7 * 86_400_000 - 1 }) }) }), ["drift all warning"]],
    ["tell of a comparison that never was", facts({ stack: stack({ drift: drift({ checked: null, firstStart: at - 8 * 86_400_000 }) }) }), ["drift all warning"]],
    ["wait for the first comparison as long as for any other", facts({ stack: stack({ drift: drift({ checked: null, firstStart: at - 7 * 86_400_000 }) }) }), []],
  ];
  for (const [name, given, expected] of cases) it(name, () => expect(told(given)).to.deep.equal(expected));

  const sameCause: readonly (readonly [name: string, one: GuardFacts, other: GuardFacts, same: boolean])[] = [
    ["a feed that is DOWN for longer", facts({ feeds: [feed({ state: "DOWN", reason: "a" })] }), facts({ feeds: [feed({ state: "DOWN", reason: "b", updatedAt: at + 1, unwellFor: 5 })] }), true],
    ["a feed that was well in between", facts({ feeds: [feed({ state: "DOWN" })] }), facts({ feeds: [feed({ state: "DOWN", since: at + 1 })] }), false],
    ["a drawdown that grows", facts({ bots: [bot({ equity: { ...equity, dayStart: 1, low: 8000, dayLow: 8000 } })] }), facts({ bots: [bot({ equity: { ...equity, dayStart: 1, low: 7000, dayLow: 7000 } })] }), true],
    ["a drawdown that is counted from a rearm", facts({ bots: [bot({ equity: { ...equity, dayStart: 1, low: 8000, dayLow: 8000 } })] }), facts({ bots: [bot({ equity: { ...equity, dayStart: 1, low: 8000, dayLow: 8000, drawdownSince: "INC-1" } })] }), false],
    ["a loss of the next day", facts({ bots: [bot({ equity: { ...equity, low: 9000, dayLow: 9000 } })] }), facts({ bots: [bot({ equity: { ...equity, low: 9000, dayLow: 9000, day: "2026-01-06" } })] }), false],
    ["the same positions at other prices", facts({ bots: [bot({ exposure: 1300 })] }), facts({ bots: [bot({ exposure: 1400 })] }), true],
    ["a position that was entered anew", facts({ bots: [bot({ exposure: 1300 })] }), facts({ bots: [bot({ exposure: 1300, entryBar: at + 1 })] }), false],
    ["a decision that is missing for longer", facts({ bots: [bot({ undecided: { ...undecided, waitedFor: 700_000 } })] }), facts({ bots: [bot({ undecided: { ...undecided, waitedFor: 800_000 } })] }), true],
    ["the next comparison", facts({ bots: [bot({ parity: { ...parity, frozen: true } })] }), facts({ bots: [bot({ parity: { ...parity, frozen: true, id: 8 } })] }), false],
  ];
  for (const [name, one, other, same] of sameCause) {
    it(`${same ? "see one cause in" : "see another cause in"} ${name}`, () => {
      const [first, second] = [judge(one, thresholds)[0]!, judge(other, thresholds)[0]!];
      expect(first.rule).to.equal(second.rule);
      expect(first.cause === second.cause).to.equal(same);
      for (const { cause } of [first, second]) expect(cause.length).to.be.lessThan(201);
    });
  }

  it("name the first of what is not as it was deployed, and how many there are", () => {
    const [verdict] = judge(facts({ stack: stack({ drift: drift({ differences: 21, found: ["a", "b", "c", "d"].map((name) => `container ${name}: memory`) }) }) }), thresholds);
    expect(verdict!.reason).to.match(/^what runs is not what was deployed: container a: memory, container b: memory, container c: memory, and 18 more\. `npx trading drift` shows it/);
    expect(verdict!.numbers).to.deep.equal({ differences: 21 });
  });

  it("give numbers and words with each verdict", () => {
    const [verdict] = judge(facts({ bots: [bot({ equity: { ...equity, low: 9000, dayLow: 9000 } })] }), thresholds);
    expect(verdict!.numbers).to.deep.equal({ loss: 0.1, limit: 0.02, from: 10_000, to: 9000 });
    expect(verdict!.reason).to.equal("one lost 10 % since 2026-01-05 00:00 UTC (10000.00 to 9000.00); allowed: 2 %");
  });
});
