import { under, type Property } from "./properties";

const MEBIBYTE = 1024 * 1024;

/** What a container may use at most, and what the Engine does when it ends. These change in a container that runs. */
export const LIMITS: readonly Property[] = [
  {
    what: "memory",
    inputs: ["memory", "memoryReservation"],
    needs: "memory",
    declared: ({ memory, memoryReservation }) => ({ memory: ofMebibytes(memory), "memory reservation": ofMebibytes(memoryReservation) }),
    running: ({ HostConfig }) => ({ memory: ofBytes(HostConfig.Memory), "memory reservation": ofBytes(HostConfig.MemoryReservation) }),
  },
  {
    what: "memory and swap",
    inputs: ["memorySwap"],
    needs: "swap",
    // Twice the memory, where nothing is said.
    ofEngine: true,
    declared: ({ memorySwap }) => ({ "memory and swap": ofMebibytes(memorySwap) }),
    running: ({ HostConfig }) => ({ "memory and swap": ofBytes(HostConfig.MemorySwap) }),
  },
  {
    what: "processor shares",
    inputs: ["cpuShares"],
    needs: "cpu shares",
    declared: ({ cpuShares }) => ({ "processor shares": number(cpuShares) }),
    running: ({ HostConfig }) => ({ "processor shares": number(HostConfig.CpuShares) }),
  },
  {
    what: "processors",
    inputs: ["cpus", "cpuSet", "cpuPeriod", "cpuQuota"],
    declared: ({ cpus, cpuSet, cpuPeriod, cpuQuota }) => ({ processors: number(Number(cpus ?? 0)), "processor set": cpuSet || undefined, "processor period": number(cpuPeriod), "processor quota": number(cpuQuota) }),
    running: ({ HostConfig }) => ({
      ...{ processors: number((HostConfig.NanoCpus ?? 0) / 1e9), "processor set": HostConfig.CpusetCpus || undefined },
      ...{ "processor period": number(HostConfig.CpuPeriod), "processor quota": number(HostConfig.CpuQuota) },
    }),
  },
  {
    what: "number of processes",
    inputs: [],
    needs: "process limit",
    // The plugin knows no such argument: whatever is set was set by hand.
    declared: () => ({}),
    running: ({ HostConfig }) => ({ "process limit": (HostConfig.PidsLimit ?? 0) > 0 ? String(HostConfig.PidsLimit) : undefined }),
  },
  {
    what: "limits of processes",
    inputs: ["ulimits"],
    declared: ({ ulimits }) => under("ulimit", Object.fromEntries((ulimits ?? []).map(({ name, soft, hard }) => [name, `${soft}, at most ${hard}`]))),
    running: ({ HostConfig }) => under("ulimit", Object.fromEntries((HostConfig.Ulimits ?? []).map(({ Name, Soft, Hard }) => [Name ?? "", `${Soft}, at most ${Hard}`]))),
  },
  {
    what: "restart policy",
    inputs: ["restart", "maxRetryCount", "rm"],
    declared: ({ restart, maxRetryCount, rm }) => ({ "restart policy": restartText(restart, maxRetryCount), "removed at its end": rm ? "yes" : "no" }),
    running: ({ HostConfig }) => ({ "restart policy": restartText(HostConfig.RestartPolicy?.Name, HostConfig.RestartPolicy?.MaximumRetryCount), "removed at its end": HostConfig.AutoRemove ? "yes" : "no" }),
  },
  {
    what: "log",
    inputs: ["logDriver", "logOpts"],
    // The daemon's own options are added to a container's.
    ofEngine: true,
    declared: ({ logDriver, logOpts }) => ({ "log driver": logDriver, ...under("log option", logOpts ?? {}) }),
    running: ({ HostConfig }) => ({ "log driver": HostConfig.LogConfig?.Type || undefined, ...under("log option", (HostConfig.LogConfig?.Config ?? {}) as Record<string, string>) }),
  },
];

function number(value: number | null | undefined): string | undefined {
  return value ? String(value) : undefined;
}

function ofMebibytes(value: number | null | undefined): string | undefined {
  return !value ? undefined : value < 0 ? "unlimited" : `${value} MiB`;
}

function ofBytes(value: number | null | undefined): string | undefined {
  return ofMebibytes(value && value > 0 ? value / MEBIBYTE : value);
}

function restartText(name: string | undefined, retries: number | undefined): string {
  return retries ? `${name}, at most ${retries} times` : name || "no";
}
