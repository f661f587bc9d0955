import { demand, isAbsent, TYPES, type ResourceRule } from "../rule";

/** The namespaces of the machine, or of another container, are as good as being there. */
export const namespaces: ResourceRule = {
  name: "own-namespaces",
  description: "No container shares network, processes, memory, users or control groups with the machine or another container.",
  types: [TYPES.container],
  check: ({ properties }) => [
    // `bridge` is Docker's own default, and where a container is until it is on the stack's network.
    ...demand(properties, "networkMode", '"none", "bridge", or left out', (mode) => isAbsent(mode) || mode === "none" || mode === "bridge" || mode === "default"),
    ...demand(properties, "ipcMode", '"private", "none", or left out', (mode) => isAbsent(mode) || mode === "private" || mode === "none"),
    ...demand(properties, "cgroupnsMode", '"private", or left out', (mode) => isAbsent(mode) || mode === "private"),
    ...["pidMode", "usernsMode"].flatMap((property) => demand(properties, property, "nothing: its own", isAbsent)),
  ],
};
