import { expect } from "chai";
import { botSettings } from "../../../../services/bot/settings";
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
