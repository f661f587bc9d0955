import { entries, TYPES, UNKNOWN, type DeclaredResource, type ResourceRule, type Violation } from "../rule";

/** Names under which people keep secrets. What ends like a path or a flag only says where one is, or whether there is one. */
const SECRET_NAME = /(pass(word|wd|phrase)?|secret|token|credentials?|private_?key|api_?key|access_?key|cipher_?pass)s?$/i;
/** Values that are a secret under any name: an address with a password in it, a private key. */
const SECRET_VALUE = /:\/\/[^\s/:@]+:[^\s/@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Secret files are mounted there; where one is may be said. */
const isPlace = (value: string) => value.startsWith("/");

const HIDDEN = "(not shown)";
const ALLOWED = "no secret: it belongs into a file of the service's secrets volume";

/**
 * Secrets by their name or form, wherever `docker inspect`, `ps` and Pulumi's plain state would show them. What a secret
 * is called otherwise is found by its content, over the whole stack: rules/secretContents.ts.
 */
export const secretNames: ResourceRule = {
  name: "no-secret-in-sight",
  description: "Environment, labels and command lines hold no password, token or key.",
  types: [TYPES.container, TYPES.volume, TYPES.network, TYPES.command],
  check: (resource) => places(resource).flatMap(({ property, name, value }) => found(property, name, value)),
};

interface Place {
  readonly property: string;
  readonly name: string;
  readonly value: unknown;
}

function places({ type, properties }: DeclaredResource): Place[] {
  const record = (property: string, value: unknown) => Object.entries((value ?? {}) as object).map(([name, inner]) => ({ property: `${property} ${name}`, name, value: inner as unknown }));
  const list = (property: string, value: unknown) => entries(value).map((entry) => pair(property, String(entry)));
  const line = (property: string, value: unknown) => words(value).map((word) => pair(property, word));
  if (type === TYPES.command) return [...["create", "update", "delete", "triggers"].flatMap((property) => line(property, properties[property])), ...record("environment", properties.environment)];
  return [
    ...list("envs", properties.envs),
    ...entries(properties.labels).map(({ label, value }) => ({ property: `labels ${String(label)}`, name: String(label), value })),
    ...["command", "entrypoints"].flatMap((property) => line(property, properties[property])),
    ...line("healthcheck.tests", properties.healthcheck?.tests),
    ...record("driverOpts", properties.driverOpts),
  ];
}

/** NAME=value. A name is shown only where it is one: what stands there instead may be the secret. */
function pair(property: string, text: string): Place {
  if (text.startsWith("{")) return { property, name: "", value: text };
  const at = text.indexOf("=");
  const name = at === -1 ? text : text.slice(0, at);
  return { property: at !== -1 && /^[\w.-]+$/.test(name) ? `${property} ${name}` : property, name: name.replace(/^-+/, ""), value: at === -1 ? "" : text.slice(at + 1) };
}

/** The words of a command; a flag and the value behind it as one: `--password x` is `--password=x`. */
function words(value: unknown): string[] {
  const list = Array.isArray(value) ? entries(value).map(String) : typeof value === "string" ? value.split(/\s+/) : [];
  return list.flatMap((word, index) => {
    const next = list[index + 1];
    return [word, ...(word.startsWith("-") && !word.includes("=") && next !== undefined && !next.startsWith("-") ? [`${word}=${next}`] : [])];
  });
}

function found(property: string, name: string, value: unknown): Violation[] {
  if (value === UNKNOWN || value === undefined || value === null) return [];
  const text = String(value);
  const inside = json(text);
  if (inside !== undefined) return Object.entries(inside).flatMap(([key, inner]) => within(`${property}.${key}`, key, inner));
  const bare = SECRET_NAME.test(name) && text !== "" && !isPlace(text);
  return bare || SECRET_VALUE.test(text) || SECRET_VALUE.test(name) ? [{ property, value: HIDDEN, allowed: ALLOWED }] : [];
}

/** Settings are handed over as JSON: looked through key by key. */
function within(property: string, name: string, value: unknown): Violation[] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => within(`${property}[${index}]`, name, inner));
  if (value !== null && typeof value === "object") return Object.entries(value).flatMap(([key, inner]) => within(`${property}.${key}`, key, inner));
  return typeof value === "string" ? found(property, name, value) : [];
}

function json(text: string): object | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
