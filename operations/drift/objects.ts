import type { NetworkInspectInfo, VolumeInspectInfo } from "dockerode";
import { labelsOf, type Found } from "./containers";
import type { DeployedObject, NetworkInputs, VolumeInputs } from "./facts";
import { compareEntries, isEncrypted, under, yesOrNo, type Entries } from "./properties";

/** Compares a volume that is there with what was declared of it. */
export function compareVolume({ inputs }: DeployedObject<VolumeInputs>, { Labels, Driver, Options }: VolumeInspectInfo): Found {
  return compareObject(
    inputs,
    { driver: inputs.driver ?? "local", ...under("option", inputs.driverOpts ?? {}) },
    { driver: Driver, ...under("option", Options ?? {}) },
    Labels,
  );
}

/**
 * Compares a network that is there with what was declared of it.
 *
 * @param attached names of the containers on it that are declared to be there
 */
export function compareNetwork({ id, inputs }: DeployedObject<NetworkInputs>, network: NetworkInspectInfo, attached: ReadonlySet<string>): Found {
  const strangers = Object.values(network.Containers ?? {}).map(({ Name }) => Name).filter((name) => !attached.has(name));
  const found = compareObject(
    inputs,
    { "network id": id.slice(0, 12), driver: inputs.driver ?? "bridge", ...flags(inputs.internal, inputs.attachable, inputs.ipv6), ...under("option", inputs.options ?? {}), ...subnets(inputs.ipamConfigs) },
    {
      ...{ "network id": network.Id.slice(0, 12), driver: network.Driver, ...flags(network.Internal, network.Attachable, network.EnableIPv6), ...under("option", network.Options ?? {}) },
      ...(inputs.ipamConfigs === undefined ? {} : subnets((network.IPAM?.Config ?? []).map(({ Subnet, Gateway }) => ({ subnet: Subnet, gateway: Gateway })))),
    },
    network.Labels,
    // The Engine adds options of its own.
    (name) => name.startsWith("option "),
  );
  return { ...found, differences: [...found.differences, ...strangers.sort().map((name) => ({ property: `container ${name}`, declared: null, running: "connected" }))] };
}

function compareObject(inputs: VolumeInputs | NetworkInputs, declared: Entries, running: Entries, labels: Readonly<Record<string, string>> | null | undefined, isFine: (name: string) => boolean = () => false): Found {
  if (isEncrypted(inputs)) return { differences: [], notLookedAt: ["what is declared, which is encrypted in Pulumi's state"] };
  return { differences: compareEntries({ ...under("label", labelsOf(inputs.labels)), ...declared }, { ...under("label", labels ?? {}), ...running }, isFine), notLookedAt: [] };
}

function flags(internal: boolean | undefined, attachable: boolean | undefined, ipv6: boolean | undefined): Entries {
  return { internal: yesOrNo(internal), attachable: yesOrNo(attachable), "IP version 6": yesOrNo(ipv6) };
}

function subnets(configurations: readonly { readonly subnet?: string | undefined; readonly gateway?: string | undefined }[] | undefined): Entries {
  return Object.fromEntries((configurations ?? []).map(({ subnet, gateway }, index) => [`subnet ${index + 1}`, [subnet, ...(gateway ? [`gateway ${gateway}`] : [])].join(", ")]));
}
