import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as docker from "@pulumi/docker";
import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanEngine, docker as client, exists, Home, IMAGE, inspect, PREFIX, TestStack } from "./harness";

const REPLACED = ["delete-replaced", "replace", "create-replacement"];

type ContainerArgs = Partial<docker.ContainerArgs>;

/** A program with the container `c` that sleeps, changed by `args`. */
function container(args: ContainerArgs = {}): () => Promise<void> {
  return async () => {
    new docker.Container("c", { name: `${PREFIX}c`, image: IMAGE, command: ["sleep", "1000"], ...args });
  };
}

/** A container whose arguments reach the plugin as they are, unknown ones included. */
class UncheckedContainer extends pulumi.CustomResource {
  constructor(name: string, args: Record<string, unknown>) {
    super("docker:index/container:Container", name, args, { version: "5.2.0" });
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

describe("stand-in plugins", function () {
  this.timeout(60_000);
  const home = new Home();
  let scratch: string;
  let stacks = 0;

  const newStack = (environment: Record<string, string> = {}): Promise<TestStack> => home.stack(`s${++stacks}`, environment);

  before(async () => {
    expect(await home.install()).to.deep.equal(["docker", "command"]);
  });

  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), "plugin-test-scratch-"));
  });

  afterEach(async () => {
    await cleanEngine();
    rmSync(scratch, { recursive: true, force: true });
  });

  after(() => home.remove());

  it("installs nothing again while the sources stay the same", async () => {
    expect(await home.install()).to.deep.equal([]);
  });

  describe("Container", () => {
    it("makes a full container, finds no change afterwards and removes it", async () => {
      const stack = await newStack();
      const port = await freePort();
      const program = async () => {
        const volume = new docker.Volume("v", { name: `${PREFIX}v`, labels: [{ label: "owner", value: "test" }] });
        const network = new docker.Network("n", { name: `${PREFIX}n`, labels: [{ label: "owner", value: "test" }] });
        new docker.Container("c", {
          name: `${PREFIX}c`,
          image: IMAGE,
          entrypoints: ["sh", "-c"],
          command: ["sleep 1000"],
          user: "1000:1000",
          envs: ["B=2", "A=1"],
          labels: [{ label: "owner", value: "test" }],
          ports: [{ internal: 8080, external: port, ip: "127.0.0.1" }],
          volumes: [{ volumeName: volume.name, containerPath: "/data", readOnly: true }],
          networksAdvanced: [{ name: network.name, aliases: ["service"] }],
          healthcheck: { tests: ["CMD", "true"], interval: "1s", timeout: "2s", retries: 3, startPeriod: "1s" },
          memory: 64,
          memorySwap: 64,
          cpuShares: 512,
          logOpts: { "max-size": "1m", "max-file": "2" },
          capabilities: { drops: ["ALL"] },
          securityOpts: ["no-new-privileges:true"],
          readOnly: true,
          tmpfs: { "/tmp": "size=16m" },
          init: true,
          stopSignal: "SIGTERM",
          stopTimeout: 7,
          restart: "unless-stopped",
          destroyGraceSeconds: 3,
          shmSize: 32,
          wait: true,
          waitTimeout: 30,
        });
      };
      const first = await stack.up(program);
      expect(first.operations, first.output).to.deep.equal({ v: ["create"], n: ["create"], c: ["create"] });
      const { Config: config, HostConfig: host, NetworkSettings: networks, State: state } = await inspect("c");
      expect(state.Health?.Status).to.equal("healthy");
      expect(config.User).to.equal("1000:1000");
      expect(host).to.deep.include({ Memory: 64 << 20, MemorySwap: 64 << 20, CpuShares: 512, ReadonlyRootfs: true, Init: true, ShmSize: 32 << 20 });
      expect(host.CapDrop).to.deep.equal(["ALL"]);
      expect(host.Binds).to.deep.equal([`${PREFIX}v:/data:ro`]);
      expect(Object.keys(networks.Networks)).to.deep.equal([`${PREFIX}n`]);
      expect(networks.Networks[`${PREFIX}n`]?.Aliases).to.include("service");

      const same = { v: ["same"], n: ["same"], c: ["same"] };
      expect((await stack.preview(program)).operations).to.deep.equal(same);
      const refreshed = await stack.refresh();
      expect(refreshed.ok, refreshed.output).to.equal(true);
      expect((await stack.destroy()).ok).to.equal(true);
      expect(await exists("c")).to.equal(false);
    });

    const replacing: { change: string; before: ContainerArgs; after: ContainerArgs }[] = [
      { change: "label", before: { labels: [{ label: "a", value: "1" }] }, after: { labels: [{ label: "a", value: "2" }] } },
      { change: "environment", before: { envs: ["A=1"] }, after: { envs: ["A=1", "B=2"] } },
      { change: "stop timeout", before: { stopTimeout: 5 }, after: { stopTimeout: 6 } },
    ];
    for (const { change, before: old, after: now } of replacing) {
      it(`replaces the container, old one first, when its ${change} changes`, async () => {
        const stack = await newStack();
        await stack.up(container(old));
        const { Id: id } = await inspect("c");
        expect((await stack.up(container(now))).operations.c).to.deep.equal(REPLACED);
        expect((await inspect("c")).Id).to.not.equal(id);
        expect((await stack.preview(container(now))).operations.c).to.deep.equal(["same"]);
      });
    }

    it("updates memory in place and leaves the container running", async () => {
      const stack = await newStack();
      await stack.up(container({ memory: 64, memorySwap: 64 }));
      const old = await inspect("c");
      expect((await stack.up(container({ memory: 96, memorySwap: 96 }))).operations.c).to.deep.equal(["update"]);
      const now = await inspect("c");
      expect([now.Id, now.State.StartedAt, now.HostConfig.Memory]).to.deep.equal([old.Id, old.State.StartedAt, 96 << 20]);
    });

    it("takes a changed health check into the state only", async () => {
      const stack = await newStack();
      const program = (interval: string) => container({ healthcheck: { tests: ["CMD", "true"], interval } });
      await stack.up(program("5s"));
      const old = await inspect("c");
      expect((await stack.up(program("6s"))).operations.c).to.deep.equal(["update"]);
      const now = await inspect("c");
      expect([now.Id, now.Config.Healthcheck?.Interval]).to.deep.equal([old.Id, 5e9]);
      expect((await stack.preview(program("6s"))).operations.c).to.deep.equal(["same"]);
    });

    it("starts a stopped container again after a refresh, not before", async () => {
      const stack = await newStack();
      await stack.up(container());
      const { Id: id } = await inspect("c");
      await client.getContainer(id).stop({ t: 0 });
      expect((await stack.up(container())).operations.c).to.deep.equal(["same"]);
      expect((await inspect("c")).State.Running).to.equal(false);
      expect((await stack.up(container(), { refresh: true })).operations.c).to.deep.equal(["refresh", "update"]);
      const now = await inspect("c");
      expect([now.Id, now.State.Running]).to.deep.equal([id, true]);
    });

    it("leaves a container with start and mustRun false alone until they are true", async () => {
      const stack = await newStack();
      const off = container({ start: false, mustRun: false });
      await stack.up(off);
      expect((await inspect("c")).State.Status).to.equal("created");
      expect((await stack.preview(off, { refresh: true })).operations.c).to.deep.equal(["refresh", "same"]);
      expect((await stack.up(container())).operations.c).to.deep.equal(["update"]);
      expect((await inspect("c")).State.Running).to.equal(true);
    });

    it("gives the process its grace period before it removes the container", async () => {
      const stack = await newStack();
      const script = "trap 'sleep 1; echo ended > /mark/ended; exit 0' TERM; while :; do sleep 0.1; done";
      const program = container({ command: ["sh", "-c", script], volumes: [{ hostPath: scratch, containerPath: "/mark" }], destroyGraceSeconds: 8 });
      await stack.up(program);
      expect((await stack.destroy()).ok).to.equal(true);
      expect(readFileSync(join(scratch, "ended"), "utf8")).to.equal("ended\n");
    });

    it("keeps a container whose port is in use in the state and makes it anew once the port is free", async () => {
      const stack = await newStack();
      const port = await freePort();
      const ports = { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] };
      const options = { name: `${PREFIX}other`, Image: IMAGE, Cmd: ["sleep", "1000"], ExposedPorts: { "80/tcp": {} }, HostConfig: { PortBindings: ports } };
      const other = await client.createContainer(options);
      await other.start();
      const program = container({ ports: [{ internal: 80, external: port, ip: "127.0.0.1" }] });
      const failed = await stack.up(program);
      expect(failed.ok).to.equal(false);
      expect(failed.output).to.include("Unable to start container: Error response from daemon: ").and.to.include("port is already allocated");
      expect((await inspect("c")).State.Status).to.equal("created");
      await other.remove({ force: true });
      expect((await stack.up(program)).operations.c).to.deep.equal(REPLACED);
      expect((await inspect("c")).State.Running).to.equal(true);
    });

    it("has removed the old container when the new one's image is missing, and recovers", async () => {
      const stack = await newStack();
      await stack.up(container());
      const failed = await stack.up(container({ image: "plugin-test-nowhere:1" }));
      expect(failed.output).to.include("unable to pull image plugin-test-nowhere:1");
      expect(await exists("c")).to.equal(false);
      expect((await stack.up(container())).ok).to.equal(true);
      expect((await inspect("c")).State.Running).to.equal(true);
    });

    it("fails when the container does not get healthy in time", async () => {
      const stack = await newStack();
      const failed = await stack.up(container({ healthcheck: { tests: ["CMD", "false"], interval: "1s", retries: 1 }, wait: true, waitTimeout: 3 }));
      expect(failed.output).to.include("container failed to be in healthy state");
      expect((await inspect("c")).State.Running).to.equal(true);
    });

    it("refuses wrong arguments in the preview", async () => {
      const stack = await newStack();
      const wrong = async () => {
        new UncheckedContainer("c", { image: IMAGE, bogus: 1, restart: "sometimes" });
      };
      const { ok, output } = await stack.preview(wrong);
      expect(ok).to.equal(false);
      expect(output).to.include("Invalid or unknown key. Examine values at 'c.bogus'.");
      expect(output).to.include("'sometimes' doesn't match the pattern '^(no|on-failure|always|unless-stopped)$'. Examine values at 'c.restart'.");
    });
  });

  describe("Volume, Network, RemoteImage", () => {
    it("takes over an existing volume and keeps it at destroy where it is retained", async () => {
      const stack = await newStack();
      await client.createVolume({ Name: `${PREFIX}v` });
      const program = async () => {
        new docker.Volume("v", { name: `${PREFIX}v` }, { retainOnDelete: true });
      };
      expect((await stack.up(program)).operations.v).to.deep.equal(["create"]);
      expect((await stack.destroy()).ok).to.equal(true);
      expect((await client.getVolume(`${PREFIX}v`).inspect()).Name).to.equal(`${PREFIX}v`);
    });

    it("replaces a network together with the container on it", async () => {
      const stack = await newStack();
      const program = (value: string) => async () => {
        const network = new docker.Network("n", { name: `${PREFIX}n`, labels: [{ label: "a", value }] });
        new docker.Container("c", { name: `${PREFIX}c`, image: IMAGE, command: ["sleep", "1000"], networksAdvanced: [{ name: network.name, aliases: ["x"] }] });
      };
      await stack.up(program("1"));
      const changed = await stack.up(program("2"));
      expect(changed.operations, changed.output).to.deep.equal({ c: REPLACED, n: REPLACED });
      expect((await stack.preview(program("2"))).operations).to.deep.equal({ c: ["same"], n: ["same"] });
    });

    it("reads a local image and keeps it", async () => {
      const stack = await newStack();
      const program = async () => {
        new docker.RemoteImage("i", { name: IMAGE, keepLocally: true });
      };
      expect((await stack.up(program)).operations.i).to.deep.equal(["create"]);
      expect((await stack.destroy()).ok).to.equal(true);
      expect((await client.getImage(IMAGE).inspect()).Id).to.match(/^sha256:/);
    });
  });

  describe("Command", () => {
    it("updates, replaces on triggers and runs delete", async () => {
      const stack = await newStack();
      const log = join(scratch, "log");
      const program = (value: string, trigger: number) => async () => {
        const note = (word: string) => `echo ${word} $VALUE prev=$PULUMI_COMMAND_STDOUT >> ${log}; echo ${word}`;
        new local.Command("k", { create: note("create"), update: note("update"), delete: note("delete"), environment: { VALUE: value }, triggers: [trigger] });
      };
      const lines = (): string[] => readFileSync(log, "utf8").trim().split("\n");
      await stack.up(program("1", 1));
      expect((await stack.up(program("2", 1))).operations.k).to.deep.equal(["update"]);
      expect((await stack.up(program("2", 2))).operations.k).to.deep.equal(["create-replacement", "replace", "delete-replaced"]);
      await stack.destroy();
      expect(lines()).to.deep.equal(["create 1 prev=", "update 2 prev=create", "create 2 prev=", "delete 2 prev=update", "delete 2 prev=create"]);
    });

    it("reports a failing command with its output and keeps it out of the state", async () => {
      const stack = await newStack();
      const program = (create: string) => async () => {
        new local.Command("k", { create });
      };
      const failed = await stack.up(program("echo some output; exit 3"));
      expect(failed.ok).to.equal(false);
      expect(failed.output).to.match(/exit status 3: running "echo some output; exit 3":\s+some output/);
      expect((await stack.up(program("echo fine"))).operations.k).to.deep.equal(["create"]);
    });

    it("makes up fail when runOutput fails", async () => {
      const stack = await newStack();
      const program = (command: string) => async () => {
        const first = new local.Command("first", { create: "true" });
        const gate = local.runOutput({ command }, { dependsOn: [first] });
        return { gate: gate.stdout };
      };
      const failed = await stack.up(program("echo not healthy >&2; exit 1"));
      expect(failed.ok).to.equal(false);
      expect(failed.output).to.include("exit status 1").and.to.include("not healthy");
      const passed = await stack.up(program("echo ready"));
      expect(passed.ok, passed.output).to.equal(true);
      expect(passed.output).to.include("ready");
    });

    it("keeps secrets out of the state's clear text", async () => {
      const stack = await newStack();
      const program = async () => {
        const password = pulumi.secret("needle-password");
        new local.Command("k", { create: "cat", stdin: password, logging: "none" }, { additionalSecretOutputs: ["stdout"] });
        new docker.Container("c", { name: `${PREFIX}c`, image: IMAGE, command: ["sleep", "1000"], envs: ["A=1", pulumi.interpolate`B=${password}`] });
      };
      const { ok, output } = await stack.up(program);
      expect(ok, output).to.equal(true);
      expect(output + stack.stateText()).to.not.include("needle-password");
      expect((await inspect("c")).Config.Env).to.include("B=needle-password");
      expect((await stack.preview(program)).operations).to.deep.equal({ k: ["same"], c: ["same"] });
    });
  });

  it("says in the preview that Docker cannot be reached", async () => {
    const stack = await newStack({ DOCKER_HOST: `unix://${join(scratch, "nothing.sock")}` });
    const { ok, output } = await stack.preview(container());
    expect(ok).to.equal(false);
    expect(output).to.include(`Cannot connect to the Docker daemon at unix://${join(scratch, "nothing.sock")}. Is the docker daemon running?`);
  });
});
