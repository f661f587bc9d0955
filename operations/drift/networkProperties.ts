import { setText, under, yesOrNo, type Entries, type Property, type RunningContainer } from "./properties";

/** What a container is connected to, and by what names. */
export const NETWORK: readonly Property[] = [
  {
    what: "networks",
    inputs: ["networksAdvanced", "networkMode"],
    declared: ({ networksAdvanced, networkMode }) =>
      networksAdvanced?.length
        ? Object.fromEntries(networksAdvanced.flatMap(({ name, aliases, ipv4Address, ipv6Address }) => Object.entries(networkEntries(name, aliases, [ipv4Address, ipv6Address]))))
        : networkEntries(plainMode(networkMode), [], []),
    running: networksOf,
  },
  {
    what: "published ports",
    inputs: ["ports", "publishAllPorts"],
    declared: ({ ports, publishAllPorts }) => ({
      ...under("port", joined((ports ?? []).map(({ internal, external, ip, protocol }) => [portText(ip, external), `${internal}/${protocol ?? "tcp"}`]))),
      "all ports published": yesOrNo(publishAllPorts),
    }),
    running: ({ HostConfig }) => ({
      ...under(
        "port",
        joined(
          Object.entries((HostConfig.PortBindings ?? {}) as Record<string, { HostIp?: string; HostPort?: string }[] | null>).flatMap(([port, bindings]) =>
            (bindings ?? []).map(({ HostIp, HostPort }) => [portText(HostIp, Number(HostPort)), port] as const),
          ),
        ),
      ),
      "all ports published": yesOrNo(HostConfig.PublishAllPorts),
    }),
  },
  {
    what: "further host names",
    inputs: ["hosts"],
    declared: ({ hosts }) => under("host", Object.fromEntries((hosts ?? []).map(({ host, ip }) => [host, ip]))),
    running: ({ HostConfig }) =>
      under("host", Object.fromEntries(((HostConfig.ExtraHosts ?? []) as string[]).map((line) => [line.split(/[:=]/, 1)[0]!, line.replace(/^[^:=]*[:=]/, "")]))),
  },
  {
    what: "name servers",
    inputs: ["dns", "dnsOpts", "dnsSearches"],
    declared: ({ dns, dnsOpts, dnsSearches }) => ({ "name servers": setText(dns), "name server options": setText(dnsOpts), "search domains": setText(dnsSearches) }),
    running: ({ HostConfig }) => ({ "name servers": setText(HostConfig.Dns), "name server options": setText(HostConfig.DnsOptions), "search domains": setText(HostConfig.DnsSearch) }),
  },
];

/** The Engine's own default has two names. */
function plainMode(mode: string | undefined): string {
  return mode === undefined || mode === "default" ? "bridge" : mode;
}

function networkEntries(name: string, aliases: readonly string[] | undefined, addresses: readonly (string | undefined)[]): Entries {
  const fixed = addresses.filter(Boolean) as string[];
  return { [`network ${name}`]: [aliases?.length ? `as ${setText(aliases)}` : "connected", ...fixed].join(", ") };
}

function networksOf({ Id, Name, Config, HostConfig, NetworkSettings }: RunningContainer): Entries {
  // One that has the network of another container is on none of its own.
  if (HostConfig.NetworkMode?.startsWith("container:")) return networkEntries(HostConfig.NetworkMode, [], []);
  const own = new Set([Id.slice(0, 12), Name.replace(/^\//, ""), Config.Hostname]);
  return Object.fromEntries(
    Object.entries(NetworkSettings.Networks ?? {}).flatMap(([name, { Aliases, IPAMConfig }]) => {
      // Engines put a container's own names among them, or do not.
      const aliases = ((Aliases ?? []) as string[]).filter((alias) => !own.has(alias));
      const { IPv4Address, IPv6Address } = (IPAMConfig ?? {}) as { IPv4Address?: string; IPv6Address?: string };
      return Object.entries(networkEntries(name, aliases, [IPv4Address, IPv6Address]));
    }),
  );
}

function portText(ip: string | undefined, external: number | undefined): string {
  return `${ip || "0.0.0.0"}:${external || "any"}`;
}

/** Several values of one name in one text. */
function joined(pairs: readonly (readonly [name: string, value: string])[]): Record<string, string> {
  const names = [...new Set(pairs.map(([name]) => name))];
  return Object.fromEntries(names.map((name) => [name, setText(pairs.filter(([other]) => other === name).map(([, value]) => value))!]));
}
