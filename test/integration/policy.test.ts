import { expect } from "chai";
import * as path from "node:path";
import { execute, ThrowAwayStack, type Outcome } from "../support/throwAwayStack";

const complete = { guard: {}, backup: {} };
const bots = [{ name: "refstrat01", limits: { orderQuantity: 0.5, orderNotional: 12_000 } }];

/** The real engine and the real pack; nothing is ever made: previews only, and updates that are refused. */
describe("the policy pack", function () {
  this.timeout(240_000);
  let stack: ThrowAwayStack;

  before(async () => {
    stack = await ThrowAwayStack.make({ configuration: { ...complete, bots } });
  });
  after(() => stack?.remove());

  /** As `npm run pulumi -- ARGS` does. */
  const ours = (args: readonly string[]): Promise<Outcome> =>
    execute(process.execPath, [path.join(stack.root, "setup", "pulumi.mjs"), ...args, "--stack", stack.name, "--non-interactive", "--color", "never"], { cwd: stack.root, env: stack.env });

  it("lets a paper and a live stack pass", async () => {
    const paper = await stack.pulumi(["preview", "--policy-pack", "policy"]);
    expect(paper.code, paper.text).to.equal(0);
    expect(paper.text).to.match(/✅ trading@v\S+ \(local: policy\)/);
    stack.configure({ mode: "live", feed: { source: "synthetic", seed: 1 }, bots });
    const live = await ours(["preview"]);
    expect(live.code, live.text).to.equal(0);
    expect(live.text).to.match(/✅ trading@v\S+ \(local: policy\)/);
  });

  it("refuses a limit beyond its bound before anything is made, in our own commands unasked", async () => {
    stack.configure({ ...complete, bots: [{ name: "refstrat01", limits: { orderQuantity: 0.5, orderNotional: 1_200_000 } }] });
    const outcome = await ours(["up", "--yes"]);
    expect(outcome.code, outcome.text).to.not.equal(0);
    expect(outcome.text).to.include("risk-limits-bounded").and.include("broker: SETTINGS.bots[0].limits.orderNotional = 1200000; allowed: at most 1000000");
    expect(await stack.containerIds()).to.deep.equal({});
  });

  for (const [what, file, from, to, expected] of [
    ["a port for everybody", "components/containerArguments.ts", 'ip: "127.0.0.1"', 'ip: "0.0.0.0"', ["loopback-ports", 'gui: ports[0].ip = "0.0.0.0"; allowed: "127.0.0.1"']],
    ["data that a destroy takes along", "components/resourceOptions.ts", "retainOnDelete: true", "retainOnDelete: false", ["data-volumes-kept", "timescaledb-data: options.retainOnDelete = false; allowed: true"]],
  ] as const) {
    it(`refuses a change of the program that makes ${what}`, async () => {
      stack.configure({ ...complete, bots });
      const before = stack.read(file);
      expect(before).to.include(from);
      stack.write(file, before.replace(from, to));
      try {
        const { code, text } = await stack.pulumi(["preview", "--policy-pack", "policy"]);
        expect(code, text).to.not.equal(0);
        for (const words of expected) expect(text).to.include(words);
      } finally {
        stack.write(file, before);
      }
    });
  }
});
