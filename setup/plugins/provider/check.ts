import { createHash, randomBytes } from "node:crypto";
import { Attribute, isObject, Properties, Schema, UNKNOWN } from "./schema";

/** A wrong argument; the engine shows `reason` with the resource. */
export interface Failure {
  reason: string;
}

export interface CheckRequest {
  schema: Schema;
  /** The resource's type and its name in the program. */
  type: string;
  name: string;
  /** Inputs in the state, empty for a new resource. */
  olds: Properties;
  news: Properties;
  /** Makes names of preview and up equal; may be empty. */
  seed: Uint8Array;
}

/** `<name>-<7 hex digits>`, kept as long as the resource lives. */
function automaticName({ name, olds, seed }: CheckRequest): string {
  const oldDefaults = Array.isArray(olds.__defaults) ? olds.__defaults : [];
  if (oldDefaults.includes("name") && typeof olds.name === "string") return olds.name;
  const source = seed.length > 0 ? seed : randomBytes(32);
  return `${name}-${createHash("sha256").update(source).update(name).digest("hex").slice(0, 7)}`;
}

/** Converts "64" to 64 and "true" to true as the official plugin does; throws on text that is neither. */
function convert(attribute: Attribute, path: string, value: unknown): unknown {
  if (value === UNKNOWN) return value;
  if ((attribute.type === "integer" || attribute.type === "number") && typeof value === "string") {
    const number = value.trim() === "" ? Number.NaN : Number(value);
    if (Number.isNaN(number)) throw new Error(`${path}: parsing "${value}": invalid syntax, a number is needed`);
    return number;
  }
  if (attribute.type === "boolean" && (value === "true" || value === "false")) return value === "true";
  if (attribute.type === "string" && (typeof value === "number" || typeof value === "boolean")) return String(value);
  return value;
}

function checkValue(attribute: Attribute, path: string, value: unknown, problems: Map<string, string>): unknown {
  if (value === UNKNOWN) return value;
  if (attribute.fields && Array.isArray(value)) {
    return value.map((element) => (isObject(element) ? checkFields(attribute.fields ?? {}, path, element, problems) : element));
  }
  if (attribute.fields && isObject(value)) return checkFields(attribute.fields, path, value, problems);
  const converted = convert(attribute, path, value);
  const problem = attribute.problem?.(converted);
  if (problem !== undefined) problems.set(path, problem);
  return converted;
}

function checkFields(
  schema: Schema,
  path: string,
  values: Properties,
  problems: Map<string, string>,
  request?: CheckRequest,
): Properties {
  const inputs: Properties = {};
  const defaults: string[] = [];
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  for (const [key, value] of Object.entries(values)) {
    if (key === "__defaults" || value === null || value === undefined) continue;
    const attribute = schema[key];
    if (!attribute || attribute.outputOnly) problems.set(request ? key : path, "Invalid or unknown key");
    else inputs[key] = checkValue(attribute, at(key), value, problems);
  }
  for (const [key, attribute] of Object.entries(schema)) {
    if (inputs[key] !== undefined) continue;
    if (attribute.autoName && request) inputs[key] = automaticName(request);
    else if (attribute.default !== undefined) inputs[key] = attribute.default;
    else {
      if (attribute.required) {
        problems.set(at(key), `Missing required argument. The argument "${key}" is required, but no definition was found.`);
      }
      continue;
    }
    defaults.push(key);
  }
  inputs.__defaults = defaults.sort();
  return inputs;
}

/** Validates the program's arguments and fills in defaults, which are listed under `__defaults`. */
export function check(request: CheckRequest): { inputs: Properties; failures: Failure[] } {
  const problems = new Map<string, string>();
  const inputs = checkFields(request.schema, "", request.news, problems, request);
  const failures = [...problems].map(([path, problem]) => ({
    reason: `${problem}. Examine values at '${request.name}.${path}'.`,
  }));
  return { inputs, failures };
}
