import type { ContainerInspectInfo, ImageInspectInfo } from "dockerode";
import type { Ability, ContainerInputs, Difference } from "./facts";

/** Name of a property -> its value, in words that are the same on both sides; what is not there has no entry. */
export type Entries = Readonly<Record<string, string | undefined>>;

export type ImageConfig = ImageInspectInfo["Config"];

/** What the types of the client leave out. */
export type RunningContainer = ContainerInspectInfo & { readonly Config: { readonly StopSignal?: string; readonly StopTimeout?: number } };

/** One property of a container, or several of a kind, on both sides. */
export interface Property {
  /** What it is, for a line that says that it was not looked at. */
  readonly what: string;
  /** Arguments that declare it. */
  readonly inputs: readonly (keyof ContainerInputs)[];
  /** The image fills in what is not declared: without the image nobody knows what that is. */
  readonly ofImage?: boolean;
  /** The Engine fills in these where nothing is declared, by settings of its own. */
  readonly ofEngine?: boolean;
  /** Where the kernel cannot do it, the Engine drops it. */
  readonly needs?: Ability;
  /** Values nobody declared may be anybody's secrets. */
  readonly hidesUndeclared?: boolean;
  declared(inputs: ContainerInputs, image: ImageConfig | null): Entries;
  /** @param inputs what is declared, where one thing has several spellings */
  running(container: RunningContainer, image: ImageConfig | null, inputs: ContainerInputs): Entries;
}

/** Shown for a value that nobody declared and that may be a secret. */
export const HIDDEN = "set (not shown)";

/** How Pulumi marks a secret in its state. */
const [SIGNATURE, SECRET] = ["4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"];

/** Whether a value, or anything in it, is encrypted: one secret element may make a whole list secret. */
export function isEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return (value as Record<string, unknown>)[SIGNATURE] === SECRET || Object.values(value).some(isEncrypted);
}

/**
 * What is not the same on both sides.
 *
 * @param isFine whether something may be there that nobody declared
 */
export function compareEntries(declared: Entries, running: Entries, isFine: (name: string) => boolean = () => false): Pick<Difference, "property" | "declared" | "running">[] {
  return [...new Set([...Object.keys(declared), ...Object.keys(running)])].sort().flatMap((property) => {
    const [wanted, found] = [declared[property], running[property]];
    if (wanted === found || (wanted === undefined && isFine(property))) return [];
    return [{ property, declared: wanted ?? null, running: found ?? null }];
  });
}

/** Entries under one heading, for example `label trading.stack`. */
export function under(heading: string, values: Readonly<Record<string, string>>): Entries {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${heading} ${name}`, value]));
}

/** A list in an order of its own, where the order says nothing; undefined where it is empty. */
export function setText(values: readonly string[] | null | undefined): string | undefined {
  return values?.length ? [...new Set(values)].sort().join(", ") : undefined;
}

/** A list whose order counts, as a command line; undefined where it is empty. */
export function listText(values: string | readonly string[] | null | undefined): string | undefined {
  const list = typeof values === "string" ? [values] : values;
  return list?.length ? JSON.stringify(list) : undefined;
}

export function yesOrNo(value: boolean | null | undefined): string {
  return value === true ? "yes" : "no";
}
