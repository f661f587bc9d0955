import type { ContainerArgs, NetworkArgs, VolumeArgs } from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type { ContainerInspectInfo, ImageInspectInfo, NetworkInspectInfo, VolumeInspectInfo } from "dockerode";

/** What a drift check compares, and what it comes to. */

/** Arguments of a resource as Pulumi's state keeps them; one that is a secret is encrypted there, and not what its type says. */
export type ContainerInputs = Partial<Unwrap<ContainerArgs>>;
export type VolumeInputs = Partial<Unwrap<VolumeArgs>>;
export type NetworkInputs = Partial<Unwrap<NetworkArgs>>;

/** One object as it was deployed. */
export interface DeployedObject<Inputs> {
  /** Name on the Engine. */
  readonly name: string;
  /** Id on the Engine. */
  readonly id: string;
  readonly inputs: Inputs;
}

/** A file whose content was deployed in clear. */
export interface DeployedFile {
  /** What it belongs to: a volume that was filled, or a container into which it was uploaded. */
  readonly kind: "volume" | "container";
  readonly name: string;
  /** Path within that. */
  readonly file: string;
  /** Container in which it is read, and where. */
  readonly container: string;
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What Pulumi's state says of a stack. */
export interface Deployed {
  /** When the state was written, ISO; null where it does not say. */
  readonly at: string | null;
  readonly containers: readonly DeployedObject<ContainerInputs>[];
  readonly volumes: readonly DeployedObject<VolumeInputs>[];
  readonly networks: readonly DeployedObject<NetworkInputs>[];
  /** First-party images, by their names. */
  readonly images: readonly { readonly name: string; readonly id: string }[];
  readonly files: readonly DeployedFile[];
  /** What the state cannot say, one line each. */
  readonly unknown: readonly string[];
  /** What was begun and never ended: an `up` that was killed. */
  readonly unfinished: readonly { readonly resource: string; readonly operation: string }[];
}

/** Limits that not every kernel can hold a container to; the Engine drops them there with no more than a warning. */
export type Ability = "memory" | "swap" | "cpu shares" | "process limit";

/** What Docker has of a stack: what is declared, and what carries the stack's label. */
export interface RunningStack {
  readonly containers: readonly ContainerInspectInfo[];
  readonly volumes: readonly VolumeInspectInfo[];
  readonly networks: readonly NetworkInspectInfo[];
  /** By what they were asked for: an id, or a name with digest; null where it is not on the Engine. */
  readonly images: ReadonlyMap<string, ImageInspectInfo | null>;
  /** Files by {@link fileKey}: sha256; null where there is none; a text in an object says why it could not be read. */
  readonly files: ReadonlyMap<string, string | null | { readonly problem: string }>;
  readonly cannot: ReadonlySet<Ability>;
}

export function fileKey({ container, path }: Pick<DeployedFile, "container" | "path">): string {
  return `${container}:${path}`;
}

/** One thing that is not as it was declared. */
export interface Difference {
  readonly kind: "container" | "volume" | "network" | "image" | "resource";
  readonly name: string;
  readonly property: string;
  /** In words; null where nothing was declared. */
  readonly declared: string | null;
  /** In words; null where there is nothing. */
  readonly running: string | null;
}

export interface DriftReport {
  readonly stack: string;
  /** When what is declared was deployed, ISO; null where that is not known. */
  readonly deployedAt: string | null;
  /** ISO. */
  readonly checkedAt: string;
  /** In the order of the objects' kinds and names; empty where all is as declared. */
  readonly differences: readonly Difference[];
  /** Objects that were compared. */
  readonly compared: Readonly<Record<"containers" | "volumes" | "networks" | "images" | "files", number>>;
  /** What could not be compared and why, one line each. */
  readonly notLookedAt: readonly string[];
}
