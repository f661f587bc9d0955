import * as fs from "node:fs";
import * as path from "node:path";
import { git } from "../git";
import { readReleases } from "../releases";
import type { StackConfiguration } from "../schema";
import { parseStackFile } from "../stackFile";
import { changeText, tradingChanges, type TradingChange } from "./changes";
import { CHANGELOG, unnamedChanges } from "./text";

/** What a stack trades otherwise than before. */
export interface ChangesSince {
  /** What it is compared with, in words; null where there is nothing to compare with. */
  readonly since: string | null;
  /** Why it could not be compared; null where it was. */
  readonly problem: string | null;
  readonly changes: readonly TradingChange[];
}

const NONE: ChangesSince = { since: null, problem: null, changes: [] };

/**
 * Compares a configuration with the newest release that traded otherwise, or, while there is no release, with the stack's file
 * in the newest commit. An `up` alone does not make a change one that was written down: the release before it still counts.
 */
export async function changesSince(root: string, stack: string, configuration: StackConfiguration): Promise<ChangesSince> {
  const releases = readReleases(root, stack);
  const seen = new Set<string>();
  for (const { id, stackFile } of releases.reverse()) {
    if (seen.has(stackFile)) continue;
    seen.add(stackFile);
    const found = compared(`release ${id}`, stack, stackFile, configuration);
    if (found.problem !== null || found.changes.length > 0) return found;
  }
  if (releases.length > 0) return NONE;
  const name = `Pulumi.${stack}.yaml`;
  const { code, stdout } = await git(root, ["show", `HEAD:./${name}`]);
  // No repository, or a stack that is in no commit yet.
  return code === 0 ? compared("the newest commit", stack, stdout, configuration) : NONE;
}

function compared(since: string, stack: string, stackFile: string, configuration: StackConfiguration): ChangesSince {
  try {
    return { since, problem: null, changes: tradingChanges(parseStackFile(stack, stackFile), configuration) };
  } catch (error) {
    return { since, problem: `${since} cannot be read by this version of the program (${(error as Error).message})`, changes: [] };
  }
}

/** The text of CHANGELOG.md; empty where there is none. */
export function changelogText(root: string): string {
  try {
    return fs.readFileSync(path.join(root, CHANGELOG), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** What to tell the owner of a change of sizing or strategy that CHANGELOG.md does not name; null where there is nothing to tell. */
export async function changelogWarning(root: string, stack: string, configuration: StackConfiguration): Promise<string | null> {
  try {
    return await warningOf(root, stack, configuration);
  } catch (error) {
    // What was not written down must keep nobody from deploying.
    return `Whether sizing or strategy of stack ${stack} have changed is not known: ${(error as Error).message}.`;
  }
}

async function warningOf(root: string, stack: string, configuration: StackConfiguration): Promise<string | null> {
  const { since, problem, changes } = await changesSince(root, stack, configuration);
  if (problem !== null) return `Whether sizing or strategy of stack ${stack} have changed is not known: ${problem}.`;
  const unnamed = unnamedChanges(changelogText(root), stack, changes);
  if (unnamed.length === 0) return null;
  return [
    `Stack ${stack} trades otherwise than ${since}, and ${CHANGELOG} does not say so:`,
    ...unnamed.map((change) => `  ${changeText(change)}`),
    `To write it down: npx trading changelog --stack ${stack} --reason "..."`,
  ].join("\n");
}
