import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokerSettings, readTokens } from "../../../../services/broker/settings";
import { TokenCheck } from "../../../../services/broker/tokens";
import { parseSettings } from "../../../../services/shared/settings";

const bot = {
  ...{ name: "one", symbol: "BTCUSD", interval: "1h", startingCash: 10_000, strategy: "RefStrat_01" },
  ...{ strategySettings: {}, configurationHash: "0123" },
};

describe("the broker's tokens", () => {
  const check = new TokenCheck(new Map([["one", "first-token-0123456"], ["two", "second-token-0123456"]]));
  const cases: [string, string | undefined, string | null][] = [
    ["the first bot's", "Bearer first-token-0123456", "one"],
    ["the second bot's", "Bearer second-token-0123456", "two"],
    ["the scheme in lower case", "bearer first-token-0123456", "one"],
    ["no header", undefined, null],
    ["an empty token", "Bearer ", null],
    ["a part of a token", "Bearer first-token", null],
    ["a token and more", "Bearer first-token-0123456 x", null],
    ["another scheme", "Basic first-token-0123456", null],
    ["a token alone", "first-token-0123456", null],
  ];
  for (const [name, header, expected] of cases) {
    it(`answers ${name} with ${expected}`, () => expect(check.botOf(header)).to.equal(expected));
  }

  describe("in files", () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "tokens-"))));
    afterEach(() => rmSync(folder, { recursive: true }));
    const settings = brokerSettings.parse({ bots: [bot, { ...bot, name: "two" }] });
    const write = (name: string, token: string) => writeFileSync(join(folder, `bot-${name}-token`), `${token}\n`);

    it("are read for every bot", () => {
      write("one", "0123456789abcdef");
      write("two", "fedcba9876543210");
      expect([...readTokens(settings, folder)]).to.deep.equal([["one", "0123456789abcdef"], ["two", "fedcba9876543210"]]);
    });

    it("must all be there", () => {
      write("one", "0123456789abcdef");
      expect(() => readTokens(settings, folder)).to.throw(`secret file ${join(folder, "bot-two-token")} cannot be read: ENOENT`);
    });

    it("must differ", () => {
      write("one", "0123456789abcdef");
      write("two", "0123456789abcdef");
      expect(() => readTokens(settings, folder)).to.throw("secret files bot-one-token and bot-two-token hold the same token");
    });

    it("must not be short", () => {
      write("one", "0123");
      expect(() => readTokens(settings, folder)).to.throw("secret file bot-one-token: too short - allowed: at least 16 characters");
    });
  });
});

describe("the broker's settings", () => {
  const good = { bots: [bot] };

  const nothing = (...keys: string[]) => Object.fromEntries(keys.map((key) => [key, null]));

  it("fill in what is not given, with no limit", () => {
    expect(brokerSettings.parse(good)).to.deep.equal({
      bots: [{ ...bot, limits: nothing("orderQuantity", "orderNotional", "positionQuantity", "positionNotional", "ordersPerHour", "ordersPerDay", "secondsBetweenEntries") }],
      limits: nothing("exposureNotional", "ordersPerHour", "ordersPerDay"),
      execution: { feeRate: 0.001, slippageRate: 0.0005, priceTick: 0.01, quantityStep: 0.00001, priceCollar: 0.02 },
      decisionGraceSeconds: 10,
      decisionWindowSeconds: 300,
      guard: true,
      canary: null,
    });
  });

  it("take the end of the first days after a promotion as a time", () => {
    expect(brokerSettings.parse({ ...good, canary: { until: "2026-12-04T07:05:01.000Z", fraction: 0.1 } }).canary).to.deep.equal({ until: Date.parse("2026-12-04T07:05:01Z"), fraction: 0.1 });
  });

  const wrong: [string, unknown, string][] = [
    ["no bot", { bots: [] }, "SETTINGS.bots: [] - allowed: at least 1 entries"],
    ["a bot twice", { bots: [bot, bot] }, "every bot name once"],
    ["an unknown key", { ...good, leverage: 2 }, "SETTINGS.leverage: unknown key (2) - allowed: bots, limits, execution, decisionGraceSeconds, decisionWindowSeconds"],
    ["a strange interval", { bots: [{ ...bot, interval: "soon" }] }, 'SETTINGS.bots[0].interval: "soon" - allowed: a count and one of m, h, d, such as "1h"'],
    ["first days without an end", { ...good, canary: { fraction: 0.1 } }, "SETTINGS.canary.until: missing"],
    ["first days with more than the limits", { ...good, canary: { until: "2026-12-04T07:05:01.000Z", fraction: 2 } }, "SETTINGS.canary.fraction: 2 - allowed: at most 1"],
    ["no grace", { ...good, decisionGraceSeconds: 0 }, "SETTINGS.decisionGraceSeconds: 0 - allowed: more than 0"],
  ];
  for (const [name, value, problem] of wrong) {
    it(`refuse ${name}`, () => {
      const result = parseSettings(brokerSettings, JSON.stringify(value));
      expect("problems" in result ? result.problems.join("\n") : "").to.contain(problem);
    });
  }
});
