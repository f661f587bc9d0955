import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { stackContext } from "../../components/StackContext";
import { TradingStack } from "../../components/TradingStack";
import { backupSecrets } from "../../config/backupSecrets";
import { derivePassword } from "../../config/clone";
import { parseStackConfiguration } from "../../config/stackConfiguration";
import { IMAGE_NAMES, type ImageName } from "../../images/catalog";
import { TYPES, violationText, type DeclaredResource, type Properties } from "../../policy/rule";
import { RESOURCE_RULES, stackRules } from "../../policy/rules";

const KEY = "5".repeat(64);
const IMAGE_ID = `sha256:${"a".repeat(64)}`;
const imageHashes = Object.fromEntries(IMAGE_NAMES.map((name) => [name, `hash-of-${name}`])) as Record<ImageName, string>;
const files = [{ stack: "paper", portBase: 8400 }, { stack: "live", portBase: 8500 }];

/** What a stack registers, as the engine would hand it to the policy pack. */
async function registered(mode: "paper" | "live"): Promise<DeclaredResource[]> {
  const made = new Map<string, Properties>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        made.set(`${type} ${name}`, unwrapped(inputs) as Properties);
        return { id: `${name}-id`, state: type === TYPES.command ? { ...inputs, stdout: `${IMAGE_ID}\n` } : inputs };
      },
      call: () => ({ stdout: "", stderr: "" }),
    },
    "trading",
    mode,
    false,
  );
  const options = new Map<string, pulumi.CustomResourceOptions>();
  const outputs = new Map<string, Properties>();
  const stopRecording = recordOutputs(outputs);
  try {
    const configuration = parseStackConfiguration(mode, { mode, portBase: mode === "paper" ? 8400 : 8500, feed: { source: "synthetic" }, backup: { secondCopy: { kind: "path", path: __dirname } }, bots: ["refstrat01", "second"].map((name) => ({ name, limits: { orderQuantity: 0.5, orderNotional: 12_000 } })) });
    const context = stackContext(mode, mode, "owner-of-the-test", KEY, configuration.logLevel);
    const secrets = backupSecrets(__dirname, mode, configuration.backup, KEY);
    const stack = new TradingStack(
      "trading",
      { context, configuration, desiredState: { bots: {} }, halts: { halts: [], unreadable: [], problem: null }, imageHashes, verifyImages: async () => undefined, root: __dirname, backupSecrets: secrets },
      // Mocks are not told of options; a transformation is.
      { transformations: [({ type, name, opts }) => void options.set(`${type} ${name}`, opts)] },
    );
    await new Promise((resolve) => stack.health.apply(resolve));
    await pulumi.runtime.disconnect();
  } finally {
    stopRecording();
  }
  return [...made].map(([key, inputs]) => {
    const [type, name] = key.split(" ") as [string, string];
    const { parent, protect = false, ignoreChanges = [] } = options.get(key) ?? {};
    const parentType = parent && Object.entries(TYPES).find(([, known]) => known === (parent as unknown as { __pulumiType: string }).__pulumiType)?.[1];
    const urn = `urn:pulumi:${mode}::trading::${parentType ? `${parentType}$` : ""}${type}::${name}`;
    return { type, name, urn, properties: { ...inputs, ...outputs.get(key) }, options: { protect, ignoreChanges: ignoreChanges as string[] } };
  });
}

/** Mocks throw away what a component registers as its outputs. */
function recordOutputs(outputs: Map<string, Properties>): () => void {
  const prototype = pulumi.ComponentResource.prototype as unknown as { registerOutputs(given?: Properties): void };
  const original = prototype.registerOutputs;
  prototype.registerOutputs = function (this: { __pulumiType: string; __name: string }, given) {
    // Pulumi calls it again by itself, with nothing.
    if (given !== undefined) outputs.set(`${this.__pulumiType} ${this.__name}`, Object.fromEntries(Object.entries(given).filter(([, value]) => !pulumi.Output.isInstance(value))));
    return original.call(this as never, given);
  };
  return () => {
    prototype.registerOutputs = original;
  };
}

/** A secret as the pack sees it: in clear. */
function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapped);
  if (value === null || typeof value !== "object") return value;
  if ("4dabf18193072939515e22adb298388d" in value) return unwrapped((value as Properties).value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrapped(inner)]));
}

function violations(resources: readonly DeclaredResource[]): string[] {
  const ofResources = RESOURCE_RULES.flatMap((rule) => resources.filter(({ type }) => !rule.types || rule.types.includes(type)).flatMap((resource) => rule.check(resource).map((violation) => `${rule.name} ${violationText(resource, violation)}`)));
  const ofStack = stackRules(files).flatMap((rule) => rule.check(resources).map((violation) => `${rule.name} ${violationText(violation.resource, violation)}`));
  return [...ofResources, ...ofStack];
}

describe("the program under the policy pack", function () {
  this.timeout(60_000);

  for (const mode of ["paper", "live"] as const) {
    describe(mode, () => {
      let resources: DeclaredResource[];
      before(async () => {
        resources = await registered(mode);
      });
      const changed = (type: string, name: string, change: (resource: DeclaredResource) => Partial<DeclaredResource>) => {
        const found = resources.find((resource) => resource.type === type && resource.name === name)!;
        return violations(resources.map((resource) => (resource === found ? { ...resource, ...change(resource) } : resource)));
      };

      it("breaks no rule", () => {
        const count = (type: string) => resources.filter((resource) => resource.type === type).length;
        expect([count(TYPES.container), count(TYPES.dataVolume), count(TYPES.tradingStack)]).to.deep.equal([11, 3, 1]);
        expect(violations(resources)).to.deep.equal([]);
      });

      it("breaks one as soon as a password is where it can be seen", () => {
        const password = derivePassword(KEY, "database/broker");
        const found = changed(TYPES.container, "gui", ({ properties }) => ({ properties: { ...properties, envs: [...(properties.envs as string[]), `LEVEL=${password}`] } }));
        const line = (file: string) => `no-secret-content gui: envs = "(the content of ${file})"; allowed: no secret: it belongs into the secret file alone`;
        expect(found).to.have.members([line("broker-secrets-files: database-password"), line("timescaledb-migrate-secrets-files: broker-password")]);
      });

      it("breaks one as soon as another container than the guard's proxy has its socket", () => {
        const socket = resources.find(({ name, type }) => name === "guard-proxy" && type === TYPES.container)!.properties.volumes[0] as object;
        const found = changed(TYPES.container, "bot-refstrat01", ({ properties }) => ({ properties: { ...properties, volumes: [socket] } }));
        expect(found).to.have.length(1);
        expect(found[0]).to.match(/^no-docker-socket bot-refstrat01: volumes\[0\]\.hostPath = /);
      });

      it(`${mode === "live" ? "breaks" : "does not break"} one without the protection of its data`, () => {
        const found = changed(TYPES.volume, "timescaledb-data-volume", ({ options }) => ({ options: { ...options, protect: false } }));
        expect(found).to.deep.equal(mode === "live" ? ["data-volumes-kept timescaledb-data-volume: options.protect = false; allowed: true, in live"] : []);
      });
    });
  }
});
