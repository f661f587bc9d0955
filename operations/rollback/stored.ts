import * as fs from "node:fs";
import * as path from "node:path";
import { git } from "../../config/git";
import { withPinnedImages } from "../../config/pinnedStackFile";
import { readReleases, releaseRecord, stableTag, type Release } from "../../config/releases";
import type { ReleaseConfiguration } from "../../config/releaseSchema";
import type { StackConfiguration } from "../../config/schema";
import { parseStackFile } from "../../config/stackFile";
import { withSalt } from "../backup/restoreConfiguration";
import { failure } from "../errors";

/**
 * Every release of a stack that is known, oldest first: those this machine keeps, and stable ones that Git alone has, such as in
 * a clone that was brought back without them.
 */
export async function knownReleases(root: string, stack: string): Promise<Release[]> {
  const kept = readReleases(root, stack);
  const known = new Map(kept.map((release) => [release.id, release]));
  const prefix = stableTag(stack, "");
  const tags = (await git(root, ["for-each-ref", "--format=%(refname:short)", `refs/tags/${prefix}`])).stdout.split("\n").filter((tag) => tag.startsWith(prefix));
  for (const tag of tags) {
    const id = tag.slice(prefix.length);
    const here = known.get(id);
    if (here !== undefined) {
      // Its tag says so, whether its record was written afterwards or not.
      if (here.stable === null) known.set(id, { ...here, stable: { at: here.confirmedAt, tag } });
      continue;
    }
    const inGit = await releaseIn(root, tag, stack, id);
    if (inGit !== undefined) known.set(id, inGit);
  }
  return [...known.values()].sort((one, other) => Date.parse(one.at) - Date.parse(other.at) || (one.id < other.id ? -1 : 1));
}

/** The record beside the configuration that a tag names; undefined where there is none, as at a tag that was set by hand. */
async function releaseIn(root: string, tag: string, stack: string, id: string): Promise<Release | undefined> {
  const { code, stdout } = await git(root, ["show", `${tag}:./releases/${stack}/${id}.json`]);
  if (code !== 0) return undefined;
  try {
    const record = releaseRecord.parse(JSON.parse(stdout));
    return record.id === id && record.stack === stack ? { ...record, stable: record.stable ?? { at: record.confirmedAt, tag } } : undefined;
  } catch {
    return undefined;
  }
}

/** What going back to a release writes into the folder. */
export interface StoredRelease {
  readonly configuration: StackConfiguration;
  /** Path in the folder -> content: the stack's file, and evidence that is not there any more. */
  readonly files: Readonly<Record<string, string>>;
  /** Where it was taken from, for people: a tag of Git, or this machine's own record. */
  readonly source: string;
}

/**
 * The stack's file as it was at a release, with that release's images pinned, so that nothing is built, and with the salt of
 * today, which belongs to the state.
 *
 * @throws {CommandError} where the program of today cannot read it
 */
export async function storedRelease(root: string, release: Release): Promise<StoredRelease> {
  const { stack, id, stable, imageNames } = release;
  const name = `Pulumi.${stack}.yaml`;
  const tagged = stable === null ? undefined : await git(root, ["show", `${stable.tag}:./${name}`]);
  const [source, original] = tagged?.code === 0 ? [stable!.tag, tagged.stdout] : ["the record of this machine", release.stackFile];
  let text: string;
  let configuration: StackConfiguration;
  try {
    text = withSalt(withPinnedImages(original, imageNames), textOf(root, name) ?? "");
    configuration = parseStackFile(stack, text);
  } catch (error) {
    throw failure(`${name} of release ${id} (${source}) cannot be deployed by this version of the program: ${(error as Error).message}; nothing was changed`, { stack });
  }
  return { configuration, files: { [name]: text, ...(await missingEvidence(root, configuration, stable?.tag)) }, source };
}

/** What entitles a live stack to run its bots is in the repository; an older branch may not have it. */
async function missingEvidence(root: string, configuration: StackConfiguration, tag: string | undefined): Promise<Record<string, string>> {
  const { promotion } = configuration.release as ReleaseConfiguration;
  if (promotion === undefined || tag === undefined || fs.existsSync(path.join(root, promotion.evidence))) return {};
  const { code, stdout } = await git(root, ["show", `${tag}:./${promotion.evidence}`]);
  return code === 0 ? { [promotion.evidence]: stdout } : {};
}

/** @returns undefined where there is no such file */
export function textOf(root: string, name: string): string | undefined {
  try {
    return fs.readFileSync(path.join(root, ...name.split("/")), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
