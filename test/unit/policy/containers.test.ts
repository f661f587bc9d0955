import { expect } from "chai";
import { UNKNOWN, type Properties, type ResourceRule } from "../../../policy/rule";
import { RESOURCE_RULES } from "../../../policy/rules";
import { dockerSocket, isEngine } from "../../../policy/rules/dockerSocket";
import { images } from "../../../policy/rules/images";
import { memory } from "../../../policy/rules/memory";
import { namespaces } from "../../../policy/rules/namespaces";
import { healthcheck, lifecycle, logs } from "../../../policy/rules/operation";
import { ownNames } from "../../../policy/rules/ownNames";
import { ports } from "../../../policy/rules/ports";
import { privileges } from "../../../policy/rules/privileges";
import { secretNames } from "../../../policy/rules/secretNames";
import { container, proxySpecification, said, specification } from "./declared";

const digest = `sha256:${"0".repeat(64)}`;
const label = (name: string, value: string) => [...(container().properties.labels as { label: string; value: string }[]).filter((entry) => entry.label !== name), { label: name, value }];
const mounted = (...entries: Properties[]) => ({ volumes: entries });

/** Changes of a good container, and what the rule says of each: the text behind the resource's name. */
const broken: readonly (readonly [rule: ResourceRule, what: string, changed: Properties, said: string | RegExp])[] = [
  [images, "a tag", { image: "postgres:17" }, 'image = "postgres:17"; allowed: a local image id sha256:<64 hex>, or name@sha256:<64 hex>; never a tag'],
  [images, "a name alone", { image: "postgres" }, /^image = "postgres"; allowed: /],
  [images, "a digest cut short", { image: `postgres@sha256:${"0".repeat(63)}` }, /^image = "postgres@sha256:0/],
  [images, "no image", { image: undefined }, /^image is not set; allowed: /],

  [ports, "all addresses", { ports: [{ internal: 8080, external: 8400, ip: "0.0.0.0" }] }, 'ports[0].ip = "0.0.0.0"; allowed: "127.0.0.1"'],
  [ports, "no address, which is all of them", { ports: [{ internal: 1, external: 1, ip: "127.0.0.1" }, { internal: 8080, external: 8400 }] }, 'ports[1].ip is not set; allowed: "127.0.0.1"'],
  [ports, "whatever the image exposes", { publishAllPorts: true }, "publishAllPorts = true; allowed: false, or left out"],

  [dockerSocket, "the socket", mounted({ hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock", readOnly: true }), 'volumes[0].hostPath = "/var/run/docker.sock"; allowed: nothing of the Docker Engine; only guard-proxy has its socket'],
  [dockerSocket, "a folder with the socket in it", mounted({ hostPath: "/var/run", containerPath: "/x" }), /^volumes\[0\]\.hostPath = "\/var\/run"/],
  [dockerSocket, "the whole machine", { mounts: [{ type: "bind", source: "/", target: "/host" }] }, /^mounts\[0\]\.source = "\/"/],
  [dockerSocket, "the Engine over the network", { envs: ["DOCKER_HOST=tcp://host.docker.internal:2375"] }, "envs DOCKER_HOST = \"tcp://host.docker.internal:2375\"; allowed: nothing: no container talks to an Engine"],

  [memory, "no limit", { memory: undefined, memorySwap: undefined }, "memory is not set; allowed: a number of megabytes above 0"],
  [memory, "swap beside it", { memorySwap: 256 }, "memorySwap = 256; allowed: the same as memory (128)"],
  [memory, "unlimited swap", { memorySwap: -1 }, /^memorySwap = -1/],

  [privileges, "all privileges", { privileged: true }, "privileged = true; allowed: false, or left out"],
  [privileges, "Docker's own capabilities", { capabilities: undefined }, 'capabilities.drops is not set; allowed: "ALL" among them'],
  [privileges, "some capabilities dropped", { capabilities: { drops: ["NET_RAW"] } }, /^capabilities\.drops = \["NET_RAW"\]/],
  [privileges, "a capability more", { capabilities: { drops: ["ALL"], adds: ["SYS_ADMIN"] } }, 'capabilities.adds = "SYS_ADMIN"; allowed: none'],
  [privileges, "the backup's capabilities in another service", { capabilities: { drops: ["ALL"], adds: ["KILL"] } }, 'capabilities.adds = "KILL"; allowed: none'],
  [privileges, "new privileges", { securityOpts: [] }, 'securityOpts = []; allowed: "no-new-privileges:true" among them'],
  [privileges, "new privileges by name", { securityOpts: ["no-new-privileges:false"] }, /^securityOpts = \["no-new-privileges:false"\]/],
  [privileges, "no filter of system calls", { securityOpts: ["no-new-privileges:true", "seccomp=unconfined"] }, 'securityOpts = "seccomp=unconfined"; allowed: no protection of the Engine\'s switched off'],
  [privileges, "root", { user: "0" }, 'user = "0"; allowed: a user and group by number, not 0'],
  [privileges, "root's group by name", { user: "root:root" }, /^user = "root:root"/],
  [privileges, "the image's user, whoever that is", { user: undefined }, /^user is not set/],
  [privileges, "a root that can be written to", { readOnly: false }, /^readOnly = false/],
  [privileges, "a device", { devices: [{ hostPath: "/dev/kvm" }] }, 'devices = [{"hostPath":"/dev/kvm"}]; allowed: none'],
  [privileges, "kernel settings", { sysctls: { "net.ipv4.ip_forward": "1" } }, /^sysctls = /],

  [namespaces, "the machine's network", { networkMode: "host" }, 'networkMode = "host"; allowed: "none", "bridge", or left out'],
  [namespaces, "another container's network", { networkMode: "container:trading-live-broker" }, /^networkMode = "container:/],
  [namespaces, "the machine's processes", { pidMode: "host" }, 'pidMode = "host"; allowed: nothing: its own'],
  [namespaces, "the machine's memory", { ipcMode: "host" }, /^ipcMode = "host"/],
  [namespaces, "memory for others to share", { ipcMode: "shareable" }, /^ipcMode = "shareable"/],
  [namespaces, "the machine's users", { usernsMode: "host" }, /^usernsMode = "host"/],
  [namespaces, "the machine's control groups", { cgroupnsMode: "host" }, /^cgroupnsMode = "host"/],

  [healthcheck, "none", { healthcheck: undefined }, 'healthcheck is not set; allowed: tests that begin with "CMD" or "CMD-SHELL", and a command'],
  [healthcheck, "one that is switched off", { healthcheck: { tests: ["NONE"] } }, /^healthcheck = /],
  [healthcheck, "one without a command", { healthcheck: { tests: ["CMD"] } }, /^healthcheck = /],

  [lifecycle, "no time to end", { destroyGraceSeconds: undefined }, "destroyGraceSeconds is not set; allowed: 1 to 120 seconds"],
  [lifecycle, "killed at once", { destroyGraceSeconds: 0 }, /^destroyGraceSeconds = 0/],
  [lifecycle, "an hour to end", { destroyGraceSeconds: 3600 }, /^destroyGraceSeconds = 3600/],
  [lifecycle, "stays away after a crash", { restart: "no" }, 'restart = "no"; allowed: "unless-stopped"'],
  [lifecycle, "starts again what was stopped", { restart: "always" }, /^restart = "always"/],

  [logs, "no bound", { logOpts: {} }, "logOpts = {}; allowed: max-size and max-file, for example 10m and 3"],
  [logs, "one file without end", { logOpts: { "max-size": "-1", "max-file": "1" } }, /^logOpts = /],
  [logs, "gigabytes", { logOpts: { "max-size": "10g", "max-file": "3" } }, /^logOpts = /],
  [logs, "another driver", { logDriver: "syslog" }, 'logDriver = "syslog"; allowed: "json-file" or "local"'],

  [secretNames, "a password in the environment", { envs: ["DATABASE_PASSWORD=hunter2"] }, "envs DATABASE_PASSWORD = \"(not shown)\"; allowed: no secret: it belongs into a file of the service's secrets volume"],
  [secretNames, "a token in the settings", { envs: [`SETTINGS=${JSON.stringify({ bots: [{ name: "a", brokerToken: "x1y2" }] })}`] }, /^envs SETTINGS\.bots\[0\]\.brokerToken = "\(not shown\)"/],
  [secretNames, "a password in an address", { envs: ["FEED=https://owner:hunter2@feed.example/"] }, /^envs FEED = "\(not shown\)"/],
  [secretNames, "a password in an address in the settings", { envs: [`SETTINGS=${JSON.stringify({ feed: { address: "https://owner:hunter2@feed.example/" } })}`] }, /^envs SETTINGS\.feed\.address = /],
  [secretNames, "a secret in a label", { labels: [{ label: "trading.api-secret", value: "x" }] }, /^labels trading\.api-secret = "\(not shown\)"/],
  [secretNames, "a password on the command line", { command: ["serve", "--db-password", "hunter2"] }, /^command --db-password = "\(not shown\)"/],
  [secretNames, "a password as one word of the command line", { entrypoints: ["serve", "--db-password=hunter2"] }, /^entrypoints --db-password = /],
  [secretNames, "a token in the health check", { healthcheck: { tests: ["CMD", "curl", "--token", "x"] } }, /^healthcheck\.tests --token = /],

  [ownNames, "another stack's name", { name: "trading-live-gui" }, /^name = "trading-live-gui"; allowed: a name of stack paper, trading-paper or trading-paper-…, as config\/names\.ts gives it$/],
  [ownNames, "the name of a stack that begins alike", { name: "trading-paper-2-gui" }, /^name = "trading-paper-2-gui"/],
  [ownNames, "the name of another service", { name: "trading-paper-broker" }, 'name = "trading-paper-broker"; allowed: "trading-paper-gui", as its label trading.service says'],
  [ownNames, "a label of another stack", { labels: label("trading.stack", "live") }, 'labels trading.stack = "live"; allowed: "paper"'],
  [ownNames, "another stack's volume", mounted({ volumeName: "trading-live-timescaledb-data", containerPath: "/data" }), /^volumes\[0\]\.volumeName = "trading-live-timescaledb-data"/],
  [ownNames, "all volumes of another container", mounted({ fromContainer: "trading-live-broker" }), /^volumes\[0\]\.fromContainer = "trading-live-broker"/],
  [ownNames, "another stack's volume as a mount", { mounts: [{ type: "volume", source: "trading-live-backups", target: "/x" }] }, /^mounts\[0\]\.source = "trading-live-backups"/],
  [ownNames, "another stack's network", { networksAdvanced: [{ name: "trading-paper" }, { name: "trading-live" }] }, 'networksAdvanced[1].name = "trading-live"; allowed: "trading-paper"'],
  [ownNames, "another stack's control folder", mounted({ hostPath: "C:\\platform\\.trading\\stacks\\live\\control", containerPath: "/control" }), /^volumes\[0\]\.hostPath = .*; allowed: of \.trading nothing but \.trading\/stacks\/paper$/],
  [ownNames, "the folder with the keys of all stacks", mounted({ hostPath: "/p/.trading/stacks", containerPath: "/x" }), /^volumes\[0\]\.hostPath = "\/p\/\.trading\/stacks"/],
  [ownNames, "another stack's settings", { envs: ["TRADING_STACK=live"] }, 'envs TRADING_STACK = "live"; allowed: "paper"'],
];

describe("rules about a container", () => {
  for (const [rule, what, changed, expected] of broken) {
    it(`${rule.name} refuses ${what}`, () => {
      const lines = said(rule, container(changed));
      expect(lines.length, lines.join("\n")).to.be.greaterThan(0);
      const [first] = lines;
      if (typeof expected === "string") expect(first).to.equal(`gui: ${expected}`);
      else expect(first?.replace(/^gui: /, "")).to.match(expected);
    });
  }

  const kept = RESOURCE_RULES.filter(({ types }) => types === undefined || types.includes(container().type));
  it("all let the house's own container pass, and the guard's proxy with the socket", () => {
    for (const declared of [container(), container({}, proxySpecification)]) expect(kept.flatMap((rule) => said(rule, declared))).to.deep.equal([]);
  });

  it("let the backup read what others own, and no other service", () => {
    const backup = { name: "trading-paper-backup", service: "backup", capabilities: ["DAC_OVERRIDE", "KILL", "SETGID", "SETUID"], ports: [] };
    expect(said(privileges, container({}, backup))).to.deep.equal([]);
    expect(said(privileges, container({ capabilities: { drops: ["ALL"], adds: ["DAC_OVERRIDE", "SYS_ADMIN"] } }, backup))).to.deep.equal(['backup: capabilities.adds = "SYS_ADMIN"; allowed: DAC_OVERRIDE, KILL, SETGID, SETUID']);
    expect(said(privileges, container({}, { ...specification, capabilities: ["KILL"] })).length).to.be.greaterThan(0);
  });

  it("judge nothing that only the update knows, and everything else", () => {
    const unknown = container({ image: UNKNOWN, envs: UNKNOWN, networksAdvanced: [{ name: UNKNOWN }], volumes: UNKNOWN });
    expect(kept.flatMap((rule) => said(rule, unknown))).to.deep.equal([]);
    expect(kept.flatMap((rule) => said(rule, { ...unknown, properties: { ...unknown.properties, privileged: true } }))).to.deep.equal(["gui: privileged = true; allowed: false, or left out"]);
  });

  it("let an image pass by its id, or by name and digest", () => {
    for (const image of [digest, `timescale/timescaledb@${digest}`, `registry.example:5000/a/b@${digest}`]) expect(said(images, container({ image })), image).to.deep.equal([]);
  });

  it("let the proxy have the Engine's socket read-only and alone: no network, no other folder", () => {
    const proxy = (changed: Properties) => said(dockerSocket, container(changed, proxySpecification));
    expect(proxy({ volumes: [{ hostPath: "/run/user/1000/docker.sock", containerPath: "/var/run/docker.sock", readOnly: true }] })).to.deep.equal([]);
    expect(proxy({ volumes: [{ hostPath: "/var/run/docker.sock", containerPath: "/s", readOnly: false }] })).to.have.length(1);
    expect(proxy({ volumes: [{ hostPath: "/var/run", containerPath: "/s", readOnly: true }] })).to.have.length(1);
    expect(proxy({ networkMode: "bridge" })).to.deep.equal(['guard-proxy: networkMode = "bridge"; allowed: "none": what reaches the Engine is reached by nobody over a network']);
    expect(proxy({ networksAdvanced: [{ name: "trading-paper" }] })).to.have.length(1);
  });

  it("know what an Engine is reached by, on every system", () => {
    const engines = ["/var/run/docker.sock", "/run/docker.sock", "/run/user/1000/docker.sock", "/home/o/.docker/desktop/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/srv/engine.sock", "//./pipe/docker_engine", "\\\\.\\pipe\\docker_engine", "/", "/var/lib/docker/volumes", "/proc", "/dev/", "/run/user/1000", "C:\\Users\\o\\.docker"];
    for (const path of engines) expect(isEngine(path), path).to.equal(true);
    const others = ["/home/o/platform", "C:\\Users\\o\\platform", "/var/lib/platform", "/home/o/docker.sock.txt", "/mnt/backups", "E:\\backups\\paper", "/home/o/platform/.trading/stacks/paper/control"];
    for (const path of others) expect(isEngine(path), path).to.equal(false);
  });

  it("take a file for a secret for what it is, and a flag that there is one", () => {
    expect(said(secretNames, container({ envs: ["DATABASE_PASSWORD_FILE=/secrets/database-password", "TOKEN=/secrets/token", "API_KEY="] }))).to.deep.equal([]);
    expect(said(secretNames, container({ envs: [`SETTINGS=${JSON.stringify({ alerts: { webhook: true, token: true }, secretsFolder: "x", address: "https://feed.example:8443/v1?a=b" })}`] }))).to.deep.equal([]);
  });
});
