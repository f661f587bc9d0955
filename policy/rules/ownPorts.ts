import { stackPorts } from "../../config/names";
import { entries, stackOf, TYPES, UNKNOWN, type DeclaredResource, type PlacedViolation, type StackRule } from "../rule";
import { areFacts, stackFacts, type StackFacts } from "./stackFacts";

/** What the file of a stack says of its ports. */
export interface StackFile {
  readonly stack: string;
  readonly portBase: number;
}

/** @param stacks every stack of this clone that has a file, the one that is judged included */
export function ownPorts(stacks: readonly StackFile[]): StackRule {
  return {
    name: "own-ports",
    description: "A stack publishes the ports that its port base gives it, and no other stack's file has them.",
    check: (resources) => {
      const facts = stackFacts(resources);
      if (!areFacts(facts)) return facts ?? [];
      const others = stacks.filter(({ stack }) => stack !== stackOf(facts.resource));
      return [...published(resources, facts), ...shared(facts, others)];
    },
  };
}

function portsOf(portBase: number): number[] {
  return Object.values(stackPorts(portBase));
}

function published(resources: readonly DeclaredResource[], { portBase }: StackFacts): PlacedViolation[] {
  const own = portsOf(portBase);
  return resources
    .filter(({ type }) => type === TYPES.container)
    .flatMap((resource) =>
      entries(resource.properties.ports).flatMap(({ external }, index) =>
        external === UNKNOWN || own.includes(Number(external)) ? [] : [{ resource, property: `ports[${index}].external`, value: external, allowed: `${own.join(", ")}, from trading:portBase ${portBase}` }],
      ),
    );
}

function shared({ resource, portBase }: StackFacts, others: readonly StackFile[]): PlacedViolation[] {
  const own = portsOf(portBase);
  return others
    .filter((other) => portsOf(other.portBase).some((port) => own.includes(port)))
    .map((other) => ({ resource, property: "portBase", value: portBase, allowed: `ports of its own: Pulumi.${other.stack}.yaml has ${portsOf(other.portBase).join(", ")}` }));
}
