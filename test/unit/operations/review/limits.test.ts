import { expect } from "chai";
import { limitChanges } from "../../../../operations/review/limits";

const limits = { orderQuantity: 1, orderNotional: 1000, positionQuantity: 1, positionNotional: 1000, ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 };
const guard = { enabled: true, dailyLossShare: 0.02, drawdownShare: 0.12, exposureShare: 1.25, feedDegradedSeconds: 120, decisionMinutes: 10, trackingErrorWarnShare: 0.02, trackingErrorFreezeShare: 0.05, trackingErrorReduceShare: 0.1, clockSeconds: 2, haltDrillDays: 35 };
const stack = { bots: [{ name: "a", limits }], limits: { exposureNotional: 1000, ordersPerHour: 100, ordersPerDay: 600 }, broker: { priceCollar: 0.02, feeRate: 0.001 }, guard, promotion: { canary: { days: 7, fraction: 0.1 } } };

/** The stack with one value put in the place of another; undefined takes it away. */
function withValue(path: string, value: unknown): object {
  const changed = structuredClone(stack) as Record<string, any>;
  const keys = path.replace(/^bots\.a/, "bots.0").split(".");
  const last = keys.pop()!;
  const inner = keys.reduce((part, key) => part[key], changed);
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return changed;
}

describe("risk limits", () => {
  it("are not raised where nothing differs", () => expect(limitChanges(stack, structuredClone(stack))).to.deep.equal([]));

  const everyLimit = [...Object.keys(limits).map((key) => `bots.a.limits.${key}`), ...Object.keys(stack.limits).map((key) => `limits.${key}`), "broker.priceCollar", "promotion.canary.days", "promotion.canary.fraction", ...Object.keys(guard).filter((key) => key !== "enabled").map((key) => `guard.${key}`)];
  for (const path of everyLimit) {
    it(`${path} counts in the direction in which more can be lost`, () => {
      const value = path.split(".").reduce<any>((part, key) => (key === "bots" ? part.bots[0] : key === "a" ? part : part[key]), stack) as number;
      const [more, less] = [limitChanges(stack, withValue(path, value * 2)), limitChanges(stack, withValue(path, value / 2))];
      const riskierIsLower = path.endsWith("secondsBetweenEntries") || path === "promotion.canary.days";
      expect(more).to.have.length(1);
      expect(more[0]).to.include({ key: path, before: value, after: value * 2, raised: !riskierIsLower });
      expect(less[0]).to.include({ key: path, after: value / 2, raised: riskierIsLower });
    });
  }

  for (const [name, before, after, expected] of [
    ["a guard that is turned off is a raise", stack, withValue("guard.enabled", false), { "guard.enabled": true }],
    ["a guard that is turned on is none", withValue("guard.enabled", false), stack, { "guard.enabled": false }],
    ["a bound that is taken away is a raise", stack, withValue("limits.exposureNotional", undefined), { "limits.exposureNotional": true }],
    ["a bound that is put where there was none may let something in", withValue("limits.exposureNotional", undefined), stack, { "limits.exposureNotional": true }],
    ["what is no limit does not count", stack, withValue("broker.feeRate", 0.05), {}],
    ["a bot that is gone can lose nothing", { ...stack, bots: [...stack.bots, { name: "b", limits: { orderQuantity: 5 } }] }, stack, { "bots.b.limits.orderQuantity": false }],
    ["a bot that is new may lose what could not be lost before", stack, { ...stack, bots: [...stack.bots, { name: "b", limits: { orderQuantity: 5 } }] }, { "bots.b.limits.orderQuantity": true }],
    ["bots are told apart by name, not by place", { ...stack, bots: [...stack.bots, { name: "b", limits: { orderQuantity: 5 } }] }, { ...stack, bots: [{ name: "b", limits: { orderQuantity: 5 } }, ...stack.bots] }, {}],
  ] as const) {
    it(name, () => expect(Object.fromEntries(limitChanges(before, after).map(({ key, raised }) => [key, raised]))).to.deep.equal(expected));
  }

  it("of a stack that is new are all raised, and of one that is gone none", () => {
    expect(limitChanges(null, stack).filter(({ key }) => key !== "guard.enabled").every(({ raised }) => raised)).to.equal(true);
    expect(limitChanges(stack, null).some(({ raised }) => raised)).to.equal(false);
  });

  it("are told in words", () => {
    expect(limitChanges(stack, withValue("bots.a.limits.positionQuantity", 2))[0]).to.deep.equal({ key: "bots.a.limits.positionQuantity", words: "max position of a", before: 1, after: 2, raised: true });
  });
});
