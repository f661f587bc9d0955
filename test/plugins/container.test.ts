import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { container, ContainerArgs, docker as client, exists, freePort, IMAGE, inspect, PREFIX, workshop } from "./harness";

const REPLACED = ["delete-replaced", "replace", "create-replacement"];

/** A container whose arguments reach the plugin as they are, unknown ones included. */
class UncheckedContainer extends pulumi.CustomResource {
  constructor(name: string, args: Record<string, unknown>) {
    super("docker:index/container:Container", name, args, { version: "5.2.0" });
  }
}

describe("stand-in docker plugin: Container", function () {
  this.timeout(120_000);
  const shop = workshop();

  it("makes a full container, finds no change afterwards and removes it", async () => {
    const stack = await shop.newStack();
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
      const stack = await shop.newStack();
      await stack.up(container(old));
      const { Id: id } = await inspect("c");
      expect((await stack.up(container(now))).operations.c).to.deep.equal(REPLACED);
      expect((await inspect("c")).Id).to.not.equal(id);
      expect((await stack.preview(container(now))).operations.c).to.deep.equal(["same"]);
    });
  }

  it("updates memory in place and leaves the container running", async () => {
    const stack = await shop.newStack();
    await stack.up(container({ memory: 64, memorySwap: 64 }));
    const old = await inspect("c");
    expect((await stack.up(container({ memory: 96, memorySwap: 96 }))).operations.c).to.deep.equal(["update"]);
    const now = await inspect("c");
    expect([now.Id, now.State.StartedAt, now.HostConfig.Memory]).to.deep.equal([old.Id, old.State.StartedAt, 96 << 20]);
  });

  it("takes a changed health check into the state only", async () => {
    const stack = await shop.newStack();
    const program = (interval: string) => container({ healthcheck: { tests: ["CMD", "true"], interval } });
    await stack.up(program("5s"));
    const old = await inspect("c");
    expect((await stack.up(program("6s"))).operations.c).to.deep.equal(["update"]);
    const now = await inspect("c");
    expect([now.Id, now.Config.Healthcheck?.Interval]).to.deep.equal([old.Id, 5e9]);
    expect((await stack.preview(program("6s"))).operations.c).to.deep.equal(["same"]);
  });

  it("starts a stopped container again after a refresh, not before", async () => {
    const stack = await shop.newStack();
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
    const stack = await shop.newStack();
    const off = container({ start: false, mustRun: false });
    await stack.up(off);
    expect((await inspect("c")).State.Status).to.equal("created");
    expect((await stack.preview(off, { refresh: true })).operations.c).to.deep.equal(["refresh", "same"]);
    expect((await stack.up(container())).operations.c).to.deep.equal(["update"]);
    expect((await inspect("c")).State.Running).to.equal(true);
  });

  it("gives the process its grace period before it removes the container", async () => {
    const stack = await shop.newStack();
    const script = "trap 'sleep 1; echo ended > /mark/ended; exit 0' TERM; while :; do sleep 0.1; done";
    const program = container({ command: ["sh", "-c", script], volumes: [{ hostPath: shop.scratch, containerPath: "/mark" }], destroyGraceSeconds: 8 });
    await stack.up(program);
    expect((await stack.destroy()).ok).to.equal(true);
    expect(readFileSync(join(shop.scratch, "ended"), "utf8")).to.equal("ended\n");
  });

  it("keeps a container whose port is in use in the state and makes it anew once the port is free", async () => {
    const stack = await shop.newStack();
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
    const stack = await shop.newStack();
    await stack.up(container());
    const failed = await stack.up(container({ image: "plugin-test-nowhere:1" }));
    expect(failed.output).to.include("unable to pull image plugin-test-nowhere:1");
    expect(await exists("c")).to.equal(false);
    expect((await stack.up(container())).ok).to.equal(true);
    expect((await inspect("c")).State.Running).to.equal(true);
  });

  it("fails when the container does not get healthy in time", async () => {
    const stack = await shop.newStack();
    const failed = await stack.up(container({ healthcheck: { tests: ["CMD", "false"], interval: "1s", retries: 1 }, wait: true, waitTimeout: 3 }));
    expect(failed.output).to.include("container failed to be in healthy state");
    expect((await inspect("c")).State.Running).to.equal(true);
  });

  it("refuses wrong arguments in the preview", async () => {
    const stack = await shop.newStack();
    const wrong = async () => {
      new UncheckedContainer("c", { image: IMAGE, bogus: 1, restart: "sometimes" });
    };
    const { ok, output } = await stack.preview(wrong);
    expect(ok).to.equal(false);
    expect(output).to.include("Invalid or unknown key. Examine values at 'c.bogus'.");
    expect(output).to.include("'sometimes' doesn't match the pattern '^(no|on-failure|always|unless-stopped)$'. Examine values at 'c.restart'.");
  });
});
