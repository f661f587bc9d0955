import { expect } from "chai";
import { belongsIntoChangelog, configurationChanges } from "../../../../operations/review/configurationChanges";
import { resourceDifferences } from "../../../../operations/review/differences";
import { MASK, UNKNOWN } from "../../../../operations/review/values";

const hash = (digit: string) => digit.repeat(64);

describe("the differences of a resource", () => {
  for (const [name, before, after, expected] of [
    ["a value", { memory: 128 }, { memory: 192 }, [["memory", "128", "192"]]],
    ["a value that is new, and one that is gone", { a: 1 }, { b: true }, [["a", "1", undefined], ["b", undefined, "true"]]],
    ["a variable of the environment by its name, whatever the order", { envs: ["B=2", "A=1"] }, { envs: ["A=1", "B=3", "C=4"] }, [["envs.B", "2", "3"], ["envs.C", undefined, "4"]]],
    ["what settings say, and not their whole text", { envs: ['SETTINGS={"limits":{"orderQuantity":1},"bots":[{"name":"a","cash":1}]}'] }, { envs: ['SETTINGS={"limits":{"orderQuantity":2},"bots":[{"name":"a","cash":2}]}'] }, [["envs.SETTINGS.limits.orderQuantity", "1", "2"], ["envs.SETTINGS.bots.a.cash", "1", "2"]]],
    ["a label by its name, but for the fingerprint of everything else", { labels: [{ label: "trading.fingerprint", value: "1" }, { label: "x", value: "1" }] }, { labels: [{ label: "trading.fingerprint", value: "2" }, { label: "x", value: "2" }] }, [["labels.x", "1", "2"]]],
    ["a mount by where it is", { volumes: [{ containerPath: "/a", readOnly: true }] }, { volumes: [{ containerPath: "/a", readOnly: false }] }, [["volumes./a.readOnly", "true", "false"]]],
    ["an entry of a list without names by its place", { command: ["a", "b"] }, { command: ["a", "c"] }, [["command[1]", "b", "c"]]],
    ["an image in a few digits", { image: `sha256:${hash("a")}` }, { image: `sha256:${hash("b")}` }, [["image", "sha256:aaaaaaaa…", "sha256:bbbbbbbb…"]]],
    ["what is not known yet, in words", { image: "x" }, { image: UNKNOWN }, [["image", "x", "(known once it is made)"]]],
    ["that a secret is another one, and nothing of it", { stdin: MASK }, { stdin: MASK }, [["stdin", "(secret)", "another (secret)"]]],
    ["no more than 80 characters of a value", { create: "a".repeat(200) }, { create: "b" }, [["create", `${"a".repeat(79)}…`, "b"]]],
    ["no password of an address", { envs: ["FEED=https://me:secret@feed.example/x"] }, { envs: ["FEED=https://feed.example/x"] }, [["envs.FEED", "https://(secret)@feed.example/x", "https://feed.example/x"]]],
  ] as const) {
    it(`tell ${name}`, () => {
      const found = resourceDifferences(before, after, Object.keys({ ...before, ...after }));
      expect(found.map(({ path, before: old, after: now }) => [path, old, now])).to.deep.equal(expected);
    });
  }
});

describe("the differences of a configuration", () => {
  const bot = { name: "a", strategy: "RefStrat_01", settings: { emaFast: 20 }, configurationHash: hash("1"), limits: { orderQuantity: 1 } };

  it("are told by the bots' names, without hashes over them", () => {
    const [before, after] = [{ bots: [bot] }, { bots: [{ ...bot, name: "b" }, { ...bot, settings: { emaFast: 21 }, configurationHash: hash("2") }] }];
    expect(configurationChanges(before, after).map(({ path, before: old, after: now }) => [path.replace(/\.b$/, ".b"), old, now?.slice(0, 12)])).to.deep.equal([
      ["bots.a.settings.emaFast", "20", "21"],
      ["bots.b", undefined, '{"name":"b",'],
    ]);
  });

  for (const [before, after, shown] of [
    ["https://hooks.example/one", "https://hooks.example/two", ["(secret)", "another (secret)"]],
    [undefined, "https://hooks.example/two", [undefined, "(secret)"]],
    ["https://hooks.example/one", "file", ["(secret)", "file"]],
  ] as const) {
    it(`do not tell the address of alerts: ${shown.join(" → ")}`, () => {
      const [change] = configurationChanges({ alerts: { webhook: before } }, { alerts: { webhook: after } });
      expect([change!.before, change!.after]).to.deep.equal(shown);
    });
  }

  it("do not tell an address that stands in a part which is new", () => {
    expect(JSON.stringify(configurationChanges({}, { alerts: { webhook: "https://hooks.example/one" } }))).not.to.contain("hooks.example");
  });

  for (const [path, recorded] of [
    ["bots.a.settings.emaFast", true],
    ["bots.a.strategy", true],
    ["bots.a.limits.orderQuantity", true],
    ["limits.exposureNotional", true],
    ["bots.a.startingCash", true],
    ["bots.a.memoryMegabytes", false],
    ["bots.a", true],
    ["feed.source", true],
    ["feed.warmupBars", false],
    ["gui.memoryMegabytes", false],
  ] as const) {
    it(`${path} ${recorded ? "belongs" : "does not belong"} into the CHANGELOG`, () => expect(belongsIntoChangelog({ path, before: "1", after: "2" })).to.equal(recorded));
  }
});
