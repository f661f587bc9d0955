import { git } from "../../config/git";
import { stableTag, type Release } from "../../config/releases";
import { treeRemark } from "../../config/gitState";
import { stableCommit, stableFiles } from "./stableCommit";

/** A tag, or why there is none. */
export type Tagged = { readonly tag: string; readonly problem: null } | { readonly tag: null; readonly problem: string };

/**
 * Tags a commit whose stack file is the release's with its images pinned: checked out, it brings the release back. Done once,
 * it is found done.
 *
 * @param at since when it is stable, ISO
 */
export async function tagStable(root: string, release: Release, at: string, message: string): Promise<Tagged> {
  const tag = stableTag(release.stack, release.id);
  const refused = (problem: string): Tagged => ({ tag: null, problem });
  if (release.commit === null && (await git(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])).code !== 0) return refused("this folder is in no Git repository, and a stable release is a tag there");
  if ((await git(root, ["rev-parse", "--verify", "--quiet", `refs/tags/${tag}`])).code === 0) {
    if (await holds(root, tag, release)) return { tag, problem: null };
    return refused(`the tag ${tag} is there already, on a commit with another Pulumi.${release.stack}.yaml: git tag --delete ${tag}`);
  }
  const { commit, problem } = await stableCommit(root, { ...release, stable: { at, tag } }, message.split("\n")[0]!);
  if (commit === null) return refused(`Git does not take its commit: ${problem}`);
  const made = await git(root, ["-c", "tag.gpgSign=false", "tag", "--annotate", "--message", message, tag, commit]);
  // Another command may have been quicker.
  if (made.code === 0 || (await holds(root, tag, release))) return { tag, problem: null };
  return refused(`Git does not take the tag ${tag}: ${(made.stderr || made.stdout).trim().split("\n")[0]}`);
}

/** Whether a tag's stack file is that of the release. */
async function holds(root: string, tag: string, release: Release): Promise<boolean> {
  const name = `Pulumi.${release.stack}.yaml`;
  const { code, stdout } = await git(root, ["show", `refs/tags/${tag}^{commit}:./${name}`]);
  return code === 0 && stdout === stableFiles(release)[name];
}

/** What the tag says. */
export function tagMessage(release: Release, hours: number): string {
  const remark = treeRemark(release);
  const lines = [
    `Release ${release.id} of stack ${release.stack} is stable`,
    "",
    `It was brought up at ${release.at} and ran for ${hours} h with nothing critical and no halt by the guard.`,
    ...(remark === null ? [] : [`It was brought up ${remark}${release.commit === null ? "" : ` (commit ${release.commit})`}: what its images were built from may be in no commit.`]),
  ];
  return lines.join("\n");
}
