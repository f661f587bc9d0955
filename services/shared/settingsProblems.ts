import type { z } from "zod";

type Path = readonly PropertyKey[];

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], input);
}

/** `SETTINGS.source.kind`, `SETTINGS.symbols[0]`. */
function pathText(root: string, path: Path): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return root === "" ? text.replace(/^\./, "") : `${root}${text}`;
}

function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  innerType?: z.ZodType;
  element?: z.ZodType;
  in?: z.ZodType;
  options?: z.ZodType[];
  discriminator?: string;
}

const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition;

/** The object schemas that could stand at a path of this input. */
function objectsAt(schema: z.ZodType | undefined, input: unknown, path: Path): Definition[] {
  if (schema === undefined) return [];
  const definition = definitionOf(schema);
  if (definition.innerType !== undefined) return objectsAt(definition.innerType, input, path);
  if (definition.in !== undefined) return objectsAt(definition.in, input, path);
  if (definition.options !== undefined) {
    const key = definition.discriminator;
    const chosen = definition.options.filter((option) => {
      if (key === undefined) return true;
      const branch = definitionOf(option).shape?.[key];
      return branch?.safeParse((input as Record<string, unknown> | null)?.[key]).success === true;
    });
    return chosen.flatMap((option) => objectsAt(option, input, path));
  }
  const [head, ...rest] = path;
  if (head === undefined) return definition.shape === undefined ? [] : [definition];
  const child = definition.type === "array" ? definition.element : definition.shape?.[String(head)];
  return objectsAt(child, valueAt(input, [head]), rest);
}

function unitOf(origin: string): string {
  return origin === "string" ? " characters" : origin === "array" ? " entries" : "";
}

function allowedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(", ");
    case "invalid_type":
      return issue.expected === "int" ? "a whole number" : `a value of type ${issue.expected}`;
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case "invalid_union": {
      // A discriminated union names the values of its key; another one has its own message or what each branch takes.
      const { options } = issue as { options?: readonly unknown[] };
      if (options !== undefined) return options.map((value) => JSON.stringify(value)).join(", ");
      if (issue.message !== "Invalid input") return issue.message;
      return [...new Set(issue.errors.flatMap((branch) => branch.map(allowedBy)))].join(" or ");
    }
    default:
      return issue.message;
  }
}

/** One line a problem: `path: value - allowed: what`; an unknown key tells the known ones. */
export function describeProblems(schema: z.ZodType, input: unknown, error: z.ZodError, root: string): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      const known = objectsAt(schema, input, issue.path).flatMap((object) => Object.keys(object.shape ?? {}));
      return issue.keys.map(
        (key) =>
          `${pathText(root, [...issue.path, key])}: unknown key (${shown(valueAt(input, [...issue.path, key]))}) - allowed: ${known.join(", ")}`,
      );
    }
    return [`${pathText(root, issue.path)}: ${shown(valueAt(input, issue.path))} - allowed: ${allowedBy(issue)}`];
  });
}
