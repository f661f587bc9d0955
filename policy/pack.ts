import { unknownCheckingProxy, UnknownValueError, type Policies, type PolicyResource, type ResourceValidationArgs, type ResourceValidationPolicy, type StackValidationPolicy } from "@pulumi/policy";
import { UNKNOWN, violationText, type DeclaredResource, type Properties, type ResourceRule, type StackRule } from "./rule";

/** The rules as Pulumi's policies: each violation stops the preview or the update. */
export function policiesOf(resourceRules: readonly ResourceRule[], stackRules: readonly StackRule[]): Policies {
  return [...resourceRules.map(resourcePolicy), ...stackRules.map(stackPolicy)];
}

function resourcePolicy({ name, description, types, check }: ResourceRule): ResourceValidationPolicy {
  return {
    name,
    description,
    validateResource: (args, reportViolation) => {
      if (types && !types.includes(args.type)) return;
      const resource = declared(args);
      for (const violation of check(resource)) reportViolation(violationText(resource, violation));
    },
  };
}

function stackPolicy({ name, description, check }: StackRule): StackValidationPolicy {
  return {
    name,
    description,
    validateStack: ({ resources }, reportViolation) => {
      for (const violation of check(resources.map(declared))) reportViolation(violationText(violation.resource, violation), violation.resource.urn);
    },
  };
}

function declared({ type, name, urn, props, opts }: ResourceValidationArgs | PolicyResource): DeclaredResource {
  return { type, name, urn, properties: plain(unwrapped(props)) as Properties, options: { protect: opts.protect, ignoreChanges: opts.ignoreChanges } };
}

/**
 * Properties as they came. Pulumi wraps them, so that a rule that asks for a value which is not known yet is not run at
 * all: the other values would not be judged either. The wrapping watches what is read, and not what is described.
 */
function unwrapped(props: Record<string, any>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(props).map((key) => [key, Object.getOwnPropertyDescriptor(props, key)?.value as unknown]));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return typeof value === "string" && isUnknown(value) ? UNKNOWN : value;
}

/** Pulumi writes a UUID of its own in the place of a value that is not known yet. */
const judged = new Map<string, boolean>();
function isUnknown(text: string): boolean {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return false;
  if (!judged.has(text)) judged.set(text, throwsUnknown(() => unknownCheckingProxy({ text }).text));
  return judged.get(text)!;
}

function throwsUnknown(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof UnknownValueError) return true;
    throw error;
  }
}
