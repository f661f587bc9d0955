/** Pulumi's namespace of this project's keys in a stack file, with its colon. */
export const NAMESPACE = "trading:";

/**
 * The keys of this project's namespace with their values. Pulumi hands over every value as text, objects and numbers as
 * JSON, and writes plain values back so: `8400` becomes `"8400"` as soon as it changes a stack file.
 */
export function namespaceValues(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => (key.startsWith(NAMESPACE) ? [[key.slice(NAMESPACE.length), typeof value === "string" ? fromText(value) : value]] : [])),
  );
}

function fromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
