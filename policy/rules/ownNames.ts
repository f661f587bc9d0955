import { CLONE_FOLDER } from "../../config/clone";
import { allNames, LABELS, stackNames } from "../../config/names";
import { demand, entries, environmentOf, labelOf, stackOf, TYPES, UNKNOWN, type DeclaredResource, type ResourceRule, type Violation } from "../rule";
import { hostPaths } from "./dockerSocket";

/** A stack of another name could take over, read or remove what is not its own. */
export const ownNames: ResourceRule = {
  name: "own-names",
  description: "Everything of a stack bears the stack's name, and uses nothing of another stack.",
  types: [TYPES.container, TYPES.volume, TYPES.network],
  check: (resource) => {
    const stack = stackOf(resource);
    const label = labelOf(resource, LABELS.stack);
    return [
      ...demand(resource.properties, "name", ownName(stack), (name) => isOwn(stack, name)),
      ...(label === stack || label === UNKNOWN ? [] : [{ property: `labels ${LABELS.stack}`, value: label, allowed: `"${stack}"` }]),
      ...(resource.type === TYPES.container ? ofContainer(resource, stack) : []),
    ];
  },
};

function ofContainer(resource: DeclaredResource, stack: string): Violation[] {
  const { properties } = resource;
  const service = String(labelOf(resource, LABELS.service));
  const told = environmentOf(resource).get("TRADING_STACK");
  return [
    // Other rules make exceptions for a service: its name is what a container is reached and stopped by.
    ...demand(properties, "name", `"${stackNames(stack).container(service)}", as its label ${LABELS.service} says`, (name) => name === stackNames(stack).container(service)),
    ...entries(properties.volumes).flatMap(({ volumeName, fromContainer }, index) => [
      ...used(stack, `volumes[${index}].volumeName`, volumeName),
      ...(fromContainer ? [{ property: `volumes[${index}].fromContainer`, value: fromContainer, allowed: "nothing: volumes by name" }] : []),
    ]),
    ...entries(properties.mounts).flatMap(({ type, source }, index) => (type === "volume" ? used(stack, `mounts[${index}].source`, source) : [])),
    ...entries(properties.networksAdvanced).flatMap(({ name }, index) => (name === UNKNOWN || name === stackNames(stack).network ? [] : [{ property: `networksAdvanced[${index}].name`, value: name, allowed: `"${stackNames(stack).network}"` }])),
    ...(told === undefined || told === stack ? [] : [{ property: "envs TRADING_STACK", value: told, allowed: `"${stack}"` }]),
    ...hostPaths(resource).flatMap(({ property, path }) => {
      const inside = new RegExp(`(^|/)${CLONE_FOLDER.replace(".", "\\.")}(/|$)(stacks(/|$)([^/]+)?)?`).exec(path.replaceAll("\\", "/"));
      return inside === null || inside[5] === stack ? [] : [{ property, value: path, allowed: `of ${CLONE_FOLDER} nothing but ${CLONE_FOLDER}/stacks/${stack}` }];
    }),
  ];
}

function used(stack: string, property: string, name: unknown): Violation[] {
  return name === undefined || name === null || name === "" || name === UNKNOWN || isOwn(stack, name) ? [] : [{ property, value: name, allowed: ownName(stack) }];
}

/** Exactly the names a stack may use: a prefix would also be that of a stack called `paper-2`. */
function isOwn(stack: string, name: unknown): boolean {
  const bot = /-bot-([a-z][a-z0-9]{0,30})$/.exec(String(name))?.[1];
  return allNames(stack, bot === undefined ? [] : [bot]).has(String(name));
}

function ownName(stack: string): string {
  return `a name of stack ${stack}, ${stackNames(stack).prefix} or ${stackNames(stack).prefix}-…, as config/names.ts gives it`;
}
