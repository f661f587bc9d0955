import { expect } from "chai";
import { compareContainer } from "../../../../operations/drift/containers";
import type { Ability, ContainerInputs } from "../../../../operations/drift/facts";
import type { RunningContainer } from "../../../../operations/drift/properties";
import { deployedContainer, imageId, imageOf, inputsOf, inspected, otherImage } from "./world";

type Change<Part> = Partial<Record<keyof Part, unknown>>;

/** The broker's container with some of what Docker shows of it changed. */
function but({ Config, HostConfig, ...change }: { Config?: Change<RunningContainer["Config"]>; HostConfig?: Change<RunningContainer["HostConfig"]> } & Change<RunningContainer>): RunningContainer {
  const container = inspected("broker");
  return { ...container, ...change, Config: { ...container.Config, ...Config }, HostConfig: { ...container.HostConfig, ...HostConfig } } as RunningContainer;
}

const base = inspected("broker");
const env = (...lines: string[]) => [...base.Config.Env.filter((line) => !lines.some((other) => other.startsWith(line.split("=", 1)[0]!))), ...lines];
const images = new Map([
  [imageId, imageOf(imageId)],
  [otherImage, imageOf(otherImage)],
]);

function compared(container: RunningContainer, inputs: ContainerInputs = {}, world: Partial<Parameters<typeof compareContainer>[3]> = {}) {
  const { differences, notLookedAt } = compareContainer(deployedContainer("broker", inputs), container, { running: true }, { images, cannot: new Set<Ability>(), ...world });
  return { differences: differences.map(({ property, declared, running }) => `${property}: ${declared ?? "-"} -> ${running ?? "-"}`), notLookedAt };
}

describe("drift of a container", () => {
  it("is none right after it was deployed", () => expect(compared(base)).to.deep.equal({ differences: [], notLookedAt: [] }));

  const drifted: readonly (readonly [property: string, container: RunningContainer, expected: readonly string[], inputs?: ContainerInputs])[] = [
    ["image", but({ Image: otherImage, Config: { Image: otherImage } }), [`image: ${imageId} -> ${otherImage}`]],
    ["container id", but({ Id: "f".repeat(64), Config: { Hostname: "f".repeat(12) }, NetworkSettings: { Networks: { "trading-paper": { Aliases: ["broker", "f".repeat(12)] } } } }), [`container id: ${base.Id.slice(0, 12)} -> ffffffffffff`]],
    ["state", but({ State: { Status: "exited", ExitCode: 137 } }), ["state: running -> exited with code 137"]],
    ["state of one that was paused", but({ State: { Status: "paused", Running: true } }), ["state: running -> paused"]],
    ["health", but({ State: { Status: "running", Health: { Status: "unhealthy" } } }), ["health: healthy -> unhealthy"]],

    ["an environment variable with another value", but({ Config: { Env: env("LOG_LEVEL=debug") } }), ["environment LOG_LEVEL: info -> debug"]],
    ["an environment variable that is gone", but({ Config: { Env: base.Config.Env.filter((line) => !line.startsWith("LOG_LEVEL")) } }), ["environment LOG_LEVEL: info -> -"]],
    ["an environment variable that nobody declared, without its value", but({ Config: { Env: env("API_KEY=secret") } }), ["environment API_KEY: - -> set (not shown)"]],
    ["an environment variable of the image that was overridden", but({ Config: { Env: env("FROM_IMAGE=no") } }), ["environment FROM_IMAGE: yes -> no"]],
    ["a value with an equals sign", but({ Config: { Env: env('SETTINGS={"a":"b=d"}') } }), ['environment SETTINGS: {"a":"b=c"} -> {"a":"b=d"}']],
    ["command", but({ Config: { Cmd: ["sleep", "1"] } }), ['command: ["node","/app/main.js"] -> ["sleep","1"]']],
    ["a declared command", but({}), ['command: ["x"] -> ["node","/app/main.js"]'], { command: ["x"] }],
    ["entrypoint, with which the image's command is not taken", but({}), ['command: - -> ["node","/app/main.js"]', 'entrypoint: ["/bin/sh"] -> -'], { entrypoints: ["/bin/sh"] }],
    ["user", but({ Config: { User: "0" } }), ["user: 10001:10001 -> 0"]],
    ["working directory", but({ Config: { WorkingDir: "/" } }), ["working directory: /app -> /"]],
    ["hostname", but({}), [`hostname: fixed -> ${base.Config.Hostname}`], { hostname: "fixed" }],
    ["stop signal", but({ Config: { StopSignal: "SIGKILL" } }), ["stop signal: SIGINT -> SIGKILL"]],
    ["stop timeout", but({ Config: { StopTimeout: 1 } }), ["stop timeout: 15 s -> 1 s"]],
    ["init", but({ HostConfig: { Init: false } }), ["init: yes -> no"]],
    ["terminal", but({ Config: { Tty: true } }), ["terminal: no -> yes"]],
    [
      "the interval of a health check, which the plugin says it changes and does not",
      but({}),
      ['health check: ["CMD","curl","--fail","http://127.0.0.1:8080/readyz"], every 30 s, timeout 5 s, start period 60 s, 3 retries -> ["CMD","curl","--fail","http://127.0.0.1:8080/readyz"], every 15 s, timeout 5 s, start period 60 s, 3 retries'],
      { healthcheck: { ...inputsOf("broker").healthcheck!, interval: "30s" } },
    ],
    [
      "a health check that is gone",
      but({ Config: { Healthcheck: { Test: ["NONE"] } } }),
      ['health check: ["CMD","curl","--fail","http://127.0.0.1:8080/readyz"], every 15 s, timeout 5 s, start period 60 s, 3 retries -> -'],
    ],

    ["a label with another value", but({ Config: { Labels: { ...base.Config.Labels, "trading.service": "other" } } }), ["label trading.service: broker -> other"]],
    ["a label that nobody declared", but({ Config: { Labels: { ...base.Config.Labels, mine: "1" } } }), ["label mine: - -> 1"]],
    ["a label that is gone", but({ Config: { Labels: { "org.opencontainers.image.title": "broker" } } }), ["label trading.fingerprint", "label trading.owner", "label trading.service", "label trading.stack"].map((name) => `${name}: ${base.Config.Labels[name.slice(6)]} -> -`)],

    ["a volume in the place of another", but({ Mounts: base.Mounts.map((mount) => ({ ...mount, Name: mount.Destination === "/secrets" ? "other" : mount.Name })) }), ["mount /secrets: volume trading-paper-secrets-broker, read-only -> volume other, read-only"]],
    ["a mount that may be written to", but({ Mounts: base.Mounts.map((mount) => ({ ...mount, RW: true })) }), ["mount /secrets: volume trading-paper-secrets-broker, read-only -> volume trading-paper-secrets-broker, read-write"]],
    [
      "a folder of the machine in the place of another",
      but({ HostConfig: { Binds: ["/home/other:/project:rw"] }, Mounts: base.Mounts.map((mount) => ({ ...mount, Source: mount.Type === "bind" ? "/home/other" : mount.Source })) }),
      ["mount /project: folder /home/owner/trading, read-write -> folder /home/other, read-write"],
    ],
    ["a mount that is gone", but({ Mounts: base.Mounts.slice(1) }), ["mount /secrets: volume trading-paper-secrets-broker, read-only -> -"]],
    ["a mount that nobody declared", but({ Mounts: [...base.Mounts, { Type: "bind", Source: "/var/run/docker.sock", Destination: "/var/run/docker.sock", RW: true }] }), ["mount /var/run/docker.sock: - -> folder /var/run/docker.sock, read-write"]],
    ["a named volume where the image asks for a nameless one", but({ Mounts: base.Mounts.map((mount) => ({ ...mount, Name: mount.Destination === "/cache" ? "mine" : mount.Name })) }), ["mount /cache: - -> volume mine, read-write"]],
    ["a folder in memory with other options", but({ HostConfig: { Tmpfs: { "/tmp": "rw,size=1g" } } }), ["tmpfs /tmp: nosuid,rw,size=64m -> rw,size=1g"]],
    ["a folder in memory that nobody declared", but({ HostConfig: { Tmpfs: { "/tmp": "rw,nosuid,size=64m", "/run": "" } } }), ["tmpfs /run: - -> no options"]],
    ["read-only root", but({ HostConfig: { ReadonlyRootfs: false } }), ["read-only root: yes -> no"]],
    ["shared memory", but({ HostConfig: { ShmSize: 67_108_864 } }), ["shared memory: 128 MiB -> 64 MiB"]],

    ["a network it was taken from", but({ NetworkSettings: { Networks: {} } }), ["network trading-paper: as broker -> -"]],
    ["a further network", but({ NetworkSettings: { Networks: { ...base.NetworkSettings.Networks, bridge: { Aliases: null } } } }), ["network bridge: - -> connected"]],
    ["a name that it lost", but({ NetworkSettings: { Networks: { "trading-paper": { Aliases: ["other"] } } } }), ["network trading-paper: as broker -> as other"]],
    ["a fixed address", but({ NetworkSettings: { Networks: { "trading-paper": { Aliases: ["broker"], IPAMConfig: { IPv4Address: "172.20.0.9" } } } } }), ["network trading-paper: as broker -> as broker, 172.20.0.9"]],
    ["a network, where none was to be", but({}), ["network none: connected -> -", "network trading-paper: - -> as broker"], { networksAdvanced: undefined as never, networkMode: "none" }],
    ["the network of another container", but({ HostConfig: { NetworkMode: "container:abc" }, NetworkSettings: { Networks: {} } }), ["network container:abc: - -> connected", "network trading-paper: as broker -> -"]],
    ["a port that everybody reaches", but({ HostConfig: { PortBindings: { "8080/tcp": [{ HostIp: "0.0.0.0", HostPort: "8400" }] } } }), ["port 0.0.0.0:8400: - -> 8080/tcp", "port 127.0.0.1:8400: 8080/tcp -> -"]],
    ["all ports published", but({ HostConfig: { PublishAllPorts: true } }), ["all ports published: no -> yes"]],
    ["a further host name", but({ HostConfig: { ExtraHosts: ["host.docker.internal:10.0.0.1"] } }), ["host host.docker.internal: host-gateway -> 10.0.0.1"]],
    ["name servers", but({ HostConfig: { Dns: ["1.1.1.1"] } }), ["name servers: - -> 1.1.1.1"]],

    ["memory", but({ HostConfig: { Memory: 268_435_456 } }), ["memory: 128 MiB -> 256 MiB"]],
    ["memory without a limit", but({ HostConfig: { Memory: 0, MemorySwap: 0 } }), ["memory: 128 MiB -> -", "memory and swap: 128 MiB -> -"]],
    ["memory and swap", but({ HostConfig: { MemorySwap: -1 } }), ["memory and swap: 128 MiB -> unlimited"]],
    ["memory reservation", but({ HostConfig: { MemoryReservation: 1_048_576 } }), ["memory reservation: - -> 1 MiB"]],
    ["processor shares", but({ HostConfig: { CpuShares: 2048 } }), ["processor shares: 128 -> 2048"]],
    ["processors", but({ HostConfig: { NanoCpus: 500_000_000 } }), ["processors: - -> 0.5"]],
    ["processor set", but({ HostConfig: { CpusetCpus: "0" } }), ["processor set: - -> 0"]],
    ["processor quota", but({ HostConfig: { CpuQuota: 50_000, CpuPeriod: 100_000 } }), ["processor period: - -> 100000", "processor quota: - -> 50000"]],
    ["process limit", but({ HostConfig: { PidsLimit: 10 } }), ["process limit: - -> 10"]],
    ["ulimit", but({ HostConfig: { Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }] } }), ["ulimit nofile: - -> 1, at most 2"]],
    ["restart policy", but({ HostConfig: { RestartPolicy: { Name: "no", MaximumRetryCount: 0 } } }), ["restart policy: unless-stopped -> no"]],
    ["restart policy with retries", but({ HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } } }), ["restart policy: unless-stopped -> on-failure, at most 3 times"]],
    ["removal at its end", but({ HostConfig: { AutoRemove: true } }), ["removed at its end: no -> yes"]],
    ["log options", but({ HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "1g" } } } }), ["log option max-file: 3 -> -", "log option max-size: 10m -> 1g"]],
    ["log driver", but({ HostConfig: { LogConfig: { Type: "none", Config: { "max-size": "10m", "max-file": "3" } } } }), ["log driver: json-file -> none"]],

    ["capabilities", but({ HostConfig: { CapAdd: ["CAP_NET_ADMIN"], CapDrop: null } }), ["capabilities added: - -> NET_ADMIN", "capabilities dropped: ALL -> -"]],
    ["security options", but({ HostConfig: { SecurityOpt: ["seccomp=unconfined"] } }), ["security options: no-new-privileges -> seccomp=unconfined"]],
    ["privileged", but({ HostConfig: { Privileged: true } }), ["privileged: no -> yes"]],
    ["further groups", but({ HostConfig: { GroupAdd: ["0"] } }), ["further groups: - -> 0"]],
    ["namespaces of the machine", but({ HostConfig: { PidMode: "host", IpcMode: "host", UTSMode: "host", UsernsMode: "host" } }), ["host name namespace", "memory namespace", "process namespace", "user namespace"].map((name) => `${name}: - -> host`)],
    ["devices", but({ HostConfig: { Devices: [{ PathOnHost: "/dev/kvm", PathInContainer: "/dev/kvm", CgroupPermissions: "rwm" }] } }), ["devices: - -> /dev/kvm:/dev/kvm:rwm"]],
    ["kernel settings", but({ HostConfig: { Sysctls: { "net.core.somaxconn": "1" } } }), ["kernel setting net.core.somaxconn: - -> 1"]],
  ];
  for (const [property, container, expected, inputs] of drifted) {
    it(`is found and named: ${property}`, () => expect(compared(container, inputs)).to.deep.equal({ differences: expected, notLookedAt: [] }));
  }

  const same: readonly (readonly [what: string, container: RunningContainer, inputs?: ContainerInputs])[] = [
    ["a container that is starting", but({ State: { Status: "running", Health: { Status: "starting" } } })],
    ["an order of variables, options and capabilities", but({ Config: { Env: [...base.Config.Env].reverse() }, HostConfig: { Tmpfs: { "/tmp": "size=64m,rw,nosuid" } } })],
    ["capabilities with the kernel's prefix", but({ HostConfig: { CapDrop: ["CAP_ALL"], CapAdd: ["CAP_KILL", "CAP_SETUID"] } }), { capabilities: { drops: ["ALL"], adds: ["SETUID", "KILL"] } }],
    ["other spellings of no new privileges", but({ HostConfig: { SecurityOpt: ["no-new-privileges"] } })],
    ["an Engine that lists a container's own names among its aliases", but({ NetworkSettings: { Networks: { "trading-paper": { Aliases: ["broker", base.Id.slice(0, 12), "trading-paper-broker"] } } } })],
    ["an Engine that lists none of them", but({ NetworkSettings: { Networks: { "trading-paper": { Aliases: ["broker"] } } } })],
    ["log options that the daemon adds", but({ HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3", compress: "true" } } } })],
    ["a memory of others that is shareable", but({ HostConfig: { IpcMode: "shareable" } })],
    ["a process limit that says none", but({ HostConfig: { PidsLimit: -1 } })],
    ["what is not declared and the daemon chooses", but({ HostConfig: { ShmSize: 1, LogConfig: { Type: "journald", Config: {} }, MemorySwap: 268_435_456 } }), { shmSize: undefined as never, logDriver: undefined as never, logOpts: undefined as never, memorySwap: undefined as never }],
    ["an image that is declared by name and digest", but({ Image: imageId, Config: { Image: "name@sha256:33" } }), { image: "name@sha256:33" }],
    ["an image whose id the Engine counts otherwise", but({ Image: otherImage, Config: { Image: imageId } })],
    [
      "folders as Docker Desktop shows them",
      but({
        Config: { Labels: { ...base.Config.Labels, "desktop.docker.io/binds/0/Source": "C:\\Users\\Owner\\trading", "desktop.docker.io/binds/0/Target": "/project", "desktop.docker.io/ports/8080/tcp": ":8400" } },
        HostConfig: { Binds: ["/run/desktop/mnt/host/c/Users/Owner/trading:/project:rw", "trading-paper-secrets-broker:/secrets:ro"] },
        Mounts: base.Mounts.map((mount) => (mount.Type === "bind" ? { ...mount, Source: "/run/desktop/mnt/host/c/users/owner/trading" } : mount)),
      }),
      { volumes: [{ volumeName: "trading-paper-secrets-broker", containerPath: "/secrets", readOnly: true }, { hostPath: "c:/Users/Owner/trading/", containerPath: "/project", readOnly: false }] },
    ],
    [
      "a folder that Docker Desktop tells of by its label alone",
      but({
        Config: { Labels: { ...base.Config.Labels, "desktop.docker.io/binds/0/Source": "/home/owner/trading", "desktop.docker.io/binds/0/Target": "/project" } },
        HostConfig: { Binds: ["/somewhere/else:/project:rw"] },
        Mounts: base.Mounts.map((mount) => (mount.Type === "bind" ? { ...mount, Source: "/somewhere/else" } : mount)),
      }),
    ],
    ["a folder as Docker Desktop shows it on macOS", but({ Mounts: base.Mounts.map((mount) => (mount.Type === "bind" ? { ...mount, Source: "/host_mnt/home/owner/trading" } : mount)) })],
    [
      "the Engine's own socket by Docker Desktop's name",
      but({ Mounts: [base.Mounts[0], { Type: "bind", Source: "/run/host-services/docker.proxy.sock", Destination: "/project", RW: true }] }),
      { volumes: [{ volumeName: "trading-paper-secrets-broker", containerPath: "/secrets", readOnly: true }, { hostPath: "/var/run/docker.sock", containerPath: "/project", readOnly: false }] },
    ],
    [
      "a health check whose times are the image's",
      but({ Config: { Healthcheck: { Test: ["CMD", "true"], Interval: 15e9, Timeout: 2e9 } } }),
      { healthcheck: { tests: ["CMD", "true"], interval: "0m15s", timeout: "2000ms", startPeriod: "0s", startInterval: "0s" } },
    ],
  ];
  for (const [what, container, inputs] of same) {
    it(`is none in ${what}`, () => expect(compared(container, inputs)).to.deep.equal({ differences: [], notLookedAt: [] }));
  }

  it("of what is encrypted in the state is not looked for, and nothing of it is shown", () => {
    const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:x" };
    for (const envs of [secret, ["A=1", secret]]) {
      expect(compared(but({ Config: { Env: env("LOG_LEVEL=debug") } }), { envs: envs as never })).to.deep.equal({ differences: [], notLookedAt: ["environment, which is encrypted in Pulumi's state"] });
    }
  });

  it("of an argument that nobody here knows is said not to be looked for", () => {
    expect(compared(base, { cgroupParent: "x" })).to.deep.equal({ differences: [], notLookedAt: ["cgroupParent, which this command does not know"] });
  });

  it("of a limit that the kernel does not have is not looked for", () => {
    const found = compared(but({ HostConfig: { MemorySwap: -1, Memory: 1_048_576 } }), {}, { cannot: new Set<Ability>(["swap"]) });
    expect(found.differences).to.deep.equal(["memory: 128 MiB -> 1 MiB"]);
    expect(found.notLookedAt.join()).to.match(/^memory and swap: this machine's kernel/);
  });

  it("is none in what the image brought, when that image is gone", () => {
    const { differences, notLookedAt } = compared(but({ Config: { Env: env("LOG_LEVEL=debug") } }), {}, { images: new Map([[imageId, null]]) });
    expect(differences).to.deep.equal(["environment LOG_LEVEL: info -> debug"]);
    expect(notLookedAt).to.include("environment that comes from the image, which is gone");
  });
});
