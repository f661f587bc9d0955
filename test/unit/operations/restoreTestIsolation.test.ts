import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { isolated } from "../../../components/IsolatedStack";
import { isCaredFor, remainsText } from "../../../operations/restoreTest/temporaryStack";
import { pulumiProblem } from "../../../operations/restoreTest/workspace";

const stack = { name: "restoretest0a1b2c", copyOf: "paper", control: "/tools/restoretest0a1b2c/control" };
const CONTAINER = "docker:index/container:Container";

describe("the stack of a restore test", () => {
  it("publishes no port, knows no host and does not start again, whatever a component declares", () => {
    const properties = { image: "sha256:1", ports: [{ internal: 8080, external: 8400 }], hosts: [{ host: "host.docker.internal", ip: "host-gateway" }], restart: "unless-stopped", envs: [], volumes: [{ volumeName: "v" }] };
    const { envs: _envs, ...left } = isolated(CONTAINER, properties, stack);
    expect(left).to.deep.equal({ image: "sha256:1", restart: "no", volumes: [{ volumeName: "v" }] });
  });

  it("calls itself after the stack it is a copy of, since that is part of every order's id", async () => {
    const { envs } = isolated(CONTAINER, { envs: ["LOG_LEVEL=info", "TRADING_STACK=restoretest0a1b2c"] }, stack);
    const seen = await new Promise((resolve) => (envs as pulumi.Output<string[]>).apply(resolve));
    expect(seen).to.deep.equal(["LOG_LEVEL=info", "TRADING_STACK=paper"]);
  });

  it("has a network without a way out", () => {
    expect(isolated("docker:index/network:Network", { name: "n" }, stack)).to.deep.equal({ name: "n", internal: true });
  });

  it("mounts no folder of the machine but its own control folder", () => {
    expect(() => isolated(CONTAINER, { volumes: [{ hostPath: "/project" }] }, stack)).to.throw(/no folder of the machine/);
    expect(() => isolated(CONTAINER, { volumes: [{ hostPath: "/project/.trading/stacks/paper/control" }] }, stack)).to.throw(/no folder of the machine/);
    const { volumes } = isolated(CONTAINER, { envs: [], volumes: [{ hostPath: stack.control }] }, stack);
    expect(volumes).to.deep.equal([{ hostPath: stack.control }]);
  });

  const now = 1_000_000_000;
  const runner = { process: 10, host: "here", owner: "c1", since: now - 60_000 };
  for (const [name, of, alive, expected] of [
    ["whose process lives", runner, true, true],
    ["whose process is gone", runner, false, false],
    ["that says nothing of its process", undefined, true, false],
    ["of another machine's clone", { ...runner, host: "there" }, true, false],
    ["so old that its process number belongs to somebody else", { ...runner, since: now - 7 * 3_600_000 }, true, false],
  ] as const) {
    it(`${expected ? "is left alone" : "counts as left behind"}: one ${name}`, () => expect(isCaredFor(of, now, () => alive, "here")).to.equal(expected));
  }

  it("is named part by part where something of it is left", () => {
    expect(remainsText({ containers: ["a", "b"], networks: [], volumes: ["c"] })).to.equal("containers a, b; volumes c");
    expect(remainsText({ containers: [], networks: [], volumes: [] })).to.equal("nothing");
  });

  it("tells of Pulumi's output what says why it did not come up", () => {
    const output = "code: 255\n stdout: Updating (x):\n\nDiagnostics:\n  command:local:Command (broker):\n    error: container trading-x-broker keeps ending\n\nResources:\n    + 3 created\n";
    expect(pulumiProblem(output)).to.equal("command:local:Command (broker):; error: container trading-x-broker keeps ending");
    expect(pulumiProblem("spawn pulumi ENOENT")).to.equal("spawn pulumi ENOENT");
  });
});
