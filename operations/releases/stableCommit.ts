import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { git, type GitOutcome } from "../../config/git";
import { withPinnedImages } from "../../config/pinnedStackFile";
import { releaseText, type Release } from "../../config/releases";

/** What a stable release puts into its commit: path, relative to the project's folder, with slashes -> content. */
export function stableFiles(release: Release): Readonly<Record<string, string>> {
  const { stack, id, imageNames, stackFile } = release;
  // Windows may have other ends of lines than Git keeps.
  return { [`Pulumi.${stack}.yaml`]: withPinnedImages(stackFile.replaceAll("\r\n", "\n"), imageNames), [`releases/${stack}/${id}.json`]: releaseText(release) };
}

/** A commit, or why there is none. */
export type StableCommit = { readonly commit: string; readonly problem: null } | { readonly commit: null; readonly problem: string };

/**
 * Makes the commit that a stable release's tag names. It stands beside the branch, on the release's own commit, and changes
 * nothing but the stack's file, whose images it pins, and the release's record: that file checked out, and an `up`, are the
 * release, whatever else lies in the folder. Working tree, index and branch stay as they are.
 *
 * @param message its subject
 */
export async function stableCommit(root: string, release: Release, message: string): Promise<StableCommit> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-stable-"));
  try {
    return { commit: await made(root, release, message, folder), problem: null };
  } catch (error) {
    return { commit: null, problem: (error as Error).message };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function made(root: string, release: Release, message: string, folder: string): Promise<string> {
  const own = { GIT_INDEX_FILE: path.join(folder, "index") };
  const parent = await parentOf(root, release);
  const prefix = said(await git(root, ["rev-parse", "--show-prefix"]));
  if (parent !== null) said(await git(root, ["read-tree", parent], own));
  for (const [name, text] of Object.entries(stableFiles(release))) {
    const file = path.join(folder, "content");
    fs.writeFileSync(file, text);
    // As it is: no line end is to be another one in Git.
    const blob = said(await git(root, ["hash-object", "-w", "--no-filters", "--", file]));
    said(await git(root, ["update-index", "--add", "--cacheinfo", `100644,${blob},${prefix}${name}`], own));
  }
  const tree = said(await git(root, ["write-tree"], own));
  return said(await git(root, ["commit-tree", tree, ...(parent === null ? [] : ["-p", parent]), "-m", message], own));
}

/** The release's own commit; where this repository does not have it any more, what is checked out. */
async function parentOf(root: string, { commit }: Release): Promise<string | null> {
  for (const revision of [...(commit === null ? [] : [commit]), "HEAD"]) {
    const found = await git(root, ["rev-parse", "--verify", "--quiet", `${revision}^{commit}`]);
    if (found.code === 0) return found.stdout.trim();
  }
  return null;
}

/** @throws with git's own words where it failed */
function said({ code, stdout, stderr }: GitOutcome): string {
  if (code !== 0) throw new Error((stderr || stdout).trim().split("\n")[0] || "git failed without a word");
  return stdout.trim();
}
