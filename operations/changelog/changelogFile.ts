import * as path from "node:path";
import { changeText, tradingChanges } from "../../config/changelog/changes";
import { CHANGELOG, withEntry, type ChangelogEntry } from "../../config/changelog/text";
import { changelogText } from "../../config/changelog/check";
import { CLONE_FOLDER } from "../../config/clone";
import type { StackConfiguration } from "../../config/schema";
import { parseStackFile } from "../../config/stackFile";
import { writeWhole } from "../../control/folder";
import { failure } from "../errors";
import { underLock } from "../lock";

/**
 * Puts an entry into CHANGELOG.md, which is made where it is missing. Whoever changes sizing or strategy by a command does so
 * before it commits; the file belongs into the same commit.
 *
 * @returns false where it says just that already
 */
export async function writeChangelogEntry(root: string, entry: ChangelogEntry): Promise<boolean> {
  return await underLock(path.join(root, CLONE_FOLDER, "changelog.lock"), () => {
    const before = changelogText(root);
    const after = withEntry(before, entry);
    if (after === before) return false;
    try {
      writeWhole(path.join(root, CHANGELOG), after);
    } catch (error) {
      throw failure(`${CHANGELOG} could not be written: ${(error as Error).message}`);
    }
    return true;
  });
}

export interface StackFileChange {
  readonly stack: string;
  /** Texts of the stack's file. */
  readonly before: string;
  readonly after: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * Writes down what a command of ours changes in sizing and strategy by writing a stack's file.
 *
 * @returns whether CHANGELOG.md has an entry of it now; false where nothing of that changes, or a text cannot be read
 */
export async function writeStackFileChange(root: string, { stack, before, after, reason, now }: StackFileChange): Promise<boolean> {
  const [one, other] = [before, after].map((text) => readOrNot(stack, text));
  const changes = one === undefined || other === undefined ? [] : tradingChanges(one, other);
  if (changes.length === 0) return false;
  await writeChangelogEntry(root, { date: changelogDay(now), stack, reason, lines: changes.map(changeText) });
  return true;
}

function readOrNot(stack: string, text: string): StackConfiguration | undefined {
  try {
    return parseStackFile(stack, text);
  } catch {
    return undefined;
  }
}

/** Day of an entry. @param now epoch milliseconds */
export function changelogDay(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}
