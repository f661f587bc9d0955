/** Stands for a value that only the update knows: a preview lets it pass, the update judges it before it acts. */
export const UNKNOWN: unique symbol = Symbol("known only at the update");

export type Properties = Readonly<Record<string, any>>;

/** A resource as a rule sees it. */
export interface DeclaredResource {
  /** Pulumi's type, for example `docker:index/container:Container`. */
  readonly type: string;
  /** Name in the program. */
  readonly name: string;
  readonly urn: string;
  /** What was declared; in a rule over the whole stack, what came of it. Nothing in it is wrapped, secrets are in clear. */
  readonly properties: Properties;
  readonly options: { readonly protect: boolean; readonly ignoreChanges: readonly string[] };
}

/** One property that is not as it has to be. */
export interface Violation {
  /** Path of the property, for example `ports[0].ip`. */
  readonly property: string;
  /** What was found, and is shown: never a secret. */
  readonly value: unknown;
  readonly allowed: string;
}

interface Named {
  /** Lower-case words and hyphens; Pulumi shows it with every violation. */
  readonly name: string;
  readonly description: string;
}

/** Judges one resource before it is made or changed. Pure. */
export interface ResourceRule extends Named {
  /** Types of resources it is about; all of them where it is absent. */
  readonly types?: readonly string[];
  readonly check: (resource: DeclaredResource) => readonly Violation[];
}

/** A violation, and the resource that it is found at. */
export interface PlacedViolation extends Violation {
  readonly resource: Pick<DeclaredResource, "name" | "urn">;
}

/** Judges all resources of a stack together, at the end of a preview, which is before an update begins. Pure. */
export interface StackRule extends Named {
  readonly check: (resources: readonly DeclaredResource[]) => readonly PlacedViolation[];
}

export const TYPES = {
  container: "docker:index/container:Container",
  volume: "docker:index/volume:Volume",
  network: "docker:index/network:Network",
  command: "command:local:Command",
  dataVolume: "trading:storage:DataVolume",
  tradingStack: "trading:stack:TradingStack",
} as const;

/** One property that has to hold something; one that is known only at the update is not judged yet. */
export function demand(properties: Properties, property: string, allowed: string, holds: (value: any) => boolean): Violation[] {
  const value: unknown = properties[property];
  return value === UNKNOWN || holds(value) ? [] : [{ property, value, allowed }];
}

/** The entries of a list that may be absent, or known only at the update. */
export function entries(value: unknown): readonly any[] {
  return Array.isArray(value) ? value.filter((entry) => entry !== UNKNOWN && entry !== null && entry !== undefined) : [];
}

/** Whether a property says nothing: left out, false, or empty. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

/** Name of the stack, from a resource's URN. */
export function stackOf({ urn }: Pick<DeclaredResource, "urn">): string {
  return urn.split("::")[0]!.replace(/^urn:pulumi:/, "");
}

/** The environment of a container: entries of the form NAME=value. */
export function environmentOf({ properties }: DeclaredResource): Map<string, string> {
  const list = entries(properties.envs).map(String);
  return new Map(list.map((entry) => [entry.replace(/=.*$/s, ""), entry.slice(entry.indexOf("=") + 1)]));
}

/** Value of a label of a container, volume or network; undefined where there is none. */
export function labelOf({ properties }: DeclaredResource, label: string): unknown {
  return entries(properties.labels).find((entry) => entry.label === label)?.value;
}

const SHOWN_CHARACTERS = 200;

/** One line for the owner: resource, property, value, and what is allowed. */
export function violationText(resource: Pick<DeclaredResource, "name">, { property, value, allowed }: Violation): string {
  const found = value === undefined ? "is not set" : `= ${shortened(value)}`;
  return `${resource.name}: ${property} ${found}; allowed: ${allowed}`;
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (inner === UNKNOWN ? "(known only at the update)" : inner)) ?? String(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
