import { Attribute, isObject, Properties, Schema } from "./schema";

function orderKey(attribute: Attribute, value: unknown): string {
  if (!isObject(value)) return String(value ?? "");
  return Object.keys(attribute.fields ?? {})
    .sort()
    .map((name) => JSON.stringify(value[name] ?? ""))
    .join(";");
}

function ordered(attribute: Attribute, value: unknown): unknown {
  if (!Array.isArray(value)) return isObject(value) && attribute.fields ? inSetOrder(attribute.fields, value) : value;
  const elements = value.map((element) => (isObject(element) && attribute.fields ? inSetOrder(attribute.fields, element) : element));
  if (attribute.type !== "set") return elements;
  const keys = new Map(elements.map((element) => [element, orderKey(attribute, element)]));
  return elements.sort((a, b) => ((keys.get(a) ?? "") < (keys.get(b) ?? "") ? -1 : 1));
}

/** Sets sorted by their values, which is how the official plugin keeps them in the state. */
export function inSetOrder(schema: Schema, values: Properties): Properties {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, schema[name] ? ordered(schema[name], value) : value]));
}
