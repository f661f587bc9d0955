import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { checkpoint, madeUpState } from "../../../../operations/review/madeUpState";
import { plannedResources, type StateResource } from "../../../../operations/review/plannedResources";
import { contains, MASK, UNKNOWN } from "../../../../operations/review/values";

/** Two previews of a few resources of a paper stack, as Pulumi 3.259 printed them: against nothing, and against what was made up of the first. */
function recorded(name: string): { readonly digest: unknown; readonly plan: unknown } {
  return JSON.parse(fs.readFileSync(path.join(__dirname, "recorded", `${name}.json`), "utf8")) as ReturnType<typeof recorded>;
}

const endsWith = (resources: readonly StateResource[], end: string) => resources.find(({ urn }) => urn.endsWith(end))!;

describe("the state that a review makes up", () => {
  const first = recorded("firstPass");
  const planned = plannedResources(first.digest, first.plan);
  const once = madeUpState(planned);
  const second = recorded("secondPass");
  const twice = madeUpState(plannedResources(second.digest, second.plan, once.resources));

  it("puts each resource after its parent, its plugin and what it depends on, plugins included that no program names", () => {
    const urns = planned.map(({ resource }) => resource.urn);
    const at = (end: string) => urns.findIndex((urn) => urn.endsWith(end));
    expect(urns.filter((urn) => urn.includes("pulumi:providers:"))).to.have.length(2);
    expect(at("default_5_2_0")).to.be.lessThan(at("Network::trading-network"));
    expect(at("Command::image-bot")).to.be.lessThan(at("container:Container::bot-refstrat01"));
    expect(at("container:Container::timescaledb")).to.be.lessThan(at("::timescaledb-migrate"));
    expect(new Set(urns).size).to.equal(urns.length);
  });

  it("holds every secret as Pulumi keeps it, and nowhere a mask", () => {
    for (const { resources } of [once, twice]) {
      const { stdin } = endsWith(resources, "bot-refstrat01-secrets-files").inputs as { stdin: Record<string, string> };
      expect(stdin["plaintext"]).to.contain("broker-token");
      expect(resources.some((resource) => contains(resource.inputs, MASK) || contains(resource.outputs, MASK))).to.equal(false);
    }
  });

  it("knows after the first preview what was not yet known, and everything after the second", () => {
    expect(once.unknown.map((urn) => urn.split("::").at(-1))).to.have.members(["bot-refstrat01-secrets-files", "timescaledb", "timescaledb-migrate", "bot-refstrat01"]);
    expect(twice.unknown).to.deep.equal([]);
    expect(JSON.stringify(twice.resources)).not.to.contain(UNKNOWN);
  });

  it("uses one id for one thing, wherever it is asked for", () => {
    const image = endsWith(twice.resources, "Command::image-bot").outputs!["stdout"];
    expect(image).to.match(/^sha256:[0-9a-f]{64}$/);
    expect(endsWith(once.resources, "Command::image-bot").outputs!["stdout"]).to.equal(image);
    expect(endsWith(twice.resources, "container:Container::bot-refstrat01").inputs!["image"]).to.equal(image);
    expect(endsWith(twice.resources, "timescaledb-migrate").inputs!["triggers"]).to.include(endsWith(twice.resources, "container:Container::timescaledb").id);
    expect(endsWith(twice.resources, "bot-refstrat01-secrets-volume").id).to.equal("trading-paper-secrets-bot-refstrat01");
    const plugin = endsWith(twice.resources, "default_5_2_0");
    expect(endsWith(twice.resources, "Network::trading-network").provider).to.equal(`${plugin.urn}::${plugin.id}`);
  });

  it("has what the Engine adds to a container, whose absence a plugin takes for a change", () => {
    expect(endsWith(twice.resources, "container:Container::bot-refstrat01").outputs).to.include.keys("networkDatas", "command", "entrypoints", "image", "id");
  });

  it("is written as Pulumi's file backend reads it", () => {
    const { version, checkpoint: kept } = JSON.parse(checkpoint("trading", "paper", twice.resources)) as { version: number; checkpoint: { stack: string; latest: { resources: unknown[] } } };
    expect([version, kept.stack, kept.latest.resources.length]).to.deep.equal([3, "organization/trading/paper", twice.resources.length]);
    expect(JSON.parse(checkpoint("trading", "paper", null))).to.deep.equal({ version: 3, checkpoint: { stack: "organization/trading/paper", latest: null } });
  });

  it("does not go on with a secret that no plan holds", () => {
    const { digest } = recorded("firstPass");
    expect(() => plannedResources(digest, { resourcePlans: {} })).to.throw("the plan does not hold the secret stdin of urn:pulumi:paper::");
  });

  for (const [what, digest, plan] of [
    ["steps", { steps: "none" }, { resourcePlans: {} }],
    ["plans", { steps: [] }, {}],
  ] as const) {
    it(`refuses what another version of Pulumi may write in the place of its ${what}`, () => expect(() => plannedResources(digest, plan)).to.throw());
  }
});

describe("an id that is not known", () => {
  const made = (name: string, op = "create") => ({ op, resource: { urn: `urn::${name}`, type: "docker:index/container:Container", custom: true, inputs: { name } }, outputs: {} });
  const user = (triggers: unknown[], dependencies: string[]) => ({
    op: "replace",
    resource: { urn: "urn::user", type: "command:local:Command", custom: true, inputs: { triggers }, propertyDependencies: { triggers: dependencies } },
    outputs: {},
  });
  for (const [name, planned, known] of [
    ["is that of the one thing which is made now", [made("a"), made("b", "same"), user([UNKNOWN, "x"], ["urn::a", "urn::b"])], true],
    ["stays unknown where two things may be meant", [made("a"), made("b"), user([UNKNOWN], ["urn::a", "urn::b"])], false],
    ["stays unknown where two places wait for it", [made("a"), user([UNKNOWN, UNKNOWN], ["urn::a"])], false],
    ["stays unknown where nothing is known to be meant", [user([UNKNOWN], [])], false],
  ] as const) {
    it(name, () => expect(madeUpState(planned).unknown).to.deep.equal(known ? [] : ["urn::user"]));
  }
});
