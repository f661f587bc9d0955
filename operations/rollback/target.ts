import { isDeepStrictEqual } from "node:util";
import type { Release } from "../../config/releases";
import { failure, usage } from "../errors";

export interface TargetQuestion {
  readonly stack: string;
  /** Every release that is known, oldest first. */
  readonly releases: readonly Release[];
  /** The release that runs; undefined where what runs came of an `up` that was not good. */
  readonly running: Release | undefined;
  /** What the owner named. */
  readonly to: string | undefined;
}

/**
 * The release to go back to: the one that was named, or the newest stable one before what runs. Where what runs is no
 * release, that is the newest stable one of all.
 *
 * @throws {CommandError} with the releases that there are, where there is none
 */
export function chooseRelease({ stack, releases, running, to }: TargetQuestion): Release {
  if (to !== undefined) {
    const named = releases.find(({ id }) => id === to);
    if (named === undefined) throw usage(`--to is "${to}"; allowed: ${namesOf(releases)}; nothing was changed`);
    return named;
  }
  const earlier = running === undefined ? releases : releases.slice(0, releases.findIndex((release) => isSame(release, running)));
  const target = earlier.findLast(({ stable }) => stable !== null);
  if (target !== undefined) return target;
  const before = running === undefined ? "" : ` before ${running.id}, which runs`;
  throw failure(`stack ${stack} has no stable release${before}: name one with --to; there are: ${namesOf(releases)}; nothing was changed`, { stack });
}

/** Whether two releases are the same containers of the same configuration, whenever they were brought up. */
export function isSame(one: Release, other: Release): boolean {
  return one.configurationHash === other.configurationHash && isDeepStrictEqual(one.images, other.images);
}

function namesOf(releases: readonly Release[]): string {
  return [...releases].reverse().map(({ id, stable }) => (stable === null ? id : `${id} (stable)`)).join(", ") || "none";
}

/** A container as far as it tells which release runs. */
export interface RunningContainer {
  readonly service: string;
  readonly imageId: string;
  /** When it was made, epoch milliseconds. */
  readonly createdAt: number;
}

/** A container that was made later than so long after the newest good `up` ended was made by another one. */
const SLACK_MILLISECONDS = 2000;

/**
 * The release that runs: the newest one, as long as the containers are those of the last `up` that was good. One that was made
 * since, or has another image, came of an `up` that was not.
 *
 * @param releases oldest first
 */
export function runningRelease(releases: readonly Release[], containers: readonly RunningContainer[]): Release | undefined {
  const newest = releases.at(-1);
  if (newest === undefined) return undefined;
  const until = Date.parse(newest.confirmedAt) + SLACK_MILLISECONDS;
  const changed = containers.some(({ service, imageId, createdAt }) => {
    const image = newest.images[service];
    if (image === undefined) return false;
    // An image that is named by digest has another id on the Engine.
    return createdAt > until || (image.startsWith("sha256:") && image !== imageId);
  });
  return changed ? undefined : newest;
}
