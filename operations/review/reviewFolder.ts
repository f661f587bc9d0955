import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { isAlive, isCaredFor, type Runner } from "../restoreTest/temporaryStack";

/** Where reviews lie while they run: below what can be made again at any time. */
export function reviewsFolder(root: string): string {
  return path.join(root, ".tools", "reviews");
}

/** Makes an empty folder for one review, and removes those that reviews which were killed left. */
export function makeReviewFolder(root: string, now: number): string {
  const all = reviewsFolder(root);
  fs.mkdirSync(all, { recursive: true });
  for (const name of fs.readdirSync(all)) {
    if (!isCaredFor(runnerOf(path.join(all, name)), now, isAlive)) removeReviewFolder(path.join(all, name));
  }
  const folder = path.join(all, randomBytes(4).toString("hex"));
  const aside = `${folder}.new`;
  fs.mkdirSync(aside, { mode: 0o700 });
  const runner: Runner = { process: process.pid, host: os.hostname(), owner: "", since: now };
  fs.writeFileSync(path.join(aside, "run.json"), JSON.stringify(runner));
  // Under its name it is never there without saying who takes care of it.
  fs.renameSync(aside, folder);
  return folder;
}

/** Links in it go, not what they lead to. @returns whether it is gone; on Windows something may still have hold of it */
export function removeReviewFolder(folder: string): boolean {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    return true;
  } catch {
    return false;
  }
}

function runnerOf(folder: string): Runner | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, "run.json"), "utf8")) as Runner;
  } catch {
    // It was killed while it made the folder: nobody takes care of it.
    return undefined;
  }
}
