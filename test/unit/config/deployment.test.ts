import { expect } from "chai";
import { stringify } from "yaml";
import { passesFreeze, type Deployment } from "../../../config/deployment";
import { differingKeys } from "../../../config/differingKeys";
import { stackConfigurationHash, type Release } from "../../../config/releases";
import { parseStackFile } from "../../../config/stackFile";

const id = (digit: string) => `sha256:${digit.repeat(64)}`;
const limits = { orderQuantity: 1, orderNotional: 12_000 };
const keys = { mode: "live", portBase: 8500, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits }] };
const fileOf = (more: object = {}) => stringify({ config: Object.fromEntries(Object.entries({ ...keys, ...more }).map(([key, value]) => [`trading:${key}`, value])) });
const smaller = { bots: [{ name: "refstrat01", limits: { orderQuantity: 0.5, orderNotional: 12_000 } }] };
const promoted = (file: string, images = {}) => ({ release: { images, promotion: { evidence: `reports/promotions/${file}.json` } } });
const images = { broker: id("b"), bot: id("c") };

const deployment = (more: object = {}, changed: Deployment["images"] = {}): Deployment => ({ stack: "live", configuration: parseStackFile("live", fileOf(more)), images: { ...images, ...changed } });

function release(last: string, of: object = {}, more: Partial<Release> = {}): Release {
  const stackFile = fileOf(of);
  return {
    ...{ format: 1, id: `REL-20261127-07050${last}-4f2a`, stack: "live", at: `2026-11-27T07:05:0${last}.000Z`, commit: "c".repeat(40), clean: true, pushed: true },
    ...{ images: { broker: id("b"), "bot-refstrat01": id("c") }, imageNames: images, configurationHash: stackConfigurationHash(parseStackFile("live", stackFile)), stackFile },
    ...{ schemaVersion: 5, backup: null, health: "good", confirmedAt: `2026-11-27T07:05:0${last}.000Z`, stable: null },
    ...more,
  };
}
const stable = { stable: { at: "2026-11-30T07:05:01.000Z", tag: "stable/live/REL-20261127-070501-4f2a" } };

describe("what a freeze lets through", () => {
  const unchanged = "it changes nothing of the last good release, REL-20261127-070509-4f2a";
  const again = "it is the stable release REL-20261127-070501-4f2a again";
  const cases: [what: string, deployment: Deployment, releases: readonly Release[], passes: boolean, because: string][] = [
    ["nothing where no up is on record", deployment(), [], false, "no good up is on record here"],
    ["what the last release is", deployment(), [release("1", smaller), release("9")], true, unchanged],
    ["what the last release is, written in other words", deployment({ broker: {}, bots: [{ name: "refstrat01", startingCash: 10_000, limits }] }), [release("9")], true, unchanged],
    ["no other limit", deployment(smaller), [release("9")], false, "it is no stable release, and differs from the last good one, REL-20261127-070509-4f2a, in trading:bots[0].limits.orderQuantity, trading:bots[0].limits.positionQuantity"],
    ["no other image", deployment({}, { bot: id("d") }), [release("9")], false, "REL-20261127-070509-4f2a, in image bot"],
    ["no image that has to be built first", deployment({}, { bot: undefined }), [release("9")], false, "in image bot (its files have changed, and it is not built yet)"],
    ["no image that the last release did not have", deployment({}, { guard: id("e") }), [release("9")], false, "in image guard"],
    ["no promotion, which no hash holds", deployment(promoted("a")), [release("9")], false, "in trading:release.promotion"],
    ["no promotion by other evidence", deployment(promoted("b")), [release("9", promoted("a"))], false, "in trading:release.promotion"],
    ["pins on what runs anyway", deployment(promoted("a", { broker: id("b") })), [release("9", promoted("a"))], true, unchanged],
    ["a stable release again", deployment(), [release("1", {}, stable), release("9", smaller)], true, again],
    ["no release again that never was stable", deployment(), [release("1"), release("9", smaller)], false, "it is no stable release"],
    ["no stable release with another image", deployment({}, { bot: id("d") }), [release("1", {}, stable), release("9", smaller)], false, "trading:bots[0].limits.orderQuantity, trading:bots[0].limits.positionQuantity, image bot"],
    ["no stable release without its promotion", deployment(promoted("b")), [release("1", promoted("a"), stable), release("9", smaller)], false, "it is no stable release"],
    ["a stable release from before an image was there", deployment({}, { guard: id("e") }), [release("1", {}, stable), release("9", smaller)], true, again],
    ["a stable release whose defaults were others, by its file", deployment(), [release("1", {}, { ...stable, configurationHash: "0".repeat(64) }), release("9", smaller)], true, again],
    ["not what the last release's file says where another was deployed", deployment(), [release("9", {}, { configurationHash: "0".repeat(64) })], false, "in defaults of this version of the program"],
    ["nothing of a last release that this version cannot read", deployment(), [release("9", {}, { stackFile: "config:\n  trading:mode: gone\n", configurationHash: "0".repeat(64) })], false, "in a stack file that this version of the program cannot read"],
    ["not more differences than a person reads", deployment({ portBase: 9000, logLevel: "warn", gui: { memoryMegabytes: 256 }, mlflow: { memoryMegabytes: 700 }, database: { memoryMegabytes: 600 }, broker: { feeRate: 0.002 }, livefeed: { memoryMegabytes: 200 } }), [release("9")], false, " and 1 more"],
  ];
  for (const [what, planned, releases, passes, because] of cases) {
    it(`is ${what}`, () => {
      const found = passesFreeze(planned, releases);
      expect(found.because).to.include(because);
      expect(found.passes).to.equal(passes);
    });
  }
});

describe("keys by which two configurations differ", () => {
  const cases: [one: unknown, other: unknown, keys: string[]][] = [
    [{ a: 1 }, { a: 1 }, []],
    [{ a: { b: 1, c: 2 } }, { a: { c: 3, b: 1 } }, ["trading:a.c"]],
    [{ bots: [{ n: 1 }, { n: 2 }] }, { bots: [{ n: 1 }, { n: 3 }] }, ["trading:bots[1].n"]],
    [{ bots: [1] }, { bots: [1, 2] }, ["trading:bots"]],
    [{ a: { b: 1 } }, {}, ["trading:a"]],
    [{ a: { b: 1 } }, { a: {} }, ["trading:a.b"]],
    [{ bots: [{ configurationHash: "x", settings: { n: 1 } }] }, { bots: [{ configurationHash: "y", settings: { n: 2 } }] }, ["trading:bots[0].settings.n"]],
    [{ a: null }, { a: 0 }, ["trading:a"]],
  ];
  for (const [one, other, expected] of cases) it(`${JSON.stringify(one)} and ${JSON.stringify(other)}: ${expected.join(", ") || "none"}`, () => expect(differingKeys(one, other)).to.deep.equal(expected));
});
