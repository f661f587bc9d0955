import { expect } from "chai";
import { containerSchema } from "../../setup/plugins/docker/containerSchema";
import { durationText, nanoseconds } from "../../setup/plugins/docker/containerOptions";
import { check } from "../../setup/plugins/provider/check";
import { diff } from "../../setup/plugins/provider/diff";
import { Properties, UNKNOWN } from "../../setup/plugins/provider/schema";

const label = (name: string, value: string): Properties => ({ label: name, value });

describe("comparison of a container's state and the program", () => {
  const cases: { title: string; state: Properties; inputs: Properties; changes: string[] }[] = [
    { title: "nothing given, values of the image", state: { user: "1000", entrypoints: ["sleep"] }, inputs: {}, changes: [] },
    { title: "label value", state: { labels: [label("a", "1")] }, inputs: { labels: [label("a", "2")] }, changes: ["labels[0].value update replace"] },
    { title: "one label removed", state: { labels: [label("a", "1"), label("b", "2")] }, inputs: { labels: [label("b", "2")] }, changes: ["labels[0] delete replace"] },
    { title: "all labels removed", state: { labels: [label("a", "1")] }, inputs: {}, changes: [] },
    { title: "order of a set", state: { envs: ["A=1", "B=2"] }, inputs: { envs: ["B=2", "A=1"] }, changes: [] },
    { title: "variable added", state: { envs: ["A=2"] }, inputs: { envs: ["B=1", "A=2"] }, changes: ["envs[0] add replace"] },
    { title: "order of a list", state: { command: ["a", "b"] }, inputs: { command: ["b", "a"] }, changes: ["command[0] update replace", "command[1] update replace"] },
    {
      title: "volume added",
      state: { volumes: [{ volumeName: "v", containerPath: "/a" }] },
      inputs: { volumes: [{ volumeName: "v", containerPath: "/a" }, { volumeName: "w", containerPath: "/b" }] },
      changes: ["volumes update replace"],
    },
    { title: "log option", state: { logOpts: { "max-size": "1m" } }, inputs: { logOpts: { "max-size": "2m" } }, changes: ['logOpts["max-size"] update replace'] },
    { title: "memory", state: { memory: 64, memorySwap: 64 }, inputs: { memory: 96, memorySwap: 96 }, changes: ["memory update", "memorySwap update"] },
    { title: "memorySwap left out", state: { memory: 64, memorySwap: 128 }, inputs: { memory: 64 }, changes: ["memorySwap delete"] },
    { title: "health check", state: { healthcheck: { interval: "5s" } }, inputs: { healthcheck: { interval: "6s" } }, changes: ["healthcheck.interval update"] },
    { title: "stopped, but has to run", state: { mustRun: false }, inputs: { mustRun: true }, changes: ["mustRun update"] },
    { title: "value not known yet", state: { image: "sha256:1" }, inputs: { image: UNKNOWN }, changes: ["image update replace"] },
    { title: "part of a list not known yet", state: { command: ["a", "b"] }, inputs: { command: ["a", UNKNOWN] }, changes: ["command[1] update replace"] },
    { title: "part of a set not known yet", state: { envs: ["A=1"] }, inputs: { envs: ["A=1", UNKNOWN] }, changes: ["envs update replace"] },
  ];
  for (const { title, state, inputs, changes } of cases) {
    it(title, () => {
      // A create that went through leaves these in every state.
      const complete = { command: [], entrypoints: [], networkDatas: [], ...state };
      const found = diff(containerSchema, complete, inputs).map(({ path, kind, replaces }) => `${path} ${kind}${replaces ? " replace" : ""}`);
      expect(found).to.deep.equal(changes);
    });
  }

  it("sees a state that a failed create left incomplete", () => {
    const found = diff(containerSchema, { command: ["a"] }, { command: ["a"] }).map(({ path, replaces }) => [path, replaces]);
    expect(found).to.deep.equal([["entrypoints", true], ["networkDatas", false]]);
  });
});

describe("checking of a container's arguments", () => {
  const checked = (news: Properties, olds: Properties = {}) =>
    check({ schema: containerSchema, type: "docker:index/container:Container", name: "c", olds, news, seed: new Uint8Array([1]) });

  it("fills in defaults and names them", () => {
    const { inputs } = checked({ image: "i", name: "c", ports: [{ internal: 80 }] });
    expect(inputs).to.deep.include({ mustRun: true, start: true, restart: "no", networkMode: "bridge", waitTimeout: 60 });
    expect(inputs.ports).to.deep.equal([{ internal: 80, ip: "0.0.0.0", protocol: "tcp", __defaults: ["ip", "protocol"] }]);
  });

  it("keeps an automatic name as long as the resource lives", () => {
    const { inputs } = checked({ image: "i" });
    expect(inputs.name).to.match(/^c-[0-9a-f]{7}$/);
    const old = { ...inputs, name: "c-0123456" };
    expect(checked({ image: "i" }, old).inputs.name).to.equal("c-0123456");
  });

  const wrong: { news: Properties; reason: string }[] = [
    { news: {}, reason: "Missing required argument. The argument \"image\" is required, but no definition was found.. Examine values at 'c.image'." },
    { news: { image: "i", bogus: 1 }, reason: "Invalid or unknown key. Examine values at 'c.bogus'." },
    { news: { image: "i", uploads: [{ file: "/f", owner: "x" }] }, reason: "Invalid or unknown key. Examine values at 'c.uploads'." },
    { news: { image: "i", healthcheck: { interval: "10" } }, reason: "'10' is not a valid duration. Examine values at 'c.healthcheck.interval'." },
    { news: { image: "i", volumes: [{ hostPath: "rel" }] }, reason: "'rel' must be an absolute path. Examine values at 'c.volumes.hostPath'." },
  ];
  for (const { news, reason } of wrong) {
    it(reason, () => expect(checked(news).failures).to.deep.equal([{ reason }]));
  }

  it("refuses a word where a number is needed", () => {
    expect(() => checked({ image: "i", memory: "abc" })).to.throw('memory: parsing "abc": invalid syntax, a number is needed');
    expect(checked({ image: "i", memory: "64" }).inputs.memory).to.equal(64);
  });
});

describe("durations", () => {
  const cases: [string, number, string][] = [
    ["0s", 0, "0s"],
    ["1s", 1e9, "1s"],
    ["90s", 90e9, "1m30s"],
    ["1h", 3600e9, "1h0m0s"],
    ["250ms", 250e6, "250ms"],
  ];
  for (const [given, amount, text] of cases) {
    it(given, () => expect([nanoseconds(given), durationText(amount)]).to.deep.equal([amount, text]));
  }
});
