import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { previewOutcome } from "../../../../operations/review/previewEvents";
import { UNKNOWN } from "../../../../operations/review/values";

/** Events of a preview in which the bot's program and a limit are changed, as Pulumi 3.259 streamed them; resources left out. */
const RECORDED = fs.readFileSync(path.join(__dirname, "recorded", "events.jsonl"), "utf8");
const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "[secret]" };

interface Step {
  readonly op: string;
  readonly name?: string;
  readonly type?: string;
  readonly before?: object;
  readonly after?: object;
  readonly diffs?: readonly string[];
}

function streamed(...events: object[]): string {
  return events.map((event) => JSON.stringify(event)).join("\n");
}

function step({ op, name = "thing", type = "command:local:Command", before, after, diffs }: Step): object {
  const state = (inputs: object | undefined) => inputs && { custom: true, inputs };
  return { resourcePreEvent: { metadata: { op, urn: `urn:pulumi:paper::trading::${type}::${name}`, type, old: state(before) ?? null, new: state(after) ?? null, diffs: diffs ?? null, detailedDiff: null } } };
}

const only = (...steps: Step[]) => previewOutcome(streamed(...steps.map(step))).resources;

describe("the events of a preview", () => {
  it("come to one action for each resource that is something on the Engine", () => {
    const { resources, problems, policies } = previewOutcome(RECORDED);
    const actions = Object.fromEntries(resources.map(({ name, type, action }) => [`${type.split(":").at(-1)} ${name}`, action]));
    expect(actions).to.deep.equal({
      "Network trading-network": "untouched",
      "Command image-base": "untouched",
      "Volume bot-refstrat01-secrets-volume": "untouched",
      "Command bot-refstrat01-secrets-files": "untouched",
      "Container timescaledb": "untouched",
      "Command image-migrate": "untouched",
      "Command image-bot": "replaced",
      "Command timescaledb-migrate": "untouched",
      "Command backup-secrets-files": "changed",
      "Container bot-refstrat01": "replaced",
    });
    expect([problems, policies]).to.deep.equal([[], []]);
  });

  it("name the arguments that differ, and mask secrets", () => {
    const { resources } = previewOutcome(RECORDED);
    const of = (name: string) => resources.find((resource) => resource.name === name && resource.action !== "untouched")!;
    expect(of("bot-refstrat01").properties).to.deep.equal(["envs", "image"]);
    expect(of("bot-refstrat01").after!["image"]).to.equal(UNKNOWN);
    expect(of("backup-secrets-files").properties).to.deep.equal(["stdin"]);
    expect([of("backup-secrets-files").before!["stdin"], of("backup-secrets-files").after!["stdin"]]).to.deep.equal(["[secret]", UNKNOWN]);
  });

  for (const [op, action] of [
    ["create", "added"],
    ["update", "changed"],
    ["replace", "replaced"],
    ["delete", "removed"],
    ["same", "untouched"],
  ] as const) {
    it(`say ${action} for ${op}`, () => expect(only({ op, before: { a: 1 }, after: { a: 2 }, diffs: ["a"] }).map((resource) => resource.action)).to.deep.equal([action]));
  }
  for (const op of ["create-replacement", "delete-replaced", "discard-replaced", "refresh"]) {
    it(`leave out ${op}, a part of what is told`, () => expect(only({ op, before: { a: 1 }, after: { a: 2 } })).to.deep.equal([]));
  }

  it("leave out what is nothing on the Engine", () => {
    const component = { resourcePreEvent: { metadata: { op: "create", urn: "urn:pulumi:paper::trading::trading:stack:TradingStack::trading", type: "trading:stack:TradingStack", new: { custom: false } } } };
    expect(previewOutcome(streamed(component)).resources).to.deep.equal([]);
    expect(only({ op: "create", type: "pulumi:providers:docker", after: {} })).to.deep.equal([]);
  });

  for (const [name, change, action] of [
    ["a change that no argument explains is none: the state was made up", { before: { a: 1 }, after: { a: 1 }, diffs: ["networkDatas"] }, "untouched"],
    ["the order of a list is an argument", { before: { a: [1, 2] }, after: { a: [2, 1] }, diffs: ["a"] }, "changed"],
    ["defaults that a plugin lists are no argument", { before: { a: 1, __defaults: ["b"] }, after: { a: 1, __defaults: [] }, diffs: [] }, "untouched"],
    ["a secret that the plugin finds changed is changed", { before: { a: SECRET }, after: { a: SECRET }, diffs: ["a"] }, "changed"],
    ["a secret that the plugin does not name is not", { before: { a: SECRET }, after: { a: SECRET }, diffs: ["b"] }, "untouched"],
  ] as const) {
    it(name, () => expect(only({ op: "update", ...change })[0]!.action).to.equal(action));
  }

  it("tell which rules of which pack are not kept, each once", () => {
    const violation = { policyEvent: { resourceUrn: "urn:pulumi:live::trading::docker:index/volume:Volume::data", message: "<{%fg 1%}>must be protected<{%reset%}>\n", policyName: "protected-data", policyPackName: "trading", enforcementLevel: "mandatory" } };
    const onStack = { policyEvent: { ...violation.policyEvent, resourceUrn: "urn:pulumi:live::trading::pulumi:pulumi:Stack::trading-live", policyName: "bounds", enforcementLevel: "advisory" } };
    const { policies, packs } = previewOutcome(streamed(violation, violation, onStack, { summaryEvent: { PolicyPacks: { trading: "1.0.0" } } }));
    expect(policies).to.deep.equal([
      { pack: "trading", policy: "protected-data", level: "mandatory", resource: "data", message: "must be protected" },
      { pack: "trading", policy: "bounds", level: "advisory", resource: null, message: "must be protected" },
    ]);
    expect(packs).to.deep.equal(["trading"]);
  });

  for (const [level, problems] of [
    ["mandatory", []],
    ["advisory", ["preview failed"]],
  ] as const) {
    it(`tell that a preview failed ${level === "mandatory" ? "by the rule alone that makes it fail" : "where no rule makes it fail"}`, () => {
      const violation = { policyEvent: { message: "m", policyName: "p", policyPackName: "trading", enforcementLevel: level } };
      expect(previewOutcome(streamed(violation, { diagnosticEvent: { severity: "error", message: "preview failed" } })).problems).to.deep.equal(problems);
    });
  }

  it("tell why a preview fails, in Pulumi's words and with the resource, and no more than that", () => {
    const said = (severity: string, message: string, urn?: string) => ({ diagnosticEvent: { severity, message, urn } });
    const text = streamed(said("debug", "noise"), said("warning", "old plugin"), said("error", "\u001b[31mwrong key\u001b[0m\n"), said("error", "cannot be deleted", "urn:pulumi:live::trading::docker:index/volume:Volume::data"), said("error", "wrong key"));
    expect(previewOutcome(text).problems).to.deep.equal(["wrong key", "data: cannot be deleted"]);
  });
});
