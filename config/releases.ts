import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { readRecord, writeWhole } from "../control/folder";
import { canonicalHash } from "./canonicalHash";
import { CLONE_FOLDER } from "./clone";
import { imageId } from "./releaseSchema";
import type { StackConfiguration } from "./schema";

const ID = /^REL-\d{8}-\d{6}-[0-9a-f]{4}$/;

/** What a good `up` left: everything that is needed to tell what ran, and to go back to it. */
export const releaseRecord = z.strictObject({
  format: z.literal(1),
  /** For example `REL-20261127-070501-4f2a`: when, in UTC, and four digits of chance. */
  id: z.string().regex(ID),
  stack: z.string().min(1).max(60),
  /** When the `up` was good, UTC. */
  at: z.iso.datetime(),
  /** Newest commit of the folder then; null where there is no Git. */
  commit: z.string().regex(/^[0-9a-f]{40,64}$/).nullable(),
  /** Nothing of the folder was uncommitted, reports and releases aside. */
  clean: z.boolean(),
  /** A remote has the commit, as far as this clone knows; null where there is no commit. */
  pushed: z.boolean().nullable(),
  /** Service (`broker`, `bot-refstrat01`) -> what its container was made of: a local image's id, or name@sha256:... */
  images: z.record(z.string(), z.string().regex(/^([^\s@]+@)?sha256:[0-9a-f]{64}$/)),
  /** Name of a first-party image (`node`, `broker`) -> its id. */
  imageNames: z.record(z.string(), imageId),
  /** Of the stack's configuration with all defaults and without `release`: see {@link stackConfigurationHash}. */
  configurationHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Text of Pulumi.<stack>.yaml, to the letter. */
  stackFile: z.string(),
  /** Number of the newest migration of the database. */
  schemaVersion: z.int().min(0),
  /** Newest good recovery point then; null where there is none or it is not known. */
  backup: z.string().nullable(),
  /** Nothing but a good `up` leaves a record. */
  health: z.literal("good"),
  /** When an `up` last found that nothing is to be changed, UTC. */
  confirmedAt: z.iso.datetime(),
  /** Since when it is stable, and the Git tag that says so; null while it is not. */
  stable: z.object({ at: z.iso.datetime(), tag: z.string().min(1) }).nullable(),
});
export type Release = z.infer<typeof releaseRecord>;

/** Where a stack's records lie: outside Git, one file each. */
export function releaseFolder(root: string, stack: string): string {
  return path.join(root, CLONE_FOLDER, "stacks", stack, "releases");
}

/** @param now epoch milliseconds */
export function releaseId(now: number): string {
  const digits = new Date(now).toISOString().replace(/[-:]/g, "");
  return `REL-${digits.slice(0, 8)}-${digits.slice(9, 15)}-${randomBytes(2).toString("hex")}`;
}

/** Git tag of a stable release. */
export function stableTag(stack: string, id: string): string {
  return `stable/${stack}/${id}`;
}

/** Hash over everything a stack is configured to be; which images were pinned and who promoted them is no part of it. */
export function stackConfigurationHash(configuration: StackConfiguration): string {
  const { release: _, ...rest } = configuration;
  return canonicalHash(rest);
}

/** The releases of a stack, oldest first, and the names of files that cannot be read as one. */
export function releasesOf(root: string, stack: string): { readonly releases: Release[]; readonly unreadable: string[] } {
  const folder = releaseFolder(root, stack);
  const releases: Release[] = [];
  const unreadable: string[] = [];
  for (const name of namesIn(folder)) {
    const release = readRecord(path.join(folder, name), releaseRecord);
    // A record that was copied from another stack, or renamed, is not what its place says.
    if (release === undefined || release.stack !== stack || `${release.id}.json` !== name) unreadable.push(name);
    else releases.push(release);
  }
  releases.sort((one, other) => Date.parse(one.at) - Date.parse(other.at) || (one.id < other.id ? -1 : 1));
  return { releases, unreadable };
}

/** The releases of a stack, oldest first: the last is the one that runs. */
export function readReleases(root: string, stack: string): Release[] {
  return releasesOf(root, stack).releases;
}

export function newestStable(releases: readonly Release[]): Release | undefined {
  return releases.filter(({ stable }) => stable !== null).at(-1);
}

/** Writes a record whole, over the one of the same id. */
export function writeRelease(root: string, release: Release): void {
  const folder = releaseFolder(root, release.stack);
  fs.mkdirSync(folder, { recursive: true });
  writeWhole(path.join(folder, `${release.id}.json`), releaseText(release));
}

export function removeRelease(root: string, { stack, id }: Pick<Release, "stack" | "id">): void {
  fs.rmSync(path.join(releaseFolder(root, stack), `${id}.json`), { force: true });
}

/** A record as it stands in its file, here and in Git. */
export function releaseText(release: Release): string {
  return `${JSON.stringify(releaseRecord.parse(release), null, 2)}\n`;
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
