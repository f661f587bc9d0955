import * as fs from "node:fs";
import * as path from "node:path";
import { git, type GitOutcome } from "../config/git";

/** What became of files that belong into Git. */
export interface Commit {
  /** Paths that are in a commit now, this one or an earlier one. */
  readonly committed: readonly string[];
  /** Paths that lie in the folder and wait, and why. */
  readonly left: readonly string[];
  readonly reason: string | null;
}

/** Files and folders of `.git` that are there while something of the owner's is under way. */
const UNDER_WAY: Readonly<Record<string, string>> = {
  MERGE_HEAD: "a merge is under way",
  CHERRY_PICK_HEAD: "a cherry-pick is under way",
  REVERT_HEAD: "a revert is under way",
  "rebase-merge": "a rebase is under way",
  "rebase-apply": "a rebase is under way",
  BISECT_LOG: "a bisect is under way",
};

/** Why nothing can be committed in this folder now, or null. */
export async function reasonAgainstCommit(root: string): Promise<string | null> {
  const where = await git(root, ["rev-parse", "--show-prefix", "--absolute-git-dir"]);
  if (where.code === null) return "there is no git command";
  if (where.code !== 0) return "this folder is no Git repository";
  const folder = where.stdout.trimEnd().split("\n").at(-1)!;
  for (const [name, reason] of Object.entries(UNDER_WAY)) if (fs.existsSync(path.join(folder, name))) return reason;
  if ((await git(root, ["symbolic-ref", "--quiet", "HEAD"])).code !== 0) return "HEAD is on no branch";
  return null;
}

/**
 * Commits these files and no others: what the owner has staged stays staged, and is in no commit of ours. Hooks and
 * signatures are left out, because both may ask somebody, and often nobody sits there.
 *
 * @param paths relative to the project's folder, with slashes; each has to be there
 */
export async function commitFiles(root: string, paths: readonly string[], message: string): Promise<Commit> {
  if (paths.length === 0) return { committed: [], left: [], reason: null };
  const left = (reason: string): Commit => ({ committed: [], left: paths, reason });
  const against = await reasonAgainstCommit(root);
  if (against !== null) return left(against);
  const names = paths.map((name) => `:(literal)${name}`);
  const changed = await git(root, ["status", "--porcelain=v1", "--untracked-files=all", "-z", "--ignored=matching", "--", ...names]);
  if (changed.code !== 0) return left(problem(changed));
  const states = statesOf(changed.stdout);
  const ignored = states.filter(({ state }) => state === "!!");
  if (ignored.length > 0) return left(`Git ignores ${ignored.map((file) => file.path).join(", ")}`);
  if (states.length === 0) return { committed: paths, left: [], reason: null };
  const fresh = states.filter(({ state }) => state === "??").map(({ path: name }) => `:(literal,top)${name}`);
  // Made known first, without their content: a commit of single paths takes only files that Git knows.
  if (fresh.length > 0) {
    const known = await git(root, ["add", "--intent-to-add", "--", ...fresh]);
    if (known.code !== 0) return left(problem(known));
  }
  const commit = await git(root, ["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--no-verify", "--message", message, "--only", "--", ...names]);
  if (commit.code === 0) return { committed: paths, left: [], reason: null };
  if (fresh.length > 0) await git(root, ["rm", "--cached", "--quiet", "--force", "--", ...fresh]);
  return left(problem(commit));
}

/** Makes Git forget files that were made known for a commit which never came; their content is left to the caller. */
export async function forgetFiles(root: string, paths: readonly string[]): Promise<void> {
  if (paths.length > 0) await git(root, ["rm", "--cached", "--quiet", "--force", "--ignore-unmatch", "--", ...paths.map((name) => `:(literal)${name}`)]);
}

/** Files below a folder that are in no commit yet; none where there is no repository. Relative to the project's folder. */
export async function uncommittedBelow(root: string, folder: string): Promise<string[]> {
  return (await changedBelow(root, folder)).filter(({ fresh }) => fresh).map(({ name }) => name);
}

/** Files below a folder that are not as in the newest commit, and whether they are in none at all; those that are gone left out. */
export async function changedBelow(root: string, folder: string): Promise<{ readonly name: string; readonly fresh: boolean }[]> {
  const prefix = await git(root, ["rev-parse", "--show-prefix"]);
  if (prefix.code !== 0) return [];
  const found = await git(root, ["status", "--porcelain=v1", "--untracked-files=all", "-z", "--", `:(literal)${folder}`]);
  if (found.code !== 0) return [];
  const base = prefix.stdout.trim();
  return statesOf(found.stdout)
    .filter(({ state }) => !state.includes("D"))
    .map((file) => ({ name: file.path.slice(base.length), fresh: file.state === "??" }));
}

/** Whether a file is, or once was, in a commit of the branch; not where there is no repository. */
export async function wasEverCommitted(root: string, name: string): Promise<boolean> {
  const { code, stdout } = await git(root, ["log", "--max-count=1", "--format=%H", "--", `:(literal)${name}`]);
  return code === 0 && stdout.trim() !== "";
}

/** Newest commit of the branch that changed a file, shortened; undefined where there is none. */
export async function newestCommitOf(root: string, name: string): Promise<string | undefined> {
  const { code, stdout } = await git(root, ["log", "--max-count=1", "--format=%h", "--", `:(literal)${name}`]);
  return code === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

/** A file as it is in the branch's newest commit; undefined where it is in none. */
export async function textInHead(root: string, name: string): Promise<string | undefined> {
  const { code, stdout } = await git(root, ["show", `HEAD:./${name}`]);
  return code === 0 ? stdout : undefined;
}

/** Entries `XY path`, each ended by a zero; a rename's old name is an entry of its own. */
function statesOf(text: string): { readonly state: string; readonly path: string }[] {
  const entries = text.split("\0");
  const states: { state: string; path: string }[] = [];
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    if (entry === "") continue;
    states.push({ state: entry.slice(0, 2), path: entry.slice(3) });
    if (entry.startsWith("R") || entry.startsWith("C")) index++;
  }
  return states;
}

function problem({ stderr, stdout }: GitOutcome): string {
  return (stderr || stdout).trim().split("\n").filter((line) => line.trim() !== "").slice(0, 3).join("; ") || "git failed without a word";
}
