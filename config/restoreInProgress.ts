import * as fs from "node:fs";
import * as path from "node:path";
import { CLONE_FOLDER } from "./clone";

/** Where a restore of a stack notes how far it is, from its beginning to its end. */
export function restoreJournalFile(root: string, stack: string): string {
  return path.join(root, CLONE_FOLDER, "stacks", stack, "restore.json");
}

/**
 * An `up` would start what a restore has stopped, on data that is half changed over.
 *
 * @throws when a restore of the stack has not ended
 */
export function refuseDuringRestore(root: string, stack: string): void {
  if (!fs.existsSync(restoreJournalFile(root, stack))) return;
  throw new Error(
    `a restore of stack ${stack} is under way or was interrupted (${path.relative(root, restoreJournalFile(root, stack))}): wait for it, or run npx trading restore --stack ${stack} again to complete it, or with --go-back to take it back; nothing was changed`,
  );
}
