/** Property values as Pulumi writes them into its JSON. */
export type Properties = Readonly<Record<string, unknown>>;

/** Stands where a value is known only once something was made. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** Stands where Pulumi hides a secret. */
export const MASK = "[secret]";
/** Key by which Pulumi's state and plans tell a secret from an object. */
const SPECIAL = "4dabf18193072939515e22adb298388d";
/** A plugin's list of the arguments it filled in; part of the inputs and of nothing else. */
const DEFAULTS = "__defaults";

export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is that word, or holds it anywhere. */
export function contains(value: unknown, word: string): boolean {
  if (Array.isArray(value)) return value.some((item) => contains(item, word));
  if (isObject(value)) return Object.values(value).some((item) => contains(item, word));
  return value === word;
}

/** The same value with every single place changed; places become undefined to be left out. */
function mapped(value: unknown, change: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapped(item, change)).filter((item) => item !== undefined);
  if (!isObject(value)) return change(value);
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (key === DEFAULTS ? [] : [[key, mapped(item, change)] as const])).filter(([, item]) => item !== undefined));
}

/** Properties without what is not known, and without the lists of defaults. */
export function knownOnly(properties: Properties): Properties {
  return mapped(properties, (leaf) => (leaf === UNKNOWN ? undefined : leaf)) as Properties;
}

/** Properties with a value in place of each that is not known. */
export function filledIn(value: unknown, put: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => filledIn(item, put));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, put)]));
  return value === UNKNOWN ? put : value;
}

/** The same without lists of defaults, and with the mask in place of every secret, however Pulumi wrote it. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (!isObject(value)) return value;
  if (SPECIAL in value) return MASK;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (key === DEFAULTS ? [] : [[key, masked(item)]])));
}

/** The same with words replaced in every text of it. */
export function replacedText(value: unknown, words: readonly (readonly [string, string])[]): unknown {
  if (Array.isArray(value)) return value.map((item) => replacedText(item, words));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replacedText(item, words)]));
  return typeof value === "string" ? words.reduce((text, [word, other]) => text.replaceAll(word, other), value) : value;
}
