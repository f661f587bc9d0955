import { z } from "zod";

type Issue = z.core.$ZodIssue;

interface SchemaNode {
  readonly def: { readonly type: string; readonly [key: string]: unknown };
  readonly shape?: Record<string, SchemaNode>;
}

const WRAPPERS = new Set(["optional", "default", "prefault", "readonly", "nullable"]);

/** The object schema behind defaults and, where it is a union, the member that the value's discriminator chooses. */
function resolve(schema: SchemaNode | undefined, value: unknown): SchemaNode | undefined {
  let node = schema;
  while (node && WRAPPERS.has(node.def.type)) node = node.def.innerType as SchemaNode;
  if (node?.def.type !== "union") return node;
  const discriminator = node.def.discriminator as string | undefined;
  if (discriminator === undefined) return undefined;
  const chosen = (value as Record<string, unknown> | undefined)?.[discriminator];
  return (node.def.options as SchemaNode[]).find((option) => (option.shape?.[discriminator]?.def.values as unknown[] | undefined)?.includes(chosen));
}

/** Keys that a schema allows at a path of a value, or undefined where any key is allowed. */
function allowedKeys(schema: unknown, input: unknown, path: readonly PropertyKey[]): string[] | undefined {
  let value = input;
  let node = resolve(schema as SchemaNode, value);
  for (const segment of path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[segment];
    const next = node?.shape ? node.shape[String(segment)] : ((node?.def.element ?? node?.def.valueType) as SchemaNode | undefined);
    node = resolve(next, value);
  }
  return node?.shape ? Object.keys(node.shape) : undefined;
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, segment) => (value as Record<PropertyKey, unknown> | null | undefined)?.[segment], input);
}

function dotted(prefix: string, path: readonly PropertyKey[]): string {
  const tail = path.map((segment) => (typeof segment === "number" ? `[${segment}]` : `.${String(segment)}`)).join("").replace(/^\./, "");
  return `${prefix}${tail}` || "(the whole)";
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function allowed(issue: Issue): string {
  switch (issue.code) {
    case "invalid_value":
      return `allowed: ${issue.values.map((value) => show(value)).join(", ")}`;
    case "too_small":
      return `allowed: ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}${issue.origin === "array" || issue.origin === "string" ? ` ${issue.origin === "array" ? "entries" : "characters"}` : ""}`;
    case "too_big":
      return `allowed: ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}${issue.origin === "array" || issue.origin === "string" ? ` ${issue.origin === "array" ? "entries" : "characters"}` : ""}`;
    case "invalid_type":
      // A schema's own words say more than the type.
      if (!issue.message.startsWith("Invalid input")) return issue.message;
      return `allowed: ${issue.expected === "int" ? "a whole number" : `a value of type ${issue.expected}`}`;
    case "invalid_union":
      return issue.discriminator && (issue as { options?: unknown[] }).options
        ? `allowed: ${(issue as { options: unknown[] }).options.map((value) => show(value)).join(", ")}`
        : issue.message;
    default:
      return issue.message;
  }
}

/**
 * One line for each wrong or unknown key: its path, its value and what is allowed.
 *
 * @param schema the schema that was parsed with; it names the allowed keys
 * @param input what was parsed
 * @param prefix what to put before the paths, for example `trading`
 */
export function describeIssues(issues: readonly Issue[], schema: unknown, input: unknown, prefix = ""): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      const keys = allowedKeys(schema, input, issue.path);
      return issue.keys.map((key) => {
        const value = (at(input, issue.path) as Record<string, unknown> | undefined)?.[key];
        return `  ${dotted(prefix, [...issue.path, key])} = ${show(value)}: unknown key${keys ? `; allowed here: ${keys.join(", ")}` : ""}`;
      });
    }
    const keys = issue.code === "invalid_type" && issue.expected === "object" ? allowedKeys(schema, input, issue.path) : undefined;
    return [`  ${dotted(prefix, issue.path)} = ${show(at(input, issue.path))}: ${keys ? `allowed: the keys ${keys.join(", ")}` : allowed(issue)}`];
  });
}
