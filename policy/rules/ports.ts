import { demand, entries, TYPES, UNKNOWN, type ResourceRule } from "../rule";

const LOOPBACK = "127.0.0.1";

/** Docker writes its own firewall rules: a port on another address is open to the whole network, whatever the machine's firewall says. */
export const ports: ResourceRule = {
  name: "loopback-ports",
  description: "Ports are published on 127.0.0.1 only.",
  types: [TYPES.container],
  check: ({ properties }) => [
    ...entries(properties.ports).flatMap(({ ip }, index) => (ip === LOOPBACK || ip === UNKNOWN ? [] : [{ property: `ports[${index}].ip`, value: ip, allowed: `"${LOOPBACK}"` }])),
    ...demand(properties, "publishAllPorts", "false, or left out", (value) => value === undefined || value === false),
  ],
};
