import type { ContainerInspectInfo } from "dockerode";
import { Properties } from "../provider/schema";
import { durationText, mebibytes } from "./containerOptions";

function healthcheck(inspected: ContainerInspectInfo): Properties | undefined {
  const check = inspected.Config.Healthcheck;
  return (
    check && {
      tests: check.Test ?? [],
      interval: durationText(check.Interval),
      timeout: durationText(check.Timeout),
      startPeriod: durationText(check.StartPeriod),
      startInterval: durationText(check.StartInterval),
      retries: check.Retries ?? 0,
    }
  );
}

function networkDatas(inspected: ContainerInspectInfo): Properties[] {
  return Object.entries(inspected.NetworkSettings.Networks ?? {}).map(([networkName, network]) => ({
    networkName,
    ipAddress: network.IPAddress,
    ipPrefixLength: network.IPPrefixLen,
    gateway: network.Gateway,
    ipv6Gateway: network.IPv6Gateway,
    globalIpv6Address: network.GlobalIPv6Address,
    globalIpv6PrefixLength: network.GlobalIPv6PrefixLen,
    macAddress: network.MacAddress,
  }));
}

/**
 * Outputs that come from the Engine: what it filled in, and what `docker update`, `docker stop` or an end of the
 * process may have changed. The rest of a container cannot change and stays as the program gave it.
 */
export function outputsOf(inspected: ContainerInspectInfo, state: Properties): Properties {
  const { Config: config, HostConfig: host, State: now } = inspected;
  const more = config as { StopSignal?: string; StopTimeout?: number };
  const filledIn: Properties = {
    command: config.Cmd ?? [],
    entrypoints: config.Entrypoint ?? [],
    user: config.User,
    workingDir: config.WorkingDir,
    healthcheck: healthcheck(inspected),
    shmSize: mebibytes(host.ShmSize),
    logDriver: host.LogConfig?.Type,
    init: host.Init ?? false,
    stopSignal: more.StopSignal ?? "",
    stopTimeout: more.StopTimeout ?? 0,
    ipcMode: host.IpcMode,
    runtime: (host as { Runtime?: string }).Runtime,
    platform: inspected.Platform,
    readOnly: host.ReadonlyRootfs,
  };
  const kept = Object.fromEntries(Object.entries(filledIn).map(([name, value]) => [name, state[name] ?? value]));
  return {
    ...kept,
    hostname: config.Hostname,
    domainname: config.Domainname,
    memory: mebibytes(host.Memory),
    memorySwap: mebibytes(host.MemorySwap),
    cpuShares: host.CpuShares ?? 0,
    cpuSet: host.CpusetCpus ?? "",
    restart: host.RestartPolicy?.Name || "no",
    maxRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    mustRun: state.mustRun === true && now.Running,
    exitCode: now.ExitCode,
    networkDatas: networkDatas(inspected),
    bridge: "",
  };
}
