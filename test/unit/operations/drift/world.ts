import type { ContainerInspectInfo, ImageInspectInfo, NetworkInspectInfo, VolumeInspectInfo } from "dockerode";
import { containerArguments, type ContainerSpecification } from "../../../../components/containerArguments";
import { objectLabels, stackContext } from "../../../../components/StackContext";
import { botService, LABELS, stackNames } from "../../../../config/names";
import type { DriftFacts } from "../../../../operations/drift/compare";
import type { ContainerInputs, Deployed, DeployedObject, NetworkInputs, RunningStack, VolumeInputs } from "../../../../operations/drift/facts";
import type { RunningContainer } from "../../../../operations/drift/properties";
import { createOptions, endpoints, type KnownArgs } from "../../../../setup/plugins/docker/containerOptions";
import { NOW, OWNER } from "../support";

/** A stack as it was declared, and the same as Docker shows it: what the one side is made of is not made by what compares them. */

const names = stackNames("paper");
export const imageId = `sha256:${"1".repeat(64)}`;
export const otherImage = `sha256:${"2".repeat(64)}`;

/** What an image brings by itself. */
const imageConfig = {
  ...{ Env: ["PATH=/usr/bin:/bin", "FROM_IMAGE=yes"], Cmd: ["node", "/app/main.js"], Entrypoint: null, User: "10001:10001", WorkingDir: "/app" },
  ...{ Labels: { "org.opencontainers.image.title": "broker" }, Volumes: { "/cache": {} }, StopSignal: "SIGINT" },
};
export const imageOf = (id: string) => ({ Id: id, Config: imageConfig }) as unknown as ImageInspectInfo;

const specificationOf = (service: string): ContainerSpecification => ({
  ...{ name: names.container(service), service, stack: "paper", owner: OWNER, network: names.network },
  environment: { LOG_LEVEL: "info", SETTINGS: '{"a":"b=c"}' },
  volumes: [
    { volume: names.secretsVolume(service), path: "/secrets", readOnly: true },
    { hostPath: "/home/owner/trading", path: "/project", readOnly: false },
  ],
  ports: [{ container: 8080, host: 8400 }],
  temporary: { "/tmp": "rw,nosuid,size=64m" },
  health: ["curl", "--fail", "http://127.0.0.1:8080/readyz"],
  hosts: { "host.docker.internal": "host-gateway" },
  ...{ memoryMegabytes: 128, sharedMemoryMegabytes: 128, processorShares: 128, graceSeconds: 15, running: true },
});

/** What Pulumi's state keeps of a container's arguments: the plugin's defaults are among them. */
export function inputsOf(service: string, change: ContainerInputs = {}): ContainerInputs {
  const inputs = containerArguments(specificationOf(service), imageId) as ContainerInputs;
  return { ...inputs, healthcheck: { ...inputs.healthcheck!, startInterval: "0s" }, removeVolumes: true, containerReadRefreshTimeoutMilliseconds: 15_000, ...change };
}

const idOf = (service: string) => Buffer.from(service.padEnd(32, "-")).toString("hex");

/** The arguments as Docker shows the container that was made of them. */
export function inspected(service: string, inputs: ContainerInputs = inputsOf(service), image: { Config: ImageInspectInfo["Config"] } = imageOf(imageId)): RunningContainer {
  const { HostConfig: host, ...config } = createOptions(inputs as never);
  const id = idOf(service);
  const merged = new Map([...(image.Config.Env ?? []), ...(config.Env ?? [])].map((line) => [line.split("=", 1)[0]!, line]));
  const binds = (host?.Binds ?? []).map((bind) => bind.split(":") as [string, string, string]);
  const advanced = endpoints(inputs as KnownArgs);
  return {
    ...{ Id: id, Name: `/${names.container(service)}`, Image: inputs.image, State: { Status: "running", Running: true, ExitCode: 0, Health: { Status: "healthy" } } },
    Config: {
      ...config,
      ...{ Hostname: id.slice(0, 12), Env: [...merged.values()], Cmd: config.Cmd ?? image.Config.Cmd, Entrypoint: config.Entrypoint ?? image.Config.Entrypoint },
      ...{ User: config.User ?? image.Config.User, WorkingDir: config.WorkingDir ?? image.Config.WorkingDir, Labels: { ...image.Config.Labels, ...config.Labels }, StopSignal: config.StopSignal ?? "SIGINT" },
    },
    // What Docker adds where nothing is asked for.
    HostConfig: { CpuShares: 0, IpcMode: "private", CgroupnsMode: "host", PidsLimit: null, Devices: [], Dns: [], Sysctls: null, Runtime: "runc", MaskedPaths: ["/proc/kcore"], OomKillDisable: false, ShmSize: 67_108_864, ...host },
    Mounts: [
      ...binds.map(([source, target, mode]) => (source.startsWith("/") ? { Type: "bind", Source: source, Destination: target, RW: mode === "rw" } : { Type: "volume", Name: source, Source: `/var/lib/docker/volumes/${source}/_data`, Destination: target, RW: mode === "rw" })),
      { Type: "volume", Name: "0".repeat(64), Source: "/var/lib/docker/volumes/x/_data", Destination: "/cache", RW: true },
    ],
    NetworkSettings: {
      Networks: Object.fromEntries(advanced.length > 0 ? advanced.map(({ network, settings }) => [network, { Aliases: [...(settings.Aliases ?? []), id.slice(0, 12)], IPAMConfig: {}, NetworkID: "n" }]) : [[host?.NetworkMode ?? "bridge", { Aliases: null }]]),
    },
  } as unknown as RunningContainer;
}

export const deployedContainer = (service: string, change: ContainerInputs = {}): DeployedObject<ContainerInputs> => ({ id: idOf(service), name: names.container(service), inputs: inputsOf(service, change) });

const labels = objectLabels(stackContext("paper", "paper", OWNER, "0", "info"), "broker");
const labelled = Object.fromEntries(labels.map(({ label, value }) => [label, value]));

export const secretsVolume = names.secretsVolume("broker");
export const deployedVolume: DeployedObject<VolumeInputs> = { id: secretsVolume, name: secretsVolume, inputs: { name: secretsVolume, labels } };
export const runningVolume = (change: Partial<VolumeInspectInfo> = {}): VolumeInspectInfo => ({ Name: secretsVolume, Driver: "local", Mountpoint: "/x", Scope: "local", Options: null, Labels: labelled, ...change });

const networkId = "ab".repeat(32);
export const deployedNetwork = (change: NetworkInputs = {}): DeployedObject<NetworkInputs> => ({ id: networkId, name: names.network, inputs: { name: names.network, labels, ipamDriver: "default", ...change } });
export const runningNetwork = (change: Partial<NetworkInspectInfo> = {}): NetworkInspectInfo =>
  ({
    ...{ Name: names.network, Id: networkId, Driver: "bridge", EnableIPv6: false, Internal: false, Attachable: false, Ingress: false, Labels: labelled, Options: { "com.docker.network.enable_ipv4": "true" } },
    ...{ IPAM: { Driver: "default", Config: [{ Subnet: "172.20.0.0/16", Gateway: "172.20.0.1" }] }, Containers: Object.fromEntries(["broker", botService("refstrat01")].map((service) => [idOf(service), { Name: names.container(service) }])) },
    ...change,
  }) as unknown as NetworkInspectInfo;

/** Broker and one bot, as they were deployed. */
export const deployed = (change: Partial<Deployed> = {}): Deployed => ({
  at: "2024-03-01T10:00:00Z",
  containers: ["broker", "bot-refstrat01"].map((service) => deployedContainer(service)),
  ...{ volumes: [deployedVolume], networks: [deployedNetwork()], images: [{ name: "broker", id: imageId }], files: [], unknown: [], unfinished: [] },
  ...change,
});

/** The same, as Docker has it. */
export const running = (change: Partial<RunningStack> = {}): RunningStack => ({
  ...{ containers: ["broker", "bot-refstrat01"].map((service) => inspected(service)), volumes: [runningVolume()], networks: [runningNetwork()] },
  ...{ images: new Map([[imageId, imageOf(imageId)]]), files: new Map(), cannot: new Set() },
  ...change,
});

export const noHalts = { halts: [], unreadable: [], problem: null };

/** What a stack is, declared and running; all of it fits together. */
export function factsOf(change: Partial<DriftFacts> = {}): DriftFacts {
  return { stack: "paper", owner: OWNER, mode: "paper", promotion: { mayRun: true, reason: "paper needs no promotion" }, wishes: { bots: {} }, halts: noHalts, deployed: deployed(), running: running(), now: NOW, ...change };
}

/** A container that is there and that nobody declared. */
export function stranger(name: string, labels: Record<string, string> = { [LABELS.stack]: "paper" }): ContainerInspectInfo {
  const { Config, ...rest } = inspected("stranger");
  return { ...rest, Name: `/${name}`, Config: { ...Config, Labels: labels } };
}
