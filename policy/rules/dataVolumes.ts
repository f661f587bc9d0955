import { backupVolume, dataVolumes as dataVolumeNames } from "../../config/names";
import { stackOf, TYPES, type DeclaredResource, type PlacedViolation, type StackRule } from "../rule";
import { areFacts, stackFacts } from "./stackFacts";

/** A change of any of these replaces a volume, and loses what it holds. */
const IGNORED = ["labels", "driver", "driverOpts"];

/** What cannot be made again outlives `pulumi destroy`; in live it stops one before it has removed anything. */
export const dataVolumes: StackRule = {
  name: "data-volumes-kept",
  description: "Volumes of data are retained and never replaced, and in live protected.",
  check: (resources) => {
    const facts = stackFacts(resources);
    if (!areFacts(facts)) return facts ?? [];
    const stack = stackOf(facts.resource);
    const volumes = resources.filter(({ type, properties }) => type === TYPES.volume && [...dataVolumeNames(stack), backupVolume(stack)].includes(String(properties.name)));
    const missing = dataVolumeNames(stack).filter((name) => !volumes.some(({ properties }) => properties.name === name));
    return [
      ...missing.map((name) => ({ resource: facts.resource, property: "volumes", value: volumes.map(({ properties }) => properties.name as string), allowed: `${name} among them: the stack's data` })),
      ...volumes.flatMap((volume) => kept(volume, facts.mode)),
      // Analysers are not told of retainOnDelete: the component says which option it gave.
      ...resources.filter(({ type, properties }) => type === TYPES.dataVolume && properties.retained !== true).map((resource) => ({ resource, property: "options.retainOnDelete", value: resource.properties.retained as unknown, allowed: "true" })),
    ];
  },
};

function kept(resource: DeclaredResource, mode: "paper" | "live"): PlacedViolation[] {
  const { urn, options } = resource;
  const open = IGNORED.filter((property) => !options.ignoreChanges.includes(property));
  return [
    ...(urn.split("::")[2]?.endsWith(`${TYPES.dataVolume}$${TYPES.volume}`) ? [] : [{ resource, property: "parent", value: urn.split("::")[2], allowed: `a ${TYPES.dataVolume}, which retains it` }]),
    ...(open.length === 0 ? [] : [{ resource, property: "options.ignoreChanges", value: options.ignoreChanges, allowed: `${open.join(", ")} among them` }]),
    ...(mode === "paper" || options.protect ? [] : [{ resource, property: "options.protect", value: options.protect, allowed: "true, in live" }]),
  ];
}
