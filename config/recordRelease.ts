import * as fs from "node:fs";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { gitState, type GitState } from "./gitState";
import { readReleases, releaseId, removeRelease, writeRelease, type Release } from "./releases";

/** What a good `up` brought up. */
export interface GoodUp {
  readonly stack: string;
  readonly images: Readonly<Record<string, string>>;
  readonly imageNames: Readonly<Record<string, string>>;
  readonly configurationHash: string;
  readonly stackFile: string;
  readonly schemaVersion: number;
}

/** What became of the record of an `up`. */
export interface Recorded {
  readonly release: Release;
  /** False where the `up` changed nothing: then the newest record was confirmed. */
  readonly fresh: boolean;
}

/** So many records are kept beside those of stable releases. */
const KEPT = 50;

/**
 * Leaves the record of a good `up`: a new one where something differs from the newest, and otherwise that one, confirmed.
 *
 * @param newestBackup id of the newest good recovery point, asked for only where a new record is made
 * @param now epoch milliseconds
 * @throws when the record cannot be written
 */
export async function recordRelease(root: string, up: GoodUp, newestBackup: () => Promise<string | null>, now: number): Promise<Recorded> {
  const state = await gitState(root);
  const releases = readReleases(root, up.stack);
  const newest = releases.at(-1);
  const same = newest !== undefined && changesNothing(newest, up);
  const release = same ? confirmed(newest, up, state, now) : { ...newRelease(up, state, now), backup: await newestBackup() };
  writeRelease(root, release);
  if (!same) for (const old of superfluous([...releases, release])) removeRelease(root, old);
  return { release, fresh: !same };
}

/** The stack's file, to the letter. @throws where it is not in its place: nobody could go back to such a release */
export function stackFileText(root: string, stack: string): string {
  try {
    return fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8");
  } catch (error) {
    throw new Error(`Pulumi.${stack}.yaml, which a release records, cannot be read (${(error as Error).message}): a stack's configuration belongs there, and not in another file`);
  }
}

/** Whether an `up` brought up what the newest release had brought up already. A remark in the stack's file is no change. */
export function changesNothing(newest: Release, up: GoodUp): boolean {
  const compared = ({ images, imageNames, configurationHash, schemaVersion, stackFile }: GoodUp) => ({ images, imageNames, configurationHash, schemaVersion, release: releaseKey(stackFile) });
  return isDeepStrictEqual(compared(newest), compared(up));
}

/** Pins and evidence are no part of the configuration's hash, and a release of their own all the same. */
function releaseKey(stackFile: string): unknown {
  try {
    return (parse(stackFile) as { config?: Record<string, unknown> } | null)?.config?.["trading:release"] ?? null;
  } catch {
    return null;
  }
}

/**
 * The newest release, found again. What it says of Git becomes better, never worse: the same content that is committed now
 * is a clean release. Its text follows the stack's file until a tag says where that text is.
 */
export function confirmed(newest: Release, { stackFile }: GoodUp, state: GitState, now: number): Release {
  const text = newest.stable === null ? stackFile : newest.stackFile;
  const better = text !== newest.stackFile || quality(state) > quality(newest);
  const { commit, clean, pushed } = better ? state : newest;
  return { ...newest, commit, clean, pushed, stackFile: text, confirmedAt: new Date(now).toISOString() };
}

function quality({ commit, clean, pushed }: GitState): number {
  if (commit === null) return 0;
  return 1 + (clean ? 2 : 0) + (pushed === true ? 1 : 0);
}

function newRelease({ stack, images, imageNames, configurationHash, stackFile, schemaVersion }: GoodUp, { commit, clean, pushed }: GitState, now: number): Release {
  const at = new Date(now).toISOString();
  return {
    ...{ format: 1, id: releaseId(now), stack, at, commit, clean, pushed },
    ...{ images: { ...images }, imageNames: { ...imageNames }, configurationHash, stackFile, schemaVersion },
    ...{ backup: null, health: "good", confirmedAt: at, stable: null },
  };
}

/** Records that are not kept: those that are not stable, but for the newest. @param releases oldest first */
export function superfluous(releases: readonly Release[]): Release[] {
  const others = releases.filter(({ stable }) => stable === null);
  return others.slice(0, Math.max(0, others.length - KEPT));
}
