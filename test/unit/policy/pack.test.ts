import { unknownCheckingProxy, type ResourceValidationArgs, type ResourceValidationPolicy, type StackValidationArgs, type StackValidationPolicy } from "@pulumi/policy";
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { policiesOf } from "../../../policy/pack";
import { TYPES, UNKNOWN, violationText, type DeclaredResource } from "../../../policy/rule";
import { RESOURCE_RULES, stackRules } from "../../../policy/rules";
import { readStackFiles } from "../../../policy/stackFiles";

/** What Pulumi writes in the place of a string that is not known yet. */
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function argumentsOf(props: Record<string, unknown>): ResourceValidationArgs {
  const opts = { protect: true, ignoreChanges: ["labels"], aliases: [], customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 }, additionalSecretOutputs: [] };
  return { type: TYPES.container, name: "gui", urn: "urn:pulumi:paper::trading::t::gui", props: unknownCheckingProxy(props), opts } as unknown as ResourceValidationArgs;
}

describe("the policy pack", () => {
  it("hands rules what was declared, and marks what is not known yet", () => {
    const props = { image: UNKNOWN_STRING, envs: ["A=1", UNKNOWN_STRING], ports: [{ ip: "127.0.0.1", external: UNKNOWN_STRING }], memory: 128, id: "0bd6e1f2-1111-4222-8333-444455556666", wait: null };
    const seen: DeclaredResource[] = [];
    const [policy] = policiesOf([{ name: "a", description: "b", check: (resource) => (seen.push(resource), []) }], []);
    void (policy as { validateResource: (args: ResourceValidationArgs, report: () => void) => void }).validateResource(argumentsOf(props), () => undefined);
    expect(seen[0]!.properties).to.deep.equal({ ...props, image: UNKNOWN, envs: ["A=1", UNKNOWN], ports: [{ ip: "127.0.0.1", external: UNKNOWN }] });
    expect(seen[0]).to.deep.include({ type: TYPES.container, name: "gui", options: { protect: true, ignoreChanges: ["labels"] } });
  });

  it("reports each violation of a resource in a line of its own, and asks a rule about its own types only", () => {
    const asked: string[] = [];
    const rule = (name: string, types: string[]) => ({ name, description: "b", types, check: () => (asked.push(name), [{ property: "x", value: 1, allowed: "2" }, { property: "y", value: undefined, allowed: "3" }]) });
    const reported: string[] = [];
    for (const policy of policiesOf([rule("container", [TYPES.container]), rule("volume", [TYPES.volume])], [])) {
      void ((policy as ResourceValidationPolicy).validateResource as (args: ResourceValidationArgs, report: (text: string) => void) => void)(argumentsOf({}), (text) => reported.push(text));
    }
    expect(asked).to.deep.equal(["container"]);
    expect(reported).to.deep.equal(["gui: x = 1; allowed: 2", "gui: y is not set; allowed: 3"]);
  });

  it("places a violation of a rule over the whole stack at its resource", () => {
    const [policy] = policiesOf([], [{ name: "a", description: "b", check: ([resource]) => [{ resource: resource!, property: "x", value: 1, allowed: "2" }] }]);
    const reported: unknown[] = [];
    void (policy as StackValidationPolicy).validateStack({ resources: [argumentsOf({})] } as unknown as StackValidationArgs, (...all) => reported.push(all));
    expect(reported).to.deep.equal([["gui: x = 1; allowed: 2", "urn:pulumi:paper::trading::t::gui"]]);
  });

  it("has names and descriptions by which a rule is found in docs/policy.md", () => {
    const rules = [...RESOURCE_RULES, ...stackRules([])];
    const documented = fs.readFileSync(path.join(__dirname, "../../../docs/policy.md"), "utf8");
    expect(new Set(rules.map(({ name }) => name)).size).to.equal(rules.length);
    for (const { name } of rules) expect(documented, name).to.include(`| \`${name}\` |`);
    expect(documented.match(/^\| `[a-z-]+` \|/gm)).to.have.length(rules.length);
  });

  it("shows a long value shortened", () => {
    const text = violationText({ name: "gui" }, { property: "x", value: "y".repeat(1000), allowed: "z" });
    expect(text.length).to.be.lessThan(250);
    expect(text).to.match(/…; allowed: z$/);
  });
});

describe("stack files", () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-policy-"));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it("say which ports they claim", () => {
    fs.writeFileSync(path.join(root, "Pulumi.yaml"), "name: trading\n");
    fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), "encryptionsalt: v1:x\nconfig:\n  trading:mode: paper\n  trading:portBase: 8400\n");
    fs.writeFileSync(path.join(root, "Pulumi.paper-2.yaml"), 'config:\r\n  trading:portBase: "8420" # beside the other\r\n');
    fs.writeFileSync(path.join(root, "Pulumi.half.yaml"), "config:\n  # trading:portBase: 1\n");
    expect(readStackFiles(root)).to.have.deep.members([{ stack: "paper", portBase: 8400 }, { stack: "paper-2", portBase: 8420 }]);
  });

  it("of this project claim ports of their own", () => {
    const claimed = readStackFiles(path.resolve(__dirname, "../../..")).flatMap(({ portBase }) => [portBase, portBase + 1]);
    expect(claimed.length).to.be.at.least(4);
    expect(new Set(claimed).size).to.equal(claimed.length);
  });
});
