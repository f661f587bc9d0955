import { Attribute, containsUnknown, isEmpty, isObject, Properties, Schema, UNKNOWN } from "./schema";

export type ChangeKind = "add" | "delete" | "update";

/** One changed place, with its path as the engine shows it (`envs[0]`, `logOpts["max-size"]`). */
export interface Change {
  path: string;
  kind: ChangeKind;
  replaces: boolean;
}

type Plain = { path: string; kind: ChangeKind };

/** Text that is equal exactly for values that mean the same: empty values and key order do not count. */
function canonical(attribute: Attribute, value: unknown): string {
  if (Array.isArray(value)) {
    const element: Attribute = { type: attribute.fields ? "block" : "string", ...(attribute.fields && { fields: attribute.fields }) };
    const texts = value.map((item) => canonical(element, item));
    return JSON.stringify(attribute.type === "set" ? [...new Set(texts)].sort() : texts);
  }
  if (isObject(value)) {
    const entries = Object.entries(value)
      .filter(([key, item]) => key !== "__defaults" && (attribute.type === "map" || !isEmpty(item)))
      .map(([key, item]) => [key, canonical(attribute.fields?.[key] ?? { type: "string" }, item)] as const);
    return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return JSON.stringify(typeof value === "number" || typeof value === "boolean" ? String(value) : (value ?? ""));
}

function key(path: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}["${name}"]`;
}

/** Whether each element names every field of its block, so that single fields can be shown. */
function complete(attribute: Attribute, elements: unknown[]): boolean {
  const names = Object.keys(attribute.fields ?? {});
  return elements.every((element) => !isObject(element) || names.every((name) => element[name] !== undefined));
}

function diffSet(attribute: Attribute, path: string, old: unknown[], now: unknown[]): Plain[] {
  const element: Attribute = { ...attribute, type: attribute.fields ? "block" : "string" };
  const identities = (values: unknown[]): string[] => values.map((value) => canonical(element, value));
  const [oldTexts, nowTexts] = [identities(old), identities(now)];
  const removed = oldTexts.flatMap((text, index) => (nowTexts.includes(text) ? [] : [index]));
  const added = nowTexts.flatMap((text, index) => (oldTexts.includes(text) ? [] : [index]));
  if (added.length > 0 && !complete(attribute, added.map((index) => now[index]))) return [{ path, kind: "update" }];
  return [...new Set([...removed, ...added])].flatMap((index): Plain[] => {
    const at = `${path}[${index}]`;
    if (!removed.includes(index)) return [{ path: at, kind: "add" }];
    if (!added.includes(index)) return [{ path: at, kind: "delete" }];
    return diffValue(element, at, old[index], now[index]);
  });
}

function diffList(attribute: Attribute, path: string, old: unknown[], now: unknown[]): Plain[] {
  const element: Attribute = { ...attribute, type: attribute.fields ? "block" : "string" };
  return Array.from({ length: Math.max(old.length, now.length) }, (_, index): Plain[] => {
    const at = `${path}[${index}]`;
    if (index >= old.length) return [{ path: at, kind: "add" }];
    if (index >= now.length) return [{ path: at, kind: "delete" }];
    return diffValue(element, at, old[index], now[index]);
  }).flat();
}

function diffObject(attribute: Attribute, path: string, old: Properties, now: Properties): Plain[] {
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  names.delete("__defaults");
  return [...names].flatMap((name): Plain[] => {
    const at = key(path, name);
    const field = attribute.fields?.[name] ?? { type: "string" as const };
    if (attribute.type === "map" && old[name] === undefined) return [{ path: at, kind: "add" }];
    if (attribute.type === "map" && now[name] === undefined) return [{ path: at, kind: "delete" }];
    return diffValue(field, at, old[name], now[name]);
  });
}

function diffValue(attribute: Attribute, path: string, old: unknown, now: unknown): Plain[] {
  if (isEmpty(old) && isEmpty(now)) return [];
  if (canonical(attribute, old) === canonical(attribute, now)) return [];
  if (now === UNKNOWN || (containsUnknown(now) && (attribute.fields || attribute.type === "set"))) return [{ path, kind: isEmpty(old) ? "add" : "update" }];
  if (attribute.type === "map" && isObject(old) && !isEmpty(old)) {
    return diffObject(attribute, path, old, isObject(now) ? now : {});
  }
  const collection = Array.isArray(old ?? now) || isObject(old ?? now);
  if (old === undefined || old === null || (collection && isEmpty(old))) return [{ path, kind: "add" }];
  if (now === undefined || now === null || (collection && isEmpty(now))) return [{ path, kind: "delete" }];
  if (Array.isArray(old) && Array.isArray(now)) {
    return attribute.type === "set" ? diffSet(attribute, path, old, now) : diffList(attribute, path, old, now);
  }
  if (isObject(old) && isObject(now)) return diffObject(attribute, path, old, now);
  return [{ path, kind: "update" }];
}

/**
 * Compares the state with the program's inputs as the official plugin does: what the program leaves out and the
 * Engine fills in is no change, order in a set neither.
 */
export function diff(schema: Schema, state: Properties, inputs: Properties): Change[] {
  return Object.entries(schema).flatMap(([name, attribute]): Change[] => {
    const [old, now] = [state[name], inputs[name]];
    const replaces = attribute.replaces === true;
    if (attribute.missingDiffers && (old === undefined || old === null) && isEmpty(now)) {
      return [{ path: name, kind: "add", replaces }];
    }
    if (attribute.outputOnly || (attribute.computed && (now === undefined || (isEmpty(now) && typeof now === "object")))) return [];
    return diffValue(attribute, name, old, now).map((change) => ({ ...change, replaces }));
  });
}
