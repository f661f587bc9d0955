import { expect } from "chai";
import { stackContext } from "../../../components/StackContext";
import { brokerSettings } from "../../../components/Broker";
import { guardSettings } from "../../../components/Guard";
import { GUARD_BOUNDS, RISK_BOUNDS } from "../../../policy/bounds";
import { parseStackConfiguration } from "../../../config/stackConfiguration";
import { riskLimits } from "../../../policy/rules/riskLimits";
import { container, said } from "./declared";

type Mode = "paper" | "live";
const feed = { source: "synthetic" };
const limits = { orderQuantity: 0.5, orderNotional: 12_000 };
const context = stackContext("paper", "paper", "owner", "5".repeat(64), "info");

/** A container of that service with the settings that the program makes of a stack's file. */
function started(service: "broker" | "guard", mode: Mode, changed: Record<string, unknown>, settingsChanged: Record<string, unknown> = {}) {
  const configuration = parseStackConfiguration("paper", { mode, portBase: 8400, feed, bots: [{ name: "refstrat01", limits }], ...changed });
  const settings = service === "broker" ? brokerSettings(configuration, configuration.guard.enabled) : guardSettings(context, configuration);
  return container({}, { name: `trading-paper-${service}`, service, environment: { TRADING_STACK: "paper", TRADING_MODE: mode, SETTINGS: JSON.stringify({ ...settings, ...settingsChanged }) } });
}
const bot = (changed: Record<string, unknown>, more: Record<string, unknown> = {}) => ({ bots: [{ name: "refstrat01", ...more, limits: { ...limits, ...changed } }] });

describe("bounds of risk limits", () => {
  it("let the defaults pass, in paper and in live", () => {
    for (const mode of ["paper", "live"] as const) for (const service of ["broker", "guard"] as const) expect(said(riskLimits, started(service, mode, {})), `${mode} ${service}`).to.deep.equal([]);
  });

  for (const [mode, changed, expected] of [
    ["live", bot({ orderNotional: 20_001 }), "SETTINGS.bots[0].limits.orderNotional = 20001; allowed: at most 20000 (the smaller of 50000 and 2 times startingCash)"],
    ["live", bot({ positionNotional: 120_000 }), "SETTINGS.bots[0].limits.positionNotional = 120000; allowed: at most 20000 (the smaller of 50000 and 2 times startingCash)"],
    ["live", bot({ orderNotional: 50_001 }, { startingCash: 1_000_000 }), "SETTINGS.bots[0].limits.orderNotional = 50001; allowed: at most 50000 (the smaller of 50000 and 2 times startingCash)"],
    ["live", bot({ ordersPerHour: 61 }), "SETTINGS.bots[0].limits.ordersPerHour = 61; allowed: at most 60"],
    ["live", bot({ ordersPerDay: 241 }), "SETTINGS.bots[0].limits.ordersPerDay = 241; allowed: at most 240"],
    ["live", bot({ secondsBetweenEntries: 59 }), "SETTINGS.bots[0].limits.secondsBetweenEntries = 59; allowed: at least 60"],
    ["live", { limits: { exposureNotional: 100_001 } }, "SETTINGS.limits.exposureNotional = 100001; allowed: at most 100000"],
    ["paper", bot({ orderNotional: 1_200_000 }), "SETTINGS.bots[0].limits.orderNotional = 1200000; allowed: at most 1000000"],
    ["paper", { limits: { exposureNotional: 20_000_001 } }, "SETTINGS.limits.exposureNotional = 20000001; allowed: at most 20000000"],
  ] as const) {
    it(`refuse in ${mode} ${JSON.stringify(changed)}`, () => {
      expect(said(riskLimits, started("broker", mode, changed))).to.include(`broker: ${expected}`);
    });
  }

  it("let what is exactly at a bound pass", () => {
    const live = RISK_BOUNDS.live;
    const most = bot({ orderNotional: live.notional, positionNotional: live.notional, ordersPerHour: live.ordersPerHour, ordersPerDay: live.ordersPerDay, secondsBetweenEntries: live.secondsBetweenEntries }, { startingCash: 25_000 });
    expect(said(riskLimits, started("broker", "live", { ...most, limits: { exposureNotional: live.exposureNotional } }))).to.deep.equal([]);
    expect(said(riskLimits, started("broker", "paper", bot({ orderNotional: RISK_BOUNDS.paper.notional })))).to.deep.equal([]);
  });

  for (const [key, most] of Object.entries(GUARD_BOUNDS)) {
    it(`refuse in live a guard whose ${key} is beyond ${most}, and leave it to paper`, () => {
      const beyond = key.endsWith("Seconds") ? most + 1 : most + 0.1;
      const lines = said(riskLimits, started("guard", "live", { guard: { [key]: beyond } }));
      expect(lines).to.deep.equal([`guard: SETTINGS.thresholds.${key} = ${beyond}; allowed: at most ${most}`]);
      expect(said(riskLimits, started("guard", "live", { guard: { [key]: most } }))).to.deep.equal([]);
      expect(said(riskLimits, started("guard", "paper", { guard: { [key]: beyond } }))).to.deep.equal([]);
    });
  }

  it("take a limit that is not there for none at all", () => {
    const { limits: _none, ...unlimited } = { name: "refstrat01", startingCash: 10_000, limits };
    expect(said(riskLimits, started("broker", "live", {}, { bots: [unlimited] })).length).to.be.greaterThan(3);
    expect(said(riskLimits, started("broker", "live", {}, { bots: [] }))).to.deep.equal(["broker: SETTINGS.bots = []; allowed: at least one bot, with its limits"]);
    expect(said(riskLimits, started("broker", "live", {}, { limits: {} }))).to.deep.equal(["broker: SETTINGS.limits.exposureNotional is not set; allowed: at most 100000"]);
    expect(said(riskLimits, started("guard", "live", {}, { thresholds: {} }))).to.have.length(Object.keys(GUARD_BOUNDS).length);
    for (const environment of [{ TRADING_MODE: "live" }, { TRADING_MODE: "live", SETTINGS: "{" }, { SETTINGS: "{}" }]) expect(said(riskLimits, container({}, { service: "broker", environment })), JSON.stringify(environment)).to.have.length(1);
  });

  it("let live trade under a guard only", () => {
    expect(said(riskLimits, started("broker", "live", {}, { guard: false }))).to.deep.equal(["broker: SETTINGS.guard = false; allowed: true: live trades under a guard"]);
    expect(said(riskLimits, started("broker", "paper", { guard: { enabled: false } }))).to.deep.equal([]);
  });
});
