import { createHash } from "node:crypto";
import { providerUrn, type PlannedResource, type StateResource } from "./plannedResources";
import { contains, filledIn, knownOnly, UNKNOWN, type Properties } from "./values";

/**
 * A state as if what a preview plans had been made, without anything being made: plugins compare the head of a review with
 * it. Ids and outputs that only the making would tell are made up, always the same from the same inputs.
 */
export interface MadeUpState {
  readonly resources: readonly StateResource[];
  /** Resources with an input that was not known even so: a second preview against this state knows it. */
  readonly unknown: readonly string[];
}

/** What the Engine would have added, as far as the plugin takes its absence for a change. */
const ENGINE_ADDS: Readonly<Record<string, Properties>> = {
  "docker:index/container:Container": {
    command: [],
    entrypoints: [],
    networkDatas: [{ networkName: "made-up", ipAddress: "192.0.2.2", ipPrefixLength: 24, gateway: "192.0.2.1", macAddress: "02:00:00:00:00:00" }],
  },
};

/** @param planned each after what it needs */
export function madeUpState(planned: readonly PlannedResource[]): MadeUpState {
  const made = new Map<string, { readonly op: string; readonly resource: StateResource }>();
  for (const { op, resource, outputs } of planned) {
    const inputs = resource.inputs && withIds(resource.inputs, resource, made);
    const complete = { ...resource, ...(inputs ? { inputs } : {}) };
    made.set(resource.urn, { op, resource: resource.custom ? { ...complete, ...identity(complete, outputs), ...withProvider(resource, made) } : { ...complete, outputs: knownOnly(outputs) } });
  }
  const resources = [...made.values()].map(({ resource }) => resource);
  return { resources, unknown: resources.filter(({ inputs }) => contains(inputs, UNKNOWN)).map(({ urn }) => urn) };
}

const COMMAND = "command:local:Command";

/**
 * An input that is the id of something which is only now made is not known. Where just one such thing decides over an
 * input, and everything else there is known, that is the id. Of commands everything is known (plannedCommands).
 */
function withIds(inputs: Properties, { propertyDependencies }: StateResource, made: ReadonlyMap<string, { readonly op: string; readonly resource: StateResource }>): Properties {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (!Array.isArray(value) || !contains(value, UNKNOWN)) return [key, value];
      const fresh = (propertyDependencies?.[key] ?? []).flatMap((urn) => made.get(urn) ?? []).filter(({ op, resource }) => op !== "same" && resource.type !== COMMAND);
      return [key, fresh.length === 1 && value.filter((item) => item === UNKNOWN).length === 1 ? filledIn(value, fresh[0]!.resource.id) : value];
    }),
  );
}

function identity({ type, urn, inputs = {} }: StateResource, outputs: Properties): Pick<StateResource, "id" | "outputs"> {
  const id = idOf(type, urn, inputs);
  const known = { ...ENGINE_ADDS[type], ...knownOnly(outputs) };
  if (type === COMMAND) return { id, outputs: { ...known, ...inputs, stdout: madeUpOutput(urn), stderr: "" } };
  return { id, outputs: type.startsWith("docker:") ? { ...known, id } : known };
}

function idOf(type: string, urn: string, inputs: Properties): string {
  if (type === "docker:index/volume:Volume" && typeof inputs["name"] === "string") return inputs["name"];
  const id = madeUpId(urn);
  // That of a plugin is a UUID.
  return type.startsWith("pulumi:providers:") ? id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5") : id;
}

function withProvider({ provider }: StateResource, made: ReadonlyMap<string, { readonly resource: StateResource }>): { provider?: string } {
  if (provider === undefined) return {};
  const urn = providerUrn(provider);
  return { provider: `${urn}::${made.get(urn)?.resource.id ?? ""}` };
}

/** 64 hexadecimal digits, always the same for a resource. */
export function madeUpId(urn: string): string {
  return createHash("sha256").update(urn).digest("hex");
}

/** What a command says that prints the id of the image it has built. */
export function madeUpOutput(urn: string): string {
  return `sha256:${madeUpId(urn)}`;
}

/** A state as Pulumi's file backend keeps it; null resources for a stack in which nothing was ever made. */
export function checkpoint(project: string, stack: string, resources: readonly StateResource[] | null): string {
  const latest = resources && { manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" }, resources, metadata: {} };
  return `${JSON.stringify({ version: 3, checkpoint: { stack: `organization/${project}/${stack}`, latest } })}\n`;
}
