import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { failure, usage } from "../errors";
import { git } from "../../config/git";

/** A state of the repository that is looked at. */
export interface ReviewedCommit {
  /** As it was named on the command line. */
  readonly ref: string;
  /** 40 hexadecimal digits. */
  readonly commit: string;
}

/** By this trailer a commit says that more may be lost on purpose, and why. */
export const TRAILER = "Risk-Limits-Raised";

/**
 * The two commits of a review. What the base got since the head left it is not the head's doing: the base is where they
 * parted.
 *
 * @throws {CommandError} usage error where one is not there
 */
export async function reviewedCommits(root: string, base: string, head: string): Promise<{ readonly base: ReviewedCommit; readonly head: ReviewedCommit }> {
  const [named, after] = [await commitOf(root, "--base", base), await commitOf(root, "--head", head)];
  const parted = await git(root, ["merge-base", named, after]);
  return { base: { ref: base, commit: parted.code === 0 ? parted.stdout.trim() : named }, head: { ref: head, commit: after } };
}

async function commitOf(root: string, option: string, ref: string): Promise<string> {
  const found = await git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]);
  if (found.code === null) throw failure("there is no git command: a review compares two commits");
  if (found.code !== 0) throw usage(`${option} "${ref}" names no commit of this repository; allowed: a branch, a tag or a commit, for example main, origin/main or HEAD~1 (git fetch brings what a remote has)`);
  return found.stdout.trim();
}

/** Writes the project's files as they are in a commit below a folder, without touching the repository. */
export async function exportCommit(root: string, commit: string, folder: string): Promise<void> {
  const archive = spawn("git", ["archive", "--format=tar", commit], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  archive.stderr.on("data", (chunk) => (complaint += String(chunk)));
  const ended = new Promise<number | null>((resolve, reject) => archive.on("error", reject).on("close", resolve));
  const unpack = extract();
  unpack.on("entry", (header, content, next) => {
    const file = path.join(folder, header.name);
    // Git lets no path leave the folder; a file that is anything else than a file or a folder has no place here.
    if (header.type === "directory") fs.mkdirSync(file, { recursive: true });
    if (header.type !== "file") return void content.resume().on("end", next);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    pipeline(content, fs.createWriteStream(file, { mode: header.mode ?? 0o644 })).then(() => next(), next);
  });
  await pipeline(archive.stdout, unpack);
  if ((await ended) !== 0) throw failure(`git archive ${commit} failed: ${complaint.trim()}`);
}

/** Reasons for which risk limits are raised, as the commits after the base give them; one without a word is none. */
export async function reasonsForMoreRisk(root: string, base: string, head: string): Promise<{ readonly commit: string; readonly reason: string }[]> {
  const { code, stdout, stderr } = await git(root, ["log", `--format=%H%x09%(trailers:key=${TRAILER},valueonly,unfold,separator=%x09)`, `${base}..${head}`]);
  if (code !== 0) throw failure(`git log failed: ${stderr.trim()}`);
  return stdout.split("\n").flatMap((line) => {
    const [commit = "", ...reasons] = line.split("\t");
    return reasons.map((reason) => reason.trim()).filter((reason) => reason !== "").map((reason) => ({ commit, reason }));
  });
}

/** Names of files below a folder that the head has and the base has not. */
export async function addedBelow(root: string, base: string, head: string, folder: string): Promise<string[]> {
  const { stdout } = await git(root, ["diff", "--name-only", "--diff-filter=A", "-z", base, head, "--", folder]);
  return stdout.split("\0").filter((name) => name !== "").map((name) => path.posix.basename(name));
}

/** Lines that the head adds to a file. */
export async function addedLines(root: string, base: string, head: string, file: string): Promise<string[]> {
  const { stdout } = await git(root, ["diff", "--unified=0", "--no-color", base, head, "--", file]);
  return stdout.split("\n").filter((line) => /^\+(?!\+\+ )/.test(line)).map((line) => line.slice(1));
}
