import { LABELS } from "../../config/names";
import { demand, entries, isAbsent, labelOf, TYPES, UNKNOWN, type ResourceRule, type Violation } from "../rule";

/** Services that begin as user 0, and what of root they keep: the backup reads what several users own, and its init hands on signals. */
const ROOT: Readonly<Record<string, readonly string[]>> = { backup: ["DAC_OVERRIDE", "KILL", "SETGID", "SETUID"], "guard-proxy": [] };

/** What else of the machine can be given to a container; none of ours needs it. */
const GIFTS = ["devices", "deviceRequests", "gpus", "groupAdds", "sysctls", "runtime"];

/** What a program in a container can do to the machine once it was taken over. */
export const privileges: ResourceRule = {
  name: "least-privilege",
  description: "No container is privileged: all capabilities dropped, no new privileges, a user of its own, a read-only root, no devices.",
  types: [TYPES.container],
  check: (resource) => {
    const { properties } = resource;
    const kept = ROOT[String(labelOf(resource, LABELS.service))];
    return [
      ...demand(properties, "privileged", "false, or left out", isAbsent),
      ...capabilities(properties.capabilities, kept),
      ...securityOptions(properties.securityOpts),
      ...(kept
        ? demand(properties, "user", "a user and group by number", (user) => typeof user === "string" && /^\d+(:\d+)?$/.test(user))
        : demand(properties, "user", "a user and group by number, not 0", (user) => typeof user === "string" && /^[1-9]\d*(:[1-9]\d*)?$/.test(user))),
      ...demand(properties, "readOnly", "true: what is written goes to volumes and tmpfs", (value) => value === true),
      ...GIFTS.flatMap((property) => demand(properties, property, "none", isAbsent)),
    ];
  },
};

function capabilities(value: any, kept: readonly string[] | undefined): Violation[] {
  if (value === UNKNOWN) return [];
  const added = entries(value?.adds).filter((capability) => !kept?.includes(String(capability)));
  return [
    ...demand({ "capabilities.drops": value?.drops }, "capabilities.drops", '"ALL" among them', (drops) => entries(drops).includes("ALL")),
    ...added.map((capability) => ({ property: "capabilities.adds", value: capability, allowed: kept?.length ? kept.join(", ") : "none" })),
  ];
}

function securityOptions(value: any): Violation[] {
  if (value === UNKNOWN) return [];
  const options = entries(value).map(String);
  return [
    ...(options.some((option) => /^no-new-privileges([:=]true)?$/.test(option)) ? [] : [{ property: "securityOpts", value, allowed: '"no-new-privileges:true" among them' }]),
    ...options.filter((option) => /[:=](unconfined|disable)$/.test(option)).map((option) => ({ property: "securityOpts", value: option, allowed: "no protection of the Engine's switched off" })),
  ];
}
