import { LABELS } from "../../config/names";
import type { ContainerInputs, DeployedObject, Difference, RunningStack } from "./facts";
import { LIMITS } from "./limitProperties";
import { NETWORK } from "./networkProperties";
import { PROCESS } from "./processProperties";
import { compareEntries, HIDDEN, isEncrypted, under, type ImageConfig, type Property, type RunningContainer } from "./properties";
import { SECURITY } from "./securityProperties";
import { STORAGE } from "./storageProperties";
import type { Want } from "./wanted";

/** What Docker Desktop notes on a container for itself. */
const ENGINES_OWN_LABELS = "label desktop.docker.io/";

const LABELLED: Property = {
  what: "labels",
  inputs: ["labels"],
  ofImage: true,
  declared: ({ labels }, image) => under("label", { ...image?.Labels, ...labelsOf(labels) }),
  running: ({ Config }) => Object.fromEntries(Object.entries(under("label", Config.Labels ?? {})).filter(([name]) => !name.startsWith(ENGINES_OWN_LABELS))),
};

const PROPERTIES: readonly Property[] = [LABELLED, ...PROCESS, ...STORAGE, ...NETWORK, ...LIMITS, ...SECURITY];

/** Arguments that say how Pulumi goes about a container, or that are compared by themselves. */
const NO_PROPERTY: ReadonlySet<string> = new Set([
  ...["__defaults", "name", "image", "start", "mustRun", "uploads"],
  ...["attach", "logs", "wait", "waitTimeout", "destroyGraceSeconds", "removeVolumes", "containerReadRefreshTimeoutMilliseconds"],
]);

const COMPARED: ReadonlySet<string> = new Set(PROPERTIES.flatMap(({ inputs }) => inputs));

/** What was found of one object, and what could not be looked at. */
export interface Found {
  readonly differences: readonly Omit<Difference, "kind" | "name">[];
  readonly notLookedAt: readonly string[];
}

/** Labels as the plugin takes them. */
export function labelsOf(labels: readonly { readonly label: string; readonly value: string }[] | undefined): Record<string, string> {
  return Object.fromEntries((labels ?? []).map(({ label, value }) => [label, value]));
}

/** Compares a container that is there with what was declared of it. */
export function compareContainer(deployed: DeployedObject<ContainerInputs>, running: RunningContainer, want: Want, { images, cannot }: Pick<RunningStack, "images" | "cannot">): Found {
  const { inputs } = deployed;
  // What the image brings is no drift, also where it is another image.
  const image = images.get(running.Image)?.Config ?? images.get(inputs.image ?? "")?.Config ?? null;
  const found = PROPERTIES.map((property) => compareProperty(property, inputs, running, image, cannot));
  const unknown = Object.keys(inputs).filter((name) => !COMPARED.has(name) && !NO_PROPERTY.has(name));
  return {
    differences: [...compareEntries({ "container id": deployed.id.slice(0, 12) }, { "container id": running.Id.slice(0, 12) }), ...compareImage(inputs.image, running, images), ...compareState(want, running), ...found.flatMap(({ differences }) => differences)],
    notLookedAt: [...found.flatMap(({ notLookedAt }) => notLookedAt), ...unknown.map((name) => `${name}, which this command does not know`)],
  };
}

function compareProperty(property: Property, inputs: ContainerInputs, running: RunningContainer, image: ImageConfig | null, cannot: RunningStack["cannot"]): Found {
  const { what, ofEngine, ofImage, needs, hidesUndeclared } = property;
  if (property.inputs.some((name) => isEncrypted(inputs[name]))) return { differences: [], notLookedAt: [`${what}, which is encrypted in Pulumi's state`] };
  if (needs !== undefined && cannot.has(needs)) return { differences: [], notLookedAt: [`${what}: this machine's kernel has no limit of that kind`] };
  const imageIsGone = ofImage === true && image === null;
  const differences = compareEntries(property.declared(inputs, image), property.running(running, image, inputs), () => ofEngine === true || imageIsGone);
  return { differences: hidesUndeclared === true ? differences.map(hideUndeclared) : differences, notLookedAt: imageIsGone ? [`${what} that comes from the image, which is gone`] : [] };
}

function hideUndeclared<Entry extends Pick<Difference, "declared" | "running">>(difference: Entry): Entry {
  return difference.declared === null ? { ...difference, running: HIDDEN } : difference;
}

/** A local image is known by its id and another by name and digest; a container says both what it was made of and what that was. */
function compareImage(declared: string | undefined, { Image, Config }: RunningContainer, images: RunningStack["images"]): Found["differences"] {
  if (declared === undefined || [Image, Config.Image].includes(declared) || images.get(declared)?.Id === Image) return [];
  return [{ property: "image", declared, running: Image }];
}

/** States in which a container has a process. */
const UP: ReadonlySet<string> = new Set(["running", "restarting", "paused"]);

function compareState(want: Want, { State }: RunningContainer): Found["differences"] {
  const { Status: status } = State;
  if (want === null) return [];
  if (!want.running) return UP.has(status) ? [{ property: "state", declared: `stopped (${want.reason})`, running: status }] : [];
  if (status !== "running") return [{ property: "state", declared: "running", running: status === "exited" ? `exited with code ${State.ExitCode}` : status }];
  return State.Health?.Status === "unhealthy" ? [{ property: "health", declared: "healthy", running: "unhealthy" }] : [];
}

/** Service of a declared container, by its label. */
export function serviceOf({ labels }: ContainerInputs): string {
  return isEncrypted(labels) ? "" : (labelsOf(labels)[LABELS.service] ?? "");
}

