import * as fs from "node:fs";
import * as path from "node:path";
import { readReleases, releaseText, writeRelease, type Release } from "../../config/releases";
import { writeWhole } from "../collect";
import type { Context } from "../context";
import { duration, time } from "../format";
import { changedBelow, commitFiles, wasEverCommitted } from "../repository";
import { declaredStack, type DeclaredStack } from "../stack";
import { soakOf, type Soak } from "./soak";
import { soakFacts } from "./soakFacts";
import { tagMessage, tagStable } from "./stableTag";

/** How the releases of a stack stand after what was due was done. */
export interface Settled {
  /** How far the release that runs is; undefined where there is none, or it is stable. */
  readonly soak: Exclude<Soak, { state: "over" }> | undefined;
  /** The release that became stable now. */
  readonly stable: Release | undefined;
  /** Records that are in Git now. */
  readonly committed: readonly string[];
  /** Why records wait; null where none does. */
  readonly reason: string | null;
}

/**
 * Makes the release that runs stable when it has soaked: a Git tag, and its record in a commit of its own. An `up` cannot
 * do that; a command of the owner's, or the daily task, does. Killed at any point and run again it goes on.
 */
export async function settleReleases(context: Context, declared: DeclaredStack): Promise<Settled> {
  const { root } = context;
  const { stack, configuration } = declared;
  const newest = readReleases(root, stack).at(-1);
  let soak: Settled["soak"];
  let stable: Release | undefined;
  if (newest !== undefined && newest.stable === null) {
    const found = await soakNow(context, declared, newest);
    if (found.state !== "over") soak = found;
    else {
      const at = new Date(context.now()).toISOString();
      const { tag, problem } = await tagStable(root, newest, at, tagMessage(newest, configuration.soak.hours));
      if (tag === null) soak = { state: "waiting", reason: problem };
      else stable = markStable(root, newest, { at, tag });
    }
  }
  return { soak, stable, ...(await keepRecords(root, stack)) };
}

/** The stack is asked only once it can be time. */
async function soakNow(context: Context, declared: DeclaredStack, release: Release): Promise<Soak> {
  const { hours } = declared.configuration.soak;
  const earliest = Date.parse(release.at) + hours * 3_600_000;
  if (context.now() >= earliest) return soakOf(await soakFacts(context, declared, release));
  return { state: "soaking", until: earliest, reason: `runs for ${duration((context.now() - Date.parse(release.at)) / 1000)} of ${duration(hours * 3600)}` };
}

/** An `up` may have confirmed it, or put another in its place, since it was read. */
function markStable(root: string, { stack, id }: Release, since: NonNullable<Release["stable"]>): Release | undefined {
  const present = readReleases(root, stack).find((each) => each.id === id);
  if (present === undefined) return undefined;
  const stable = { ...present, stable: since };
  writeRelease(root, stable);
  return stable;
}

/** Puts the record of each stable release into Git. One that was there and is gone was taken away by the owner. */
async function keepRecords(root: string, stack: string): Promise<Pick<Settled, "committed" | "reason">> {
  const stable = readReleases(root, stack).filter((release) => release.stable !== null);
  if (stable.length === 0) return { committed: [], reason: null };
  const fresh = new Set((await changedBelow(root, recordFolder(stack))).filter((file) => file.fresh).map(({ name }) => name));
  const names: string[] = [];
  for (const release of stable) {
    const name = recordFile(release);
    const file = path.join(root, ...name.split("/"));
    if (!fs.existsSync(file)) {
      if (await wasEverCommitted(root, name)) continue;
      writeWhole(file, releaseText(release));
      names.push(name);
    } else if (fresh.has(name)) names.push(name);
  }
  const message = names.length === 1 ? `Release ${path.posix.basename(names[0]!, ".json")} of ${stack} is stable` : `${names.length} releases of ${stack} are stable`;
  const { committed, reason } = await commitFiles(root, names, message);
  return { committed, reason };
}

function recordFolder(stack: string): string {
  return `releases/${stack}`;
}

/** Record of a stable release in Git, relative to the project's folder, with slashes. */
export function recordFile({ stack, id }: Pick<Release, "stack" | "id">): string {
  return `${recordFolder(stack)}/${id}.json`;
}

/** What was done, and what keeps a release from becoming stable though its time has come; null where there is nothing to say. */
export function settledText({ soak, stable, committed, reason }: Settled): string | null {
  const lines = [
    ...(stable === undefined ? [] : [`release ${stable.id} is stable: tag ${stable.stable!.tag}`]),
    ...(committed.length === 0 ? [] : [`put into Git: ${committed.join(", ")}`]),
    ...(soak?.state === "waiting" ? [`the release that runs is not stable yet: ${soak.reason}`] : []),
    ...(reason === null ? [] : [`records of stable releases wait: ${reason}`]),
  ];
  return lines.length === 0 ? null : lines.join("; ");
}

/** How far the release that runs is, in words. */
export function soakText(soak: NonNullable<Settled["soak"]>): string {
  return soak.state === "waiting" ? `waits: ${soak.reason}` : `soaks until ${time(soak.until)}: ${soak.reason}`;
}

/** The same at the end of a command: it never makes the command fail. */
export async function settleAfterCommand(context: Context, stack: string): Promise<string | null> {
  try {
    return settledText(await settleReleases(context, declaredStack(context.root, stack)));
  } catch (error) {
    return `Releases of stack ${stack} could not be looked after; the next command tries again: ${(error as Error).message}`;
  }
}
