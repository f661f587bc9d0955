import { differingKeys } from "./differingKeys";
import { stackConfigurationHash, type Release } from "./releases";
import type { ReleaseConfiguration } from "./releaseSchema";
import type { StackConfiguration } from "./schema";
import { parseStackFile } from "./stackFile";

/** What an `up` is about to bring onto the machine. */
export interface Deployment {
  readonly stack: string;
  readonly configuration: StackConfiguration;
  /** First-party image -> id of what would run; undefined where it is not built yet. */
  readonly images: Readonly<Record<string, string | undefined>>;
}

/** Whether an `up` may pass a freeze, and why, in words that complete "this up is refused: ..." or "... is let through: ...". */
export interface PassOrNot {
  readonly passes: boolean;
  readonly because: string;
}

/** So many differences are named; a person needs to see that it is another one, not all of it. */
const MOST_NAMED = 6;

/**
 * A freeze lets through what changes nothing of the last good `up`, and what is a stable release again.
 *
 * @param releases oldest first, as {@link Release} records have them
 */
export function passesFreeze(deployment: Deployment, releases: readonly Release[]): PassOrNot {
  const last = releases.at(-1);
  if (last === undefined) return { passes: false, because: "no good up is on record here, so that nothing can be known to stay as it is" };
  const changes = changesOf(deployment, last);
  if (changes.length === 0) return { passes: true, because: `it changes nothing of the last good release, ${last.id}` };
  const stable = releases.findLast((release) => release.stable !== null && isAgain(deployment, release));
  if (stable !== undefined) return { passes: true, because: `it is the stable release ${stable.id} again` };
  return { passes: false, because: `it is no stable release, and differs from the last good one, ${last.id}, in ${named(changes)}` };
}

/** By what a deployment differs from what a release left on the machine. */
function changesOf({ stack, configuration, images }: Deployment, release: Release): string[] {
  const then = configurationOf(stack, release);
  if (then === undefined) return ["a stack file that this version of the program cannot read"];
  const same = stackConfigurationHash(configuration) === release.configurationHash;
  const keys = same ? [] : differingKeys(withoutRelease(then), withoutRelease(configuration));
  return [
    ...keys,
    // Another hash over the same keys: what is left out means something else to this version of the program.
    ...(same || keys.length > 0 ? [] : ["defaults of this version of the program"]),
    ...(evidenceOf(then) === evidenceOf(configuration) ? [] : ["trading:release.promotion"]),
    ...Object.keys(images).filter((name) => images[name] === undefined || images[name] !== release.imageNames[name]).map(imageChange(images)),
  ];
}

/**
 * Whether a deployment is a release again. Its file is read by the program of today: what that fills in, it would have filled
 * in then. An image that the release did not have yet cannot be taken back.
 */
function isAgain({ stack, configuration, images }: Deployment, release: Release): boolean {
  const then = configurationOf(stack, release);
  if (then === undefined || evidenceOf(then) !== evidenceOf(configuration)) return false;
  const now = stackConfigurationHash(configuration);
  if (now !== release.configurationHash && now !== stackConfigurationHash(then)) return false;
  return Object.keys(images).every((name) => release.imageNames[name] === undefined || images[name] === release.imageNames[name]);
}

/** Undefined where today's program cannot read the file of then. */
function configurationOf(stack: string, release: Release): StackConfiguration | undefined {
  try {
    return parseStackFile(stack, release.stackFile);
  } catch {
    return undefined;
  }
}

function withoutRelease({ release: _, ...rest }: StackConfiguration): Omit<StackConfiguration, "release"> {
  return rest;
}

/** A promotion starts the bots of live, and is in no hash. */
function evidenceOf(configuration: StackConfiguration): string | undefined {
  return (configuration.release as ReleaseConfiguration).promotion?.evidence;
}

function imageChange(images: Deployment["images"]): (name: string) => string {
  return (name) => `image ${name}${images[name] === undefined ? " (its files have changed, and it is not built yet)" : ""}`;
}

function named(changes: readonly string[]): string {
  const more = changes.length - MOST_NAMED;
  return `${changes.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
