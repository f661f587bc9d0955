import { local } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { container, docker as client, IMAGE, inspect, PREFIX, workshop } from "./harness";

const REPLACED = ["delete-replaced", "replace", "create-replacement"];

describe("stand-in plugins: installation, volumes, networks, images, commands", function () {
  this.timeout(120_000);
  const shop = workshop();

  it("installs nothing again while the sources stay the same", async () => {
    expect(await shop.home.install()).to.deep.equal([]);
  });

  describe("Volume, Network, RemoteImage", () => {
    it("takes over an existing volume and keeps it at destroy where it is retained", async () => {
      const stack = await shop.newStack();
      await client.createVolume({ Name: `${PREFIX}v` });
      const program = async () => {
        new docker.Volume("v", { name: `${PREFIX}v` }, { retainOnDelete: true });
      };
      expect((await stack.up(program)).operations.v).to.deep.equal(["create"]);
      expect((await stack.destroy()).ok).to.equal(true);
      expect((await client.getVolume(`${PREFIX}v`).inspect()).Name).to.equal(`${PREFIX}v`);
    });

    it("replaces a network together with the container on it", async () => {
      const stack = await shop.newStack();
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
      const stack = await shop.newStack();
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
      const stack = await shop.newStack();
      const log = join(shop.scratch, "log");
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
      const stack = await shop.newStack();
      const program = (create: string) => async () => {
        new local.Command("k", { create });
      };
      const failed = await stack.up(program("echo some output; exit 3"));
      expect(failed.ok).to.equal(false);
      expect(failed.output).to.match(/exit status 3: running "echo some output; exit 3":\s+some output/);
      expect((await stack.up(program("echo fine"))).operations.k).to.deep.equal(["create"]);
    });

    it("makes up fail when runOutput fails", async () => {
      const stack = await shop.newStack();
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
      const stack = await shop.newStack();
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
    const stack = await shop.newStack({ DOCKER_HOST: `unix://${join(shop.scratch, "nothing.sock")}` });
    const { ok, output } = await stack.preview(container());
    expect(ok).to.equal(false);
    expect(output).to.include(`Cannot connect to the Docker daemon at unix://${join(shop.scratch, "nothing.sock")}. Is the docker daemon running?`);
  });
});
