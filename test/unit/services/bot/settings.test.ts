import { expect } from "chai";
import { botSettings } from "../../../../services/bot/settings";
import { judge, type BotProgress } from "../../../../services/bot/readiness";
import { parseSettings } from "../../../../services/shared/settings";

const good = {
  ...{ bot: "refstrat01", symbol: "BTCUSDT", interval: "1h", strategy: "RefStrat_01", strategySettings: { emaFast: 12 } },
  ...{ brokerUrl: "http://broker:8080", mlflowUrl: "http://mlflow:5000" },
};

describe("the bot's settings", () => {
  it("are taken as they are", () => expect(botSettings.parse(good)).to.deep.equal(good));
  it("may do without MLflow", () => expect(botSettings.parse({ ...good, mlflowUrl: null }).mlflowUrl).to.equal(null));

  const wrong: [string, object, string][] = [
    ["an unknown strategy", { strategy: "Luck" }, 'SETTINGS.strategy: "Luck" - allowed: "RefStrat_01"'],
    ["a strategy setting of another kind", { strategySettings: { emaFast: 0 } }, "SETTINGS.strategySettings.emaFast: 0"],
    ["fast above slow", { strategySettings: { emaFast: 60 } }, "emaFast must be below emaSlow"],
    ["an unknown strategy setting", { strategySettings: { leverage: 2 } }, "leverage"],
    ["an unknown key", { token: "x" }, 'SETTINGS.token: unknown key ("x")'],
    ["a broker that is no address", { brokerUrl: "broker" }, "SETTINGS.brokerUrl"],
    ["a bot name with a dash", { bot: "ref-strat" }, "SETTINGS.bot"],
  ];
  for (const [name, change, problem] of wrong) {
    it(`refuse ${name}`, () => {
      const result = parseSettings(botSettings, JSON.stringify({ ...good, ...change }));
      expect("problems" in result ? result.problems.join("\n") : "").to.contain(problem);
    });
  }
});

describe("the bot's readiness", () => {
  const hour = 3_600_000;
  const now = 1_000_000;
  const going: BotProgress = { waitingFor: null, decidedBar: 5 * hour, processedBar: 5 * hour, decidedAt: 0, processedAt: 0, waitingCandle: null };
  const cases: [string, Partial<BotProgress>, { ready: boolean; reason: string }][] = [
    ["decided on the last bar", {}, { ready: true, reason: "decided up to 1970-01-01T05:00:00.000Z" }],
    ["no bar yet", { decidedBar: null, processedBar: null }, { ready: true, reason: "registered; the account has no bar yet" }],
    [
      "behind for a moment",
      { processedBar: 6 * hour, decidedAt: now - 4000 },
      { ready: true, reason: "decided up to 1970-01-01T05:00:00.000Z" },
    ],
    [
      "behind for long",
      { processedBar: 6 * hour, decidedAt: now - 6000 },
      { ready: false, reason: "decided up to 1970-01-01T05:00:00.000Z, but the account is at 1970-01-01T06:00:00.000Z" },
    ],
    [
      "never decided",
      { decidedBar: null, decidedAt: now - 6000 },
      { ready: false, reason: "decided on no bar, but the account is at 1970-01-01T05:00:00.000Z" },
    ],
    [
      "without the lock",
      { waitingFor: "another instance of this bot holds its lock" },
      { ready: false, reason: "another instance of this bot holds its lock" },
    ],
    [
      "candles wait for the broker, not for long",
      { waitingCandle: 6 * hour, processedAt: now - 29_000 },
      { ready: true, reason: "decided up to 1970-01-01T05:00:00.000Z" },
    ],
    [
      "candles wait for a broker that is gone",
      { waitingCandle: 6 * hour, processedAt: now - 31_000 },
      {
        ready: false,
        reason: "the account stands at 1970-01-01T05:00:00.000Z although the candle 1970-01-01T06:00:00.000Z is there: the broker works no bars",
      },
    ],
    [
      "candles wait for a broker that never worked one",
      { decidedBar: null, processedBar: null, waitingCandle: 5 * hour, processedAt: now - 31_000 },
      { ready: false, reason: "the account has no bar yet although the candle 1970-01-01T05:00:00.000Z is there: the broker works no bars" },
    ],
    [
      "behind with a broker that is gone as well: its own fault comes first",
      { processedBar: 6 * hour, decidedAt: now - 6000, waitingCandle: 7 * hour, processedAt: now - 31_000 },
      { ready: false, reason: "decided up to 1970-01-01T05:00:00.000Z, but the account is at 1970-01-01T06:00:00.000Z" },
    ],
  ];
  for (const [name, change, expected] of cases) {
    it(name, () => expect(judge({ ...going, ...change }, now)).to.deep.equal(expected));
  }
});
