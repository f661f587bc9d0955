import { expect } from "chai";
import { TYPES, UNKNOWN } from "../../../policy/rule";
import { commands } from "../../../policy/rules/commands";
import { ownNames } from "../../../policy/rules/ownNames";
import { resourceTypes } from "../../../policy/rules/resourceTypes";
import { secretNames } from "../../../policy/rules/secretNames";
import { container, IMAGE, resource, said } from "./declared";

const command = (create: unknown, more = {}) => resource(TYPES.command, "gui-secrets-files", { create, ...more });
const run = (flags: string, image = IMAGE) => `docker run --rm --interactive --network none --user 0 --volume trading-paper-secrets-gui:/target ${flags} ${image} write-files 10001:10001`.replace("  ", " ");
const labels = [{ label: "trading.stack", value: "paper" }];

describe("rules about commands", () => {
  it("let the program's own commands pass", () => {
    const migrate = `docker run --rm --network trading-paper --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --memory 192m --volume trading-paper-secrets-migrate:/secrets:ro --env SETTINGS ${IMAGE}`;
    for (const create of [run(""), migrate, "node --import tsx images/build.ts base --hash 0123", UNKNOWN]) expect(said(commands, command(create)), String(create)).to.deep.equal([]);
  });

  it("leave flags behind the image to the program in it", () => {
    expect(said(commands, command(`${run("")} -p 5432 --privileged`))).to.deep.equal([]);
  });

  const walls = "a container with its own namespaces, no port, no device and no further capability";
  for (const [flags, value, allowed] of [
    ["--privileged", "--privileged sha256:", walls],
    ["--network host", "--network host", walls],
    ["--net=host", "--net host", walls],
    ["--network container:trading-live-broker", "--network container:trading-live-broker", walls],
    ["--pid host", "--pid host", walls],
    ["--ipc=host", "--ipc host", walls],
    ["--cap-add SYS_ADMIN", "--cap-add SYS_ADMIN", walls],
    ["--security-opt seccomp=unconfined", "--security-opt seccomp=unconfined", walls],
    ["-p 8080:8080", "-p 8080:8080", walls],
    ["--volume /var/run/docker.sock:/var/run/docker.sock", "--volume /var/run/docker.sock:/var/run/docker.sock", "nothing of the Docker Engine is mounted"],
    ["-v /:/host", "-v /:/host", "nothing of the Docker Engine is mounted"],
    ["--mount type=bind,source=/run/docker.sock,target=/s", "--mount type=bind,source=/run/docker.sock,target=/s", "nothing of the Docker Engine is mounted"],
  ] as const) {
    it(`refuse docker run ${flags}`, () => {
      const [first, ...more] = said(commands, command(run(flags)));
      expect(more).to.deep.equal([]);
      expect(first).to.include(`gui-secrets-files: create = "${value}`).and.include(`; allowed: ${allowed}`);
    });
  }

  it("refuse an image by its tag, at every command of the resource and behind another command", () => {
    for (const [property, text] of [["create", run("", "debian:13")], ["update", run("", "debian")], ["delete", `echo ready && ${run("", "debian:13")}`]] as const) {
      const lines = said(commands, resource(TYPES.command, "x", { [property]: text }));
      expect(lines, text).to.have.length(1);
      expect(lines[0]).to.include(`x: ${property} = "docker run`).and.include("allowed: an image by content: sha256:<64 hex>, or name@sha256:<64 hex>");
    }
  });

  it("show no secret of a command that has one", () => {
    for (const [what, declared] of [
      ["environment", command("node x.js", { environment: { DATABASE_PASSWORD: "hunter2" } })],
      ["flag", command("psql --password hunter2")],
      ["address", command("curl https://owner:hunter2@feed.example/?a=b")],
      ["trigger", command("node x.js", { triggers: [JSON.stringify({ roles: [{ token: "hunter2", expression: "a=b" }] })] })],
      ["docker run --env", command(run("--env TOKEN=hunter2"))],
    ] as const) {
      const lines = said(secretNames, declared);
      expect(lines.length, what).to.be.greaterThan(0);
      expect(lines.join("\n"), what).to.not.include("hunter2");
    }
    expect(said(secretNames, command(run(""), { environment: { DATABASE_USER: "broker", SETTINGS: '{"roles":[{"name":"broker"}]}' }, triggers: [IMAGE, "0123abcd"] }))).to.deep.equal([]);
  });
});

describe("rules about volumes, networks and types", () => {
  it("let a stack's own volumes and its network pass", () => {
    for (const name of ["trading-paper-timescaledb-data", "trading-paper-backups", "trading-paper-secrets-migrate", "trading-paper-secrets-bot-refstrat01"]) {
      expect(said(ownNames, resource(TYPES.volume, "v", { name, labels })), name).to.deep.equal([]);
    }
    expect(said(ownNames, resource(TYPES.network, "n", { name: "trading-paper", labels }))).to.deep.equal([]);
  });

  it("refuse names and labels of another stack", () => {
    for (const declared of [
      resource(TYPES.volume, "v", { name: "trading-live-backups", labels }),
      resource(TYPES.volume, "v", { name: "backups", labels }),
      resource(TYPES.volume, "v", { labels }),
      resource(TYPES.volume, "v", { name: "trading-paper-backups" }),
      resource(TYPES.network, "n", { name: "trading-live", labels }),
      resource(TYPES.network, "n", { name: "trading-paper", labels: [{ label: "trading.stack", value: "live" }] }),
    ]) {
      expect(said(ownNames, declared), JSON.stringify(declared.properties)).to.have.length(1);
    }
  });

  it("refuse a secret in what a volume is made with", () => {
    const declared = resource(TYPES.volume, "v", { name: "trading-paper-backups", labels, driverOpts: { o: "addr=nas", password: "hunter2" } });
    expect(said(secretNames, declared)).to.have.length(1);
    expect(said(secretNames, resource(TYPES.volume, "v", { name: "trading-paper-backups", labels, driverOpts: { o: "addr=nas" } }))).to.deep.equal([]);
  });

  it("refuse types that no rule is about", () => {
    for (const type of ["docker:index/service:Service", "docker:index/image:Image", "docker:index/remoteImage:RemoteImage", "command:remote:Command", "pulumi-nodejs:dynamic:Resource"]) {
      expect(said(resourceTypes, resource(type, "x", {})), type).to.have.length(1);
    }
    for (const declared of [container(), resource("pulumi:pulumi:Stack", "s", {}), resource("pulumi:providers:docker", "d", {}), resource("trading:stack:TradingStack", "t", {}), command("x")]) {
      expect(said(resourceTypes, declared), declared.type).to.deep.equal([]);
    }
  });
});
