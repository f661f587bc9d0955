import { git } from "./git";

/** How the folder stands to Git. */
export interface GitState {
  /** Newest commit; null where there is none, no repository or no git. */
  readonly commit: string | null;
  /** Nothing is uncommitted, reports and records of releases aside. */
  readonly clean: boolean;
  /** A remote has the commit, as far as this clone knows without asking one; null where there is no commit. */
  readonly pushed: boolean | null;
}

/** What our own commands add beside somebody's work; nothing that is deployed is made of it. */
const WRITTEN_BY_COMMANDS = ["reports", "releases"];

/** Reads it from the clone alone; no network is needed. */
export async function gitState(root: string): Promise<GitState> {
  const others = WRITTEN_BY_COMMANDS.map((folder) => `:(exclude)${folder}`);
  const [head, status, remote, unpushed] = await Promise.all([
    git(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]),
    // The owner's own git may be at work: its index is left alone.
    git(root, ["--no-optional-locks", "status", "--porcelain=v1", "--untracked-files=normal", "--", ".", ...others]),
    git(root, ["for-each-ref", "--count=1", "--format=%(refname)", "refs/remotes"]),
    git(root, ["rev-list", "--max-count=1", "HEAD", "--not", "--remotes"]),
  ]);
  const commit = head.stdout.trim();
  if (head.code !== 0 || !/^[0-9a-f]{40,64}$/.test(commit)) return { commit: null, clean: false, pushed: null };
  const pushed = remote.code === 0 && remote.stdout.trim() !== "" && unpushed.code === 0 && unpushed.stdout.trim() === "";
  return { commit, clean: status.code === 0 && status.stdout === "", pushed };
}

/** What is to be said of a tree that others could not get again, or null. */
export function treeRemark({ commit, clean, pushed }: GitState): string | null {
  if (commit === null) return "from no Git commit";
  const parts = [...(clean ? [] : ["with uncommitted changes"]), ...(pushed === true ? [] : ["not pushed"])];
  return parts.length === 0 ? null : parts.join(", ");
}
