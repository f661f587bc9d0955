import { git } from "../../config/git";
import { stableTag, type Release } from "../../config/releases";
import { treeRemark } from "../../config/gitState";

/** So many commits of a stack's file are looked at. */
const COMMITS = 200;

/** A tag, or why there is none. */
export type Tagged = { readonly tag: string; readonly problem: null } | { readonly tag: null; readonly problem: string };

/**
 * Tags a commit whose stack file is to the letter the one of the release: checked out, it brings the release back. Done
 * once, it is found done.
 */
export async function tagStable(root: string, release: Release, message: string): Promise<Tagged> {
  const tag = stableTag(release.stack, release.id);
  const refused = (problem: string): Tagged => ({ tag: null, problem });
  if (release.commit === null && (await git(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])).code !== 0) return refused("this folder is in no Git repository, and a stable release is a tag there");
  if ((await git(root, ["rev-parse", "--verify", "--quiet", `refs/tags/${tag}`])).code === 0) {
    if (await holds(root, `refs/tags/${tag}^{commit}`, release)) return { tag, problem: null };
    return refused(`the tag ${tag} is there already, on a commit with another Pulumi.${release.stack}.yaml: git tag --delete ${tag}`);
  }
  const commit = await commitOf(root, release);
  if (commit === null) return refused(`no commit holds its Pulumi.${release.stack}.yaml: git commit Pulumi.${release.stack}.yaml`);
  const made = await git(root, ["-c", "tag.gpgSign=false", "tag", "--annotate", "--message", message, tag, commit]);
  // Another command may have been quicker.
  if (made.code === 0 || (await holds(root, `refs/tags/${tag}^{commit}`, release))) return { tag, problem: null };
  return refused(`Git does not take the tag ${tag}: ${(made.stderr || made.stdout).trim().split("\n")[0]}`);
}

/** The commit that was checked out, where it has the file; otherwise the newest that brought it as it is. */
async function commitOf(root: string, release: Release): Promise<string | null> {
  if (release.commit !== null && (await holds(root, release.commit, release))) return release.commit;
  const { stdout } = await git(root, ["log", `--max-count=${COMMITS}`, "--format=%H", "--", `./Pulumi.${release.stack}.yaml`]);
  for (const commit of stdout.split("\n").filter((line) => line !== "")) if (await holds(root, commit, release)) return commit;
  return null;
}

async function holds(root: string, revision: string, { stack, stackFile }: Release): Promise<boolean> {
  const { code, stdout } = await git(root, ["show", `${revision}:./Pulumi.${stack}.yaml`]);
  return code === 0 && withoutReturns(stdout) === withoutReturns(stackFile);
}

/** On Windows, Git may check a file out with other ends of lines than it keeps. */
function withoutReturns(text: string): string {
  return text.replaceAll("\r\n", "\n");
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
