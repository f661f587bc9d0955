import { z } from "zod";
import { contains, isObject, MASK, type Properties } from "./values";

/** One resource as Pulumi keeps it in a state: what it is made of, where it belongs, what it waits for. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly id?: string;
  readonly inputs?: Properties;
  readonly outputs?: Properties;
  readonly provider?: string;
  readonly propertyDependencies?: Readonly<Record<string, readonly string[] | null>>;
  readonly [other: string]: unknown;
}

/** A resource as a preview plans it. */
export interface PlannedResource {
  /** `create`, `same`, `update`, `replace` … */
  readonly op: string;
  /** Inputs with their secrets; without id and outputs. */
  readonly resource: StateResource;
  /** As far as they are known before it is made. */
  readonly outputs: Properties;
}

const properties = z.record(z.string(), z.unknown());
const digestSchema = z.looseObject({
  steps: z.array(z.looseObject({ op: z.string(), urn: z.string(), newState: z.looseObject({ urn: z.string(), type: z.string(), custom: z.boolean(), inputs: properties.optional() }).optional() })).default([]),
});
const planSchema = z.looseObject({
  resourcePlans: z.record(
    z.string(),
    z.looseObject({
      goal: z.looseObject({ type: z.string(), custom: z.boolean(), inputDiff: z.looseObject({ adds: properties.optional(), updates: properties.optional() }) }).optional(),
      steps: z.array(z.string()).default([]),
      state: properties.optional(),
    }),
  ),
});
type Plan = z.infer<typeof planSchema>["resourcePlans"];

/** What belongs to a program's text and to the time of a run. */
const NOT_KEPT = ["id", "outputs", "sourcePosition", "stackTrace", "created", "modified"];

/**
 * The resources that a preview plans, in an order in which each comes after what it needs.
 *
 * @param digest what `pulumi preview --json --show-sames` printed: complete, but with secrets hidden
 * @param plan what `--save-plan --show-secrets` wrote: the secrets, as far as they are new against `before`
 * @param before resources of the state that was previewed against
 * @throws where Pulumi writes something else than this version of it does
 */
export function plannedResources(digest: unknown, plan: unknown, before: readonly StateResource[] = []): PlannedResource[] {
  const { steps } = digestSchema.parse(digest);
  const { resourcePlans } = planSchema.parse(plan);
  const former = new Map(before.map((resource) => [resource.urn, resource]));
  const planned = steps.flatMap(({ op, urn, newState }): PlannedResource[] => {
    if (newState === undefined) return [];
    const kept = Object.fromEntries(Object.entries(newState).filter(([key]) => !NOT_KEPT.includes(key))) as StateResource;
    const inputs = newState.inputs && withSecrets(urn, newState.inputs, resourcePlans, former.get(urn)?.inputs);
    return [{ op, resource: { ...kept, ...(inputs ? { inputs } : {}) }, outputs: resourcePlans[urn]?.state ?? former.get(urn)?.outputs ?? {} }];
  });
  return inOrder([...providers(resourcePlans, steps), ...planned]);
}

function withSecrets(urn: string, inputs: Properties, plans: Plan, former: Properties | undefined): Properties {
  const { adds, updates } = plans[urn]?.goal?.inputDiff ?? {};
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (!contains(value, MASK)) return [key, value];
      const whole = adds?.[key] ?? updates?.[key] ?? former?.[key];
      if (whole === undefined) throw new Error(`the plan does not hold the secret ${key} of ${urn}`);
      return [key, whole];
    }),
  );
}

/** Plugins that the program does not name are in no list of steps, and yet in every state. */
function providers(plans: Plan, steps: readonly { readonly urn: string }[]): PlannedResource[] {
  const listed = new Set(steps.map(({ urn }) => urn));
  return Object.entries(plans).flatMap(([urn, { goal, steps: ops, state }]): PlannedResource[] => {
    if (goal === undefined || listed.has(urn) || !goal.type.startsWith("pulumi:providers:")) return [];
    const inputs = { ...goal.inputDiff.adds, ...state };
    return [{ op: ops[0] ?? "same", resource: { urn, type: goal.type, custom: true, inputs }, outputs: state ?? {} }];
  });
}

/** Each after its parent, its plugin and what it depends on. */
function inOrder(planned: readonly PlannedResource[]): PlannedResource[] {
  const byUrn = new Map(planned.map((each) => [each.resource.urn, each]));
  const ordered = new Map<string, PlannedResource>();
  const put = (each: PlannedResource, under: ReadonlySet<string>): void => {
    const { urn } = each.resource;
    if (ordered.has(urn) || under.has(urn)) return;
    for (const needed of neededBy(each.resource)) {
      const other = byUrn.get(needed);
      if (other) put(other, new Set([...under, urn]));
    }
    ordered.set(urn, each);
  };
  for (const each of planned) put(each, new Set());
  return [...ordered.values()];
}

function neededBy({ parent, provider, dependencies, propertyDependencies }: StateResource): string[] {
  const others = [...(Array.isArray(dependencies) ? (dependencies as string[]) : []), ...Object.values(isObject(propertyDependencies) ? propertyDependencies : {}).flatMap((urns) => (urns ?? []) as string[])];
  return [...(typeof parent === "string" ? [parent] : []), ...(typeof provider === "string" ? [providerUrn(provider)] : []), ...others];
}

/** A reference to a plugin is its URN and its id. */
export function providerUrn(reference: string): string {
  return reference.slice(0, reference.lastIndexOf("::"));
}
