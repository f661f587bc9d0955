import { expect } from "chai";
import { fractionAt, limitsAt, sizeLimitOf } from "../../../domain/canary";
import { defaultExecution } from "../../../domain/execution";

const until = Date.parse("2026-12-04T07:05:01Z");
const limits = {
  bot: { orderQuantity: 0.5, orderNotional: 12_000, positionQuantity: 1, positionNotional: 24_000, ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 },
  stack: { exposureNotional: 24_000, ordersPerHour: 100, ordersPerDay: 600 },
};
const less = {
  bot: { ...limits.bot, orderQuantity: 0.125, orderNotional: 3000, positionQuantity: 0.25, positionNotional: 6000 },
  stack: { ...limits.stack, exposureNotional: 6000 },
};

describe("the limits in the first days after a promotion", () => {
  const cases: [when: string, now: number, canary: { until: number; fraction: number } | null, expected: typeof limits][] = [
    ["are a part of the size, and all of the counts, at their beginning", until - 7 * 86_400_000, { until, fraction: 0.25 }, less],
    ["are that to the last millisecond", until - 1, { until, fraction: 0.25 }, less],
    ["are those of the file from their end on", until, { until, fraction: 0.25 }, limits],
    ["are those of the file where there are no such days", until - 1, null, limits],
    ["are the part where the clock says no time", Number.NaN, { until, fraction: 0.25 }, less],
  ];
  for (const [when, now, canary, expected] of cases) it(when, () => expect(limitsAt(limits, fractionAt(canary, now))).to.deep.equal(expected));

  it("stay missing where one is missing", () => {
    const missing = { bot: { ...limits.bot, orderQuantity: null }, stack: { ...limits.stack, exposureNotional: null } };
    const { bot, stack } = limitsAt(missing, 0.1);
    expect([bot.orderQuantity, stack.exposureNotional]).to.deep.equal([null, null]);
  });
});

describe("an entry in the first days after a promotion", () => {
  for (const [fraction, quantity, expected] of [
    [1, 0.30007, null],
    [0.1, 0.3, 0.03],
    [0.1, 0.30007, 0.03],
    [0.25, 0.12345, 0.03086],
    [0.1, 0.00009, 0],
  ] as const) {
    it(`may be filled up to ${expected} of ${quantity} at ${fraction}`, () => expect(sizeLimitOf(quantity, fraction, defaultExecution)).to.equal(expected));
  }

  it("has no size where the step cannot hold the quantity", () => expect(() => sizeLimitOf(1e12, 0.5, defaultExecution)).to.throw(RangeError));
});
