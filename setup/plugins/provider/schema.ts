/** Property values as they travel between the engine and a plugin, secrets already stripped by the engine. */
export type Properties = Record<string, unknown>;

/** What the engine sends, and expects back, for a value that is not known before `up`. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Description of one argument or output of a resource. */
export interface Attribute {
  /** "list" keeps its order, "set" does not; "block" is one nested object. */
  type: "string" | "integer" | "number" | "boolean" | "list" | "set" | "map" | "block";
  /** Attributes of a block, or of each element of a list or set of blocks. */
  fields?: Record<string, Attribute>;
  /** The Engine fills it in when the program leaves it out, so leaving it out is no change. */
  computed?: boolean;
  /** Never an argument. */
  outputOnly?: boolean;
  /** A change needs a new resource. */
  replaces?: boolean;
  /** A list that is missing from the state (after a create that failed half-way) counts as a change. */
  missingDiffers?: boolean;
  required?: boolean;
  default?: string | number | boolean;
  /** Filled in from the resource's name plus a random suffix. */
  autoName?: boolean;
  /** Returns why a known value is wrong, or undefined. */
  problem?: (value: unknown) => string | undefined;
}

export type Schema = Record<string, Attribute>;

export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the value is, or holds anywhere, a value not known yet. */
export function containsUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(containsUnknown);
  return isObject(value) && Object.values(value).some(containsUnknown);
}

/** Whether the value is what an argument left out amounts to. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).filter((key) => key !== "__defaults").length === 0;
}
