import { expect } from "chai";
import { createHash } from "node:crypto";
import { clientOrderId, stopOrderId } from "../../../domain/clientOrderId";
import { configurationHash, createStrategy, strategyNames, strategySettingsSchema } from "../../../domain/strategies";

describe("strategies", () => {
  it("are known by name", () => {
    expect(strategyNames()).to.deep.equal(["RefStrat_01"]);
    expect(strategySettingsSchema("RefStrat_01").parse({})).to.include({ emaFast: 20, emaSlow: 50 });
    for (const name of ["refstrat01", "toString"]) {
      const message = `Strategy "${name}" is not known; known are: RefStrat_01`;
      expect(() => createStrategy(name)).to.throw(Error, message);
      expect(() => strategySettingsSchema(name)).to.throw(Error, message);
    }
  });

  it("are made from checked settings", () => {
    expect(createStrategy("RefStrat_01").warmupBars).to.equal(250);
    expect(createStrategy("RefStrat_01", { emaSlow: 30 }).warmupBars).to.equal(150);
    expect(() => createStrategy("RefStrat_01", { period: 3 })).to.throw('Unrecognized key: \\"period\\"');
  });

  describe("configuration hash", () => {
    it("is the SHA-256 of the canonical JSON", () => {
      const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
      const settings = { b: 1.5, a: { d: [1, "x", null, true], c: undefined }, "": "ø" };
      expect(configurationHash(settings)).to.equal(sha256('{"":"ø","a":{"d":[1,"x",null,true]},"b":1.5}'));
    });

    it("is the same whatever the order of the keys, and another for another value", () => {
      const one = configurationHash({ emaFast: 20, emaSlow: 50 });
      expect(configurationHash({ emaSlow: 50, emaFast: 20 })).to.equal(one);
      expect(configurationHash({ emaSlow: 50, emaFast: 21 })).to.not.equal(one);
    });

    it("of the default settings changes only with the strategy", () => {
      const defaults = strategySettingsSchema("RefStrat_01").parse({});
      expect(configurationHash(defaults)).to.equal(
        configurationHash({
          atrPeriod: 14,
          emaFast: 20,
          emaSlow: 50,
          maxExposure: 1,
          riskFraction: 0.005,
          stopAtrMultiple: 3,
        }),
      );
    });

    it("refuses what JSON cannot hold", () => {
      expect(() => configurationHash({ a: Number.NaN })).to.throw(TypeError, "JSON cannot hold NaN");
      expect(() => configurationHash([undefined])).to.throw(TypeError, "JSON cannot hold undefined");
      expect(() => configurationHash({ a: () => 1 })).to.throw(TypeError, "JSON cannot hold function");
    });
  });

  it("give orders ids that are the same after a restart", () => {
    const id = clientOrderId("paper", "refstrat01", Date.UTC(2024, 0, 1, 5), "enter");
    expect(id).to.equal("paper-refstrat01-1704085200-enter");
    expect(stopOrderId(id)).to.equal("paper-refstrat01-1704085200-enter-stop");
  });
});
