import { isDeepStrictEqual } from "node:util";

/** What follows from other keys, and would only name the same difference again. */
const DERIVED: ReadonlySet<string> = new Set(["configurationHash"]);

/**
 * Keys by which two configurations of a stack differ, each as the owner writes it: `trading:bots[0].limits.orderQuantity`.
 * A key that only one of them has is named as a whole.
 */
export function differingKeys(one: unknown, other: unknown): string[] {
  return keysBelow("", one, other).map((path) => `trading:${path}`);
}

function keysBelow(path: string, one: unknown, other: unknown): string[] {
  if (isDeepStrictEqual(one, other)) return [];
  if (Array.isArray(one) && Array.isArray(other) && one.length === other.length) return one.flatMap((value, index) => keysBelow(`${path}[${index}]`, value, other[index]));
  if (!isObject(one) || !isObject(other)) return [path];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((key) => !DERIVED.has(key)).flatMap((key) => keysBelow(path === "" ? key : `${path}.${key}`, one[key], other[key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
