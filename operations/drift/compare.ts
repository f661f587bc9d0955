import { backupVolume, dataVolumes, LABELS } from "../../config/names";
import { compareContainer, serviceOf, type Found } from "./containers";
import { fileKey, type Deployed, type Difference, type DriftReport, type RunningStack } from "./facts";
import { compareNetwork, compareVolume } from "./objects";
import { wantOf, type Wishes } from "./wanted";

export interface DriftFacts extends Wishes {
  readonly stack: string;
  /** Identity of the clone. */
  readonly owner: string;
  readonly deployed: Deployed;
  readonly running: RunningStack;
  /** Epoch milliseconds. */
  readonly now: number;
}

type Kind = Difference["kind"];

const EXISTENCE = "existence";

/** Everything that is not as it was declared, from facts alone. */
export function driftOf(facts: DriftFacts): DriftReport {
  const { stack, deployed, running, now } = facts;
  const parts = [...containers(facts), ...volumes(facts), ...networks(facts), ...images(facts), ...files(facts), ...unfinished(facts)];
  return {
    stack,
    deployedAt: deployed.at,
    checkedAt: new Date(now).toISOString(),
    differences: parts.flatMap(({ kind, name, differences }) => differences.map((difference) => ({ kind, name, ...difference }))),
    compared: {
      ...{ containers: deployed.containers.length, volumes: deployed.volumes.length, networks: deployed.networks.length, images: deployed.images.length },
      files: deployed.files.filter((file) => isRead(running.files.get(fileKey(file)))).length,
    },
    notLookedAt: [...deployed.unknown, ...parts.flatMap(({ kind, name, notLookedAt }) => notLookedAt.map((text) => `${kind} ${name}: ${text}`))],
  };
}

interface Part extends Found {
  readonly kind: Kind;
  readonly name: string;
}

function missing(kind: Kind, name: string): Part {
  return { kind, name, differences: [{ property: EXISTENCE, declared: "there", running: null }], notLookedAt: [] };
}

function undeclared(kind: Kind, name: string, what: string): Part {
  return { kind, name, differences: [{ property: EXISTENCE, declared: null, running: what }], notLookedAt: [] };
}

/** Name of a container without the slash that the Engine puts before it. */
const nameOf = ({ Name }: { readonly Name: string }) => Name.replace(/^\//, "");

function containers({ stack, owner, deployed, running, ...wishes }: DriftFacts): Part[] {
  const names = new Set(deployed.containers.map(({ name }) => name));
  const declared = deployed.containers.map((container): Part => {
    const { name, id, inputs } = container;
    const present = running.containers.find((found) => nameOf(found) === name);
    if (present !== undefined) return { kind: "container", name, ...compareContainer(container, present, wantOf(serviceOf(inputs), inputs, wishes), running) };
    const renamed = running.containers.find(({ Id }) => Id === id);
    return renamed === undefined ? missing("container", name) : { kind: "container", name, differences: [{ property: "name", declared: name, running: nameOf(renamed) }], notLookedAt: [] };
  });
  const ids = new Set(deployed.containers.map(({ id }) => id));
  const extra = running.containers.filter((found) => !names.has(nameOf(found)) && !ids.has(found.Id) && found.Config.Labels?.[LABELS.stack] === stack && !isTool(found.Config.Labels, owner));
  return sorted([...declared, ...extra.map((found) => undeclared("container", nameOf(found), `${found.State.Status}, image ${found.Image.slice(0, 19)}`))]);
}

/** Containers of our own commands come and go. */
function isTool(labels: Readonly<Record<string, string>>, owner: string): boolean {
  return labels[LABELS.owner] === owner && labels[LABELS.service]?.startsWith("tool-") === true;
}

function volumes({ stack, deployed, running }: DriftFacts): Part[] {
  const names = new Set(deployed.volumes.map(({ name }) => name));
  const declared = deployed.volumes.map((volume): Part => {
    const present = running.volumes.find(({ Name }) => Name === volume.name);
    return present === undefined ? missing("volume", volume.name) : { kind: "volume", name: volume.name, ...compareVolume(volume, present) };
  });
  // Data outlives what is declared on purpose.
  const kept = new Set([...dataVolumes(stack), backupVolume(stack)]);
  const extra = running.volumes.filter(({ Name, Labels }) => !names.has(Name) && !kept.has(Name) && Labels?.[LABELS.stack] === stack);
  return sorted([...declared, ...extra.map(({ Name }) => undeclared("volume", Name, "there"))]);
}

function networks({ stack, owner, deployed, running }: DriftFacts): Part[] {
  const names = new Set(deployed.networks.map(({ name }) => name));
  const tools = running.containers.filter(({ Config }) => isTool(Config.Labels ?? {}, owner)).map(nameOf);
  const declared = deployed.networks.map((network): Part => {
    const present = running.networks.find(({ Name }) => Name === network.name);
    if (present === undefined) return missing("network", network.name);
    // One that is declared and on a network where it does not belong is told of by its own networks.
    return { kind: "network", name: network.name, ...compareNetwork(network, present, new Set([...deployed.containers.map(({ name }) => name), ...tools])) };
  });
  const extra = running.networks.filter(({ Name, Labels }) => !names.has(Name) && Labels?.[LABELS.stack] === stack);
  return sorted([...declared, ...extra.map(({ Name }) => undeclared("network", Name, "there"))]);
}

/** An image that is gone keeps nothing from running now, and everything from being made again. */
function images({ deployed, running }: DriftFacts): Part[] {
  const ofContainers = deployed.containers.flatMap(({ name, inputs: { image } }) => (image === undefined || deployed.images.some(({ id }) => id === image) ? [] : [{ name: `of ${name}`, id: image }]));
  return sorted([...deployed.images, ...ofContainers].flatMap(({ name, id }) => (running.images.get(id) === null ? [{ ...missing("image", name), differences: [{ property: EXISTENCE, declared: id, running: null }] }] : [])));
}

function isRead(found: ReturnType<RunningStack["files"]["get"]>): found is string | null {
  return found === null || typeof found === "string";
}

function files({ deployed, running }: DriftFacts): Part[] {
  return sorted(
    deployed.files.map((file): Part => {
      const { kind, name, sha256 } = file;
      const found = running.files.get(fileKey(file));
      const property = `file ${file.file}`;
      if (!isRead(found)) return { kind, name, differences: [], notLookedAt: [`${property}: ${found?.problem ?? "was not read"}`] };
      return { kind, name, differences: found === sha256 ? [] : [{ property, declared: `sha256 ${sha256}`, running: found === null ? null : `sha256 ${found}` }], notLookedAt: [] };
    }),
  );
}

function unfinished({ deployed }: DriftFacts): Part[] {
  return sorted(deployed.unfinished.map(({ resource, operation }) => ({ kind: "resource" as const, name: resource, differences: [{ property: "operation", declared: "finished", running: `${operation}, interrupted` }], notLookedAt: [] })));
}

function sorted(parts: readonly Part[]): Part[] {
  return [...parts].sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}
