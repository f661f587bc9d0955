import { expect } from "chai";
import { differences, differenceText, MAY_DIFFER, promotedHash, promotedPart, readAgain } from "../../../config/promotedPart";
import { parseStackConfiguration } from "../../../config/stackConfiguration";

const limits = { orderQuantity: 1, orderNotional: 12_000 };
const paper = { mode: "paper", portBase: 8400, feed: { source: "synthetic" }, bots: [{ name: "one", limits }, { name: "two", limits }] };
const live = { ...paper, mode: "live", portBase: 8500 };
const part = (values: object) => promotedPart(parseStackConfiguration("any", values as Record<string, unknown>));
const keys = (from: object, to: object) => differences(part(from), part(to)).map(({ key }) => key);
const image = `name@sha256:${"a".repeat(64)}`;

describe("the part of a configuration that is promoted", () => {
  it("is the same where paper and live say the same", () => {
    expect(keys(paper, live)).to.deep.equal([]);
    expect(promotedHash(part(paper))).to.equal(promotedHash(part(live)));
  });

  it("holds strategies, fills, the judging of the feed and the bars, and nothing else", () => {
    const promoted = part(live);
    expect(Object.keys(promoted).sort()).to.deep.equal(["bots", "broker", "feed", "interval"]);
    expect(Object.keys(promoted.bots["one"]!).sort()).to.deep.equal(["image", "settings", "strategy", "symbol"]);
    expect(Object.keys(promoted["feed"] as object).sort()).to.deep.equal(["quality", "warmupBars"]);
    expect(promoted["broker"]).to.include.keys("feeRate", "slippageRate", "priceCollar").and.not.to.include.keys("memoryMegabytes");
  });

  const mayDiffer: [what: string, from: object, to: object][] = [
    ["the ports and the log", {}, { portBase: 9000, logLevel: "debug" }],
    ["the feed's source and speed", { feed: { source: "synthetic", seed: 4, speed: 10, faults: [{ kind: "gap", bar: 500 }] } }, { feed: { source: "exchange", exchange: "kraken", address: "https://example.com" } }],
    ["how much may be risked", {}, { limits: { exposureNotional: 5 }, bots: [{ name: "one", limits: { orderQuantity: 0.1, orderNotional: 1 }, startingCash: 5 }, { name: "two", limits }] }],
    ["who is told, how it is kept and when the guard acts", {}, { alerts: { repeatMinutes: 5 }, backup: { secondCopy: { kind: "path", path: "/media/disk" } }, guard: { drawdownShare: 0.05 } }],
    ["memory", {}, { broker: { memoryMegabytes: 256 }, gui: { memoryMegabytes: 256 }, bots: [{ name: "one", limits, memoryMegabytes: 256 }, { name: "two", limits }] }],
    ["what was promoted, and on what grounds", {}, { promotion: { paper: { days: 60 } }, release: { images: { broker: `sha256:${"a".repeat(64)}` } }, soak: { hours: 5 } }],
    ["bots that paper alone has", {}, { bots: [{ name: "one", limits }] }],
  ];
  for (const [what, from, to] of mayDiffer) it(`does not hold ${what}`, () => expect(keys({ ...paper, ...from }, { ...live, ...to })).to.deep.equal([]));

  const mayNot: [what: string, to: object, expected: string[]][] = [
    ["a setting of the strategy", { bots: [{ name: "one", limits, settings: { emaFast: 21 } }, { name: "two", limits }] }, ["bots.one.settings.emaFast"]],
    ["a symbol and an image", { bots: [{ name: "one", limits }, { name: "two", limits, symbol: "ETHUSDT", image }] }, ["bots.two.image", "bots.two.symbol"]],
    ["the fee of a fill", { broker: { feeRate: 0.002 } }, ["broker.feeRate"]],
    ["how candles are judged", { feed: { source: "synthetic", warmupBars: 10 } }, ["feed.warmupBars"]],
    ["a bot that paper has not", { bots: [...live.bots, { name: "three", limits }] }, ["bots.three"]],
  ];
  for (const [what, to, expected] of mayNot) it(`holds ${what}`, () => expect(keys(paper, { ...live, ...to })).to.deep.equal(expected));

  it("says which key differs, and how", () => {
    const [difference] = differences(part(paper), part({ ...live, broker: { feeRate: 0.002 } }));
    expect(differenceText(difference!, { from: "paper", to: "live" })).to.equal("trading:broker.feeRate is 0.002 in live and 0.001 in paper");
  });

  it("takes in every key of the schema that is not on the list", () => {
    for (const values of [paper, live]) {
      const configuration = parseStackConfiguration("any", values);
      const promoted = part(values);
      for (const key of Object.keys(configuration)) expect(MAY_DIFFER.has(key) || key in promoted, key).to.equal(true);
      for (const key of Object.keys(configuration.bots[0]!)) expect(MAY_DIFFER.has(`bots[].${key}`) || key in promoted.bots["one"]!, key).to.equal(true);
    }
  });

  describe("read again by a later program", () => {
    it("is what it was", () => expect(readAgain(part({ ...live, bots: [{ name: "one", limits, settings: { emaFast: 21 } }] }))).to.deep.equal(part({ ...live, bots: [{ name: "one", limits, settings: { emaFast: 21 } }] })));

    it("has the default of what was added since", () => {
      const { priceCollar: _, ...before } = part(live)["broker"] as Record<string, unknown>;
      expect(readAgain({ ...part(live), broker: before })).to.deep.equal(part(live));
    });

    it("says what is no longer understood", () => {
      expect(readAgain({ ...part(live), broker: { leverage: 2 } })).to.match(/^trading:broker\.leverage = 2: unknown key/);
    });
  });
});
