import { TYPES, type DeclaredResource, type PlacedViolation } from "../rule";

/** What the program says of the stack as a whole, in the outputs of its TradingStack. */
export interface StackFacts {
  readonly resource: DeclaredResource;
  readonly mode: "paper" | "live";
  readonly portBase: number;
}

/** @returns the facts; violations where resources of the Engine are declared and nothing says of what stack; undefined where there are none */
export function stackFacts(resources: readonly DeclaredResource[]): StackFacts | readonly PlacedViolation[] | undefined {
  const first = resources.find(({ type }) => type === TYPES.container || type === TYPES.volume);
  if (first === undefined) return undefined;
  const resource = resources.find(({ type }) => type === TYPES.tradingStack);
  if (resource === undefined) return [{ resource: first, property: "parent", value: undefined, allowed: `a ${TYPES.tradingStack} over all of it` }];
  const { mode, portBase } = resource.properties;
  if ((mode === "paper" || mode === "live") && typeof portBase === "number") return { resource, mode, portBase };
  return [{ resource, property: "outputs mode, portBase", value: [mode, portBase], allowed: '"paper" or "live", and a number' }];
}

export function areFacts(found: ReturnType<typeof stackFacts>): found is StackFacts {
  return found !== undefined && "mode" in found;
}
