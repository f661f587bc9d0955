import { contains, isObject, MASK, UNKNOWN, type Properties } from "./values";

/** One place in which two things differ, in words for the owner. */
export interface Difference {
  /** For example `envs.SETTINGS.limits.orderQuantity`. */
  readonly path: string;
  /** Undefined where there was, or is, nothing. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const LONGEST = 80;
/** Follows from everything else that is told. */
const CONSEQUENCES = new Set(["labels.trading.fingerprint"]);

/**
 * Arguments of a resource that differ. Of those that the plugin named, one that is equal is left out, unless it holds a
 * secret: whether that is another one can be told by nobody but the plugin.
 */
export function changedProperties(before: Properties, after: Properties, named: readonly string[]): string[] {
  const differing = Object.keys({ ...before, ...after }).filter((key) => !equal(before[key], after[key]));
  const secret = named.filter((key) => contains(after[key], MASK));
  return [...new Set([...differing, ...secret])].sort();
}

/** In which places the arguments of a resource differ, as deep as it can be told. */
export function resourceDifferences(before: Properties, after: Properties, properties: readonly string[]): Difference[] {
  return properties
    .flatMap((key) => {
      const [old, now] = [readable(before[key]), readable(after[key])];
      const found = differences(old, now, key);
      return found.length > 0 ? found : [{ path: key, before: show(before[key]), after: `another ${show(after[key])}` }];
    })
    .filter(({ path }) => !CONSEQUENCES.has(path));
}

/** All places in which two values differ; `path` is where they are. */
export function differences(before: unknown, after: unknown, path: string): Difference[] {
  if (equal(before, after)) return [];
  const at = (key: string) => (path === "" ? key : `${path}.${key}`);
  if (isObject(before) && isObject(after)) return Object.keys({ ...before, ...after }).flatMap((key) => differences(before[key], after[key], at(key)));
  if (isList(before) && isList(after)) {
    return Array.from({ length: Math.max(before.length, after.length) }, (_, index) => differences(before[index], after[index], `${path}[${index}]`)).flat();
  }
  return [{ path, before: show(before), after: show(after) }];
}

/** Lists of which each entry has a name are told by the names, and text that is JSON by what it says. */
function readable(value: unknown): unknown {
  if (typeof value === "string") return fromJson(value);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]));
  if (!isList(value)) return value;
  const entries = value.map(named);
  return entries.every((entry) => entry !== undefined) ? Object.fromEntries(entries.map(([key, item]) => [key, readable(item)])) : value.map(readable);
}

/** What an entry of a list is called: that of a bot, a label, a mount, or an environment's variable. */
function named(entry: unknown): readonly [string, unknown] | undefined {
  if (typeof entry === "string") {
    const [, key, value] = /^([A-Z][A-Z0-9_]*)=([\s\S]*)$/.exec(entry) ?? [];
    return key === undefined ? undefined : [key, value];
  }
  if (!isObject(entry)) return undefined;
  if (typeof entry["label"] === "string") return [entry["label"], entry["value"]];
  for (const key of ["name", "containerPath"]) if (typeof entry[key] === "string") return [entry[key], entry];
  return undefined;
}

function fromJson(text: string): unknown {
  if (!/^[[{]/.test(text)) return text;
  try {
    return readable(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Entries with names by them: bots are told apart by theirs, whatever their order. */
export function byName(value: unknown): unknown {
  return readable(value);
}

function show(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (contains(value, MASK)) return "(secret)";
  if (value === UNKNOWN) return "(known once it is made)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const known = text.replaceAll(UNKNOWN, "(known once it is made)").replace(/\b(sha256:[0-9a-f]{8})[0-9a-f]{56}\b/g, "$1…").replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…").replace(/(?<=:\/\/)[^/@\s"]+(?=@)/g, "(secret)");
  return known.length > LONGEST ? `${known.slice(0, LONGEST - 1)}…` : known;
}

function equal(one: unknown, other: unknown): boolean {
  if (isList(one) && isList(other)) return one.length === other.length && one.every((item, index) => equal(item, other[index]));
  if (isObject(one) && isObject(other)) return Object.keys({ ...one, ...other }).every((key) => equal(one[key], other[key]));
  return one === other;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
