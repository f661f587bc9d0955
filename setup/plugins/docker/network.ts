import type { NetworkArgs } from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type { NetworkInspectInfo } from "dockerode";
import { Attribute, Properties } from "../provider/schema";
import { dockerResource, untilRemoved } from "./dockerResource";
import { attempt, engine, engineMessage, isNotFound, orMissing } from "./engine";
import { labelList, labelsAttribute, labelsOf } from "./labels";

const schema = {
  name: { type: "string", replaces: true, autoName: true },
  labels: labelsAttribute,
  driver: { type: "string", computed: true, replaces: true },
  options: { type: "map", computed: true, replaces: true },
  internal: { type: "boolean", computed: true, replaces: true },
  attachable: { type: "boolean", replaces: true },
  ingress: { type: "boolean", replaces: true },
  ipv6: { type: "boolean", replaces: true },
  ipamDriver: { type: "string", replaces: true, default: "default" },
  ipamOptions: { type: "map", replaces: true },
  ipamConfigs: {
    type: "set",
    computed: true,
    replaces: true,
    fields: {
      subnet: { type: "string" },
      ipRange: { type: "string" },
      gateway: { type: "string" },
      auxAddress: { type: "map" },
    },
  },
  scope: { type: "string", outputOnly: true },
} satisfies Record<keyof NetworkArgs | "scope", Attribute>;

function outputsOf(network: NetworkInspectInfo): Properties {
  const ipamConfigs = (network.IPAM?.Config ?? []).map((config) => ({
    subnet: config.Subnet,
    gateway: config.Gateway,
    ipRange: config.IPRange,
    auxAddress: config.AuxiliaryAddresses,
  }));
  return {
    name: network.Name,
    driver: network.Driver,
    scope: network.Scope,
    internal: network.Internal,
    attachable: network.Attachable,
    ingress: network.Ingress,
    ipv6: network.EnableIPv6,
    ipamDriver: network.IPAM?.Driver,
    ipamOptions: network.IPAM?.Options ?? {},
    ipamConfigs,
    options: network.Options ?? {},
    labels: labelList(network.Labels),
  };
}

export const networkResource = dockerResource({
  schema,
  async create(inputs, made) {
    const args = inputs as Unwrap<NetworkArgs>;
    const created = await attempt(
      "Unable to create network",
      engine().createNetwork({
        Name: args.name ?? "",
        CheckDuplicate: true,
        Driver: args.driver ?? "bridge",
        Internal: args.internal ?? false,
        Attachable: args.attachable ?? false,
        Ingress: args.ingress ?? false,
        EnableIPv6: args.ipv6 ?? false,
        Options: args.options ?? {},
        Labels: labelsOf(inputs),
        IPAM: {
          Driver: args.ipamDriver ?? "default",
          Options: args.ipamOptions ?? {},
          Config: (args.ipamConfigs ?? []).map((config) => ({
            ...(config.subnet && { Subnet: config.subnet }),
            ...(config.ipRange && { IPRange: config.ipRange }),
            ...(config.gateway && { Gateway: config.gateway }),
            ...(config.auxAddress && { AuxiliaryAddresses: config.auxAddress }),
          })),
        },
      }),
    );
    made(created.id);
    return { id: created.id, outputs: outputsOf((await engine().getNetwork(created.id).inspect()) as NetworkInspectInfo) };
  },
  async read(id) {
    const network = (await orMissing(engine().getNetwork(id).inspect())) as NetworkInspectInfo | undefined;
    return network && outputsOf(network);
  },
  async delete(id, _state, { signal }) {
    const remove = async (): Promise<boolean> => {
      try {
        await engine().getNetwork(id).remove();
        return true;
      } catch (error) {
        if (isNotFound(error)) return true;
        if (engineMessage(error).includes("has active endpoints")) return false;
        throw new Error(engineMessage(error));
      }
    };
    await untilRemoved("pending", remove, signal);
  },
});
