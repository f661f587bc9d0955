import type { ContainerArgs } from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type { ContainerCreateOptions, EndpointSettings, HealthConfig, HostConfig } from "dockerode";
import { isEmpty, Properties } from "../provider/schema";
import { labelsOf } from "./labels";

/** The arguments with every value known. */
export type KnownArgs = Unwrap<ContainerArgs>;

const MEBIBYTE = 1024 * 1024;
const NANOSECONDS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a duration such as "1m30s". */
export function nanoseconds(duration: string | undefined): number {
  const parts = (duration ?? "0").matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g);
  return [...parts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (NANOSECONDS[unit ?? ""] ?? 0), 0);
}

/** The duration in the Engine's notation ("1m30s"). */
export function durationText(total: number | undefined): string {
  const seconds = (total ?? 0) / 1e9;
  if (seconds > 0 && seconds < 1) return `${seconds * 1000}ms`;
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${rest}s`;
}

/** MiB to bytes; -1 (no limit) stays. */
export function bytes(mebibytes: number): number {
  return mebibytes > 0 ? mebibytes * MEBIBYTE : mebibytes;
}

/** Bytes to MiB; -1 (no limit) stays. */
export function mebibytes(amount: number | undefined): number {
  return amount !== undefined && amount > 0 ? Math.floor(amount / MEBIBYTE) : (amount ?? 0);
}

/** Leaves out what the program leaves out, so that the Engine's own defaults hold. */
function given<Values extends object>(values: { [Key in keyof Values]: Values[Key] | undefined }): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Values;
}

/** Names with the prefix the kernel uses; ALL stays. */
export function capability(name: string): string {
  return name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`;
}

function healthcheck(args: KnownArgs): HealthConfig | undefined {
  const { healthcheck: check } = args;
  if (!check || isEmpty(check)) return undefined;
  return {
    Test: check.tests ?? [],
    Interval: nanoseconds(check.interval),
    Timeout: nanoseconds(check.timeout),
    StartPeriod: nanoseconds(check.startPeriod),
    Retries: check.retries ?? 0,
    ...(nanoseconds(check.startInterval) > 0 && { StartInterval: nanoseconds(check.startInterval) }),
  };
}

function binds(args: KnownArgs): string[] {
  return (args.volumes ?? []).flatMap(({ hostPath, volumeName, containerPath, readOnly, selinuxRelabel }) => {
    const source = hostPath || volumeName;
    if (!source || !containerPath) return [];
    return [`${source}:${containerPath}:${readOnly ? "ro" : "rw"}${selinuxRelabel ? `,${selinuxRelabel}` : ""}`];
  });
}

type Port = NonNullable<KnownArgs["ports"]>[number];

function portKey({ internal, protocol }: Port): string {
  return `${internal}/${protocol ?? "tcp"}`;
}

function portBindings(args: KnownArgs): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of args.ports ?? []) {
    const binding = { HostIp: port.ip ?? "0.0.0.0", HostPort: port.external ? String(port.external) : "" };
    (bindings[portKey(port)] ??= []).push(binding);
  }
  return bindings;
}

function hostConfig(args: KnownArgs): HostConfig {
  return given<HostConfig>({
    Init: args.init ?? false,
    Binds: binds(args),
    VolumesFrom: (args.volumes ?? []).flatMap(({ fromContainer }) => (fromContainer ? [fromContainer] : [])),
    PortBindings: portBindings(args),
    PublishAllPorts: args.publishAllPorts,
    NetworkMode: args.networkMode,
    RestartPolicy: { Name: args.restart ?? "no", MaximumRetryCount: args.maxRetryCount ?? 0 },
    Memory: args.memory === undefined ? undefined : bytes(args.memory),
    MemorySwap: args.memorySwap === undefined ? undefined : bytes(args.memorySwap),
    MemoryReservation: args.memoryReservation === undefined ? undefined : bytes(args.memoryReservation),
    CpuShares: args.cpuShares,
    CpusetCpus: args.cpuSet,
    NanoCpus: args.cpus === undefined ? undefined : Math.round(Number(args.cpus) * 1e9),
    CpuPeriod: args.cpuPeriod,
    CpuQuota: args.cpuQuota,
    ShmSize: args.shmSize === undefined ? undefined : bytes(args.shmSize),
    Ulimits: args.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    LogConfig: args.logDriver || args.logOpts ? { Type: args.logDriver ?? "", Config: args.logOpts ?? {} } : undefined,
    CapAdd: args.capabilities?.adds?.map(capability),
    CapDrop: args.capabilities?.drops?.map(capability),
    SecurityOpt: args.securityOpts,
    Privileged: args.privileged,
    ReadonlyRootfs: args.readOnly,
    Tmpfs: args.tmpfs,
    ExtraHosts: args.hosts?.map(({ host, ip }) => `${host}:${ip}`),
    Dns: args.dns,
    DnsOptions: args.dnsOpts,
    DnsSearch: args.dnsSearches,
    IpcMode: args.ipcMode,
    PidMode: args.pidMode,
    UsernsMode: args.usernsMode,
    CgroupnsMode: args.cgroupnsMode,
    CgroupParent: args.cgroupParent,
    GroupAdd: args.groupAdds,
    Sysctls: args.sysctls,
    Runtime: args.runtime,
    StorageOpt: args.storageOpts,
    AutoRemove: args.rm,
  } as { [Key in keyof HostConfig]: HostConfig[Key] | undefined });
}

/** What the Engine is asked to create. */
export function createOptions(inputs: Properties): ContainerCreateOptions {
  const args = inputs as unknown as KnownArgs;
  return given<ContainerCreateOptions>({
    name: args.name,
    platform: args.platform,
    Image: args.image,
    Cmd: args.command,
    Entrypoint: args.entrypoints,
    Env: args.envs,
    Labels: labelsOf(inputs),
    User: args.user,
    WorkingDir: args.workingDir,
    Hostname: args.hostname,
    Domainname: args.domainname,
    ExposedPorts: Object.fromEntries((args.ports ?? []).map((port) => [portKey(port), {}])),
    Healthcheck: healthcheck(args),
    StopSignal: args.stopSignal,
    StopTimeout: args.stopTimeout,
    Tty: args.tty,
    OpenStdin: args.stdinOpen,
    HostConfig: hostConfig(args),
  });
}

/** Each network of networksAdvanced, with the container's aliases and addresses on it. */
export function endpoints(args: KnownArgs): { network: string; settings: EndpointSettings }[] {
  return (args.networksAdvanced ?? []).map((network) => ({
    network: network.name,
    settings: given<EndpointSettings>({
      Aliases: network.aliases,
      MacAddress: network.macAddress,
      IPAMConfig:
        network.ipv4Address || network.ipv6Address || network.linkLocalIps
          ? given({ IPv4Address: network.ipv4Address, IPv6Address: network.ipv6Address, LinkLocalIPs: network.linkLocalIps })
          : undefined,
    } as { [Key in keyof EndpointSettings]: EndpointSettings[Key] | undefined }),
  }));
}
