import * as fs from "node:fs/promises";
import * as path from "node:path";
import { run, ToolFailure } from "../run";

/** What a clone of the repository is at a moment. */
export interface RepositoryFacts {
  /** Commit; null where there is none. */
  readonly head: string | null;
  /** Null where the head is detached, or there is no repository. */
  readonly branch: string | null;
  /** Commits on local branches, or of a detached head, that no remote-tracking branch has; null where there is no remote. */
  readonly unpushedCommits: number | null;
  /** ISO; when the oldest of them was committed. */
  readonly oldestUnpushedAt: string | null;
}

export const noRepository: RepositoryFacts = { head: null, branch: null, unpushedCommits: null, oldestUnpushedAt: null };

const gitSeconds = 900;

/** git in a repository that others own and that is not to be changed: no lock, no hook, no program of its configuration. */
export class Git {
  /** @param repository its `.git` where that is not the folder's own */
  constructor(
    private readonly folder: string,
    private readonly signal: AbortSignal,
    private readonly repository?: string,
  ) {}

  /** @returns what it printed, without the last line end @throws ToolFailure */
  async text(...words: readonly string[]): Promise<string> {
    return (await this.raw(words, [0])).stdout.replace(/\n$/, "");
  }

  /** @returns what it printed; undefined where it fails */
  async maybe(...words: readonly string[]): Promise<string | undefined> {
    return this.text(...words).catch((error: unknown) => {
      if (error instanceof ToolFailure && error.reason === "exit") return undefined;
      throw error;
    });
  }

  private raw(words: readonly string[], allowedCodes: readonly number[]) {
    const settings = { "safe.directory": "*", "core.fsmonitor": "false", "core.hooksPath": "/dev/null", "core.fileMode": "false", "pack.threads": "1", "maintenance.auto": "false", "gc.auto": "0" };
    const entries = Object.entries(settings).flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]);
    return run("git", words, {
      folder: this.folder,
      ...{ signal: this.signal, timeoutSeconds: gitSeconds, allowedCodes },
      environment: {
        ...(this.repository !== undefined && { GIT_DIR: this.repository, GIT_WORK_TREE: this.folder }),
        ...Object.fromEntries(entries), GIT_CONFIG_COUNT: String(Object.keys(settings).length), GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", GIT_NO_LAZY_FETCH: "1",
      },
    });
  }
}

/**
 * Opens the repository of a folder. Where its owner keeps others out, git refuses, although it may read everything: it
 * asks with `access`, which does not count that right. Then it gets a copy.
 *
 * @param aside folder that may be written, for the copy
 * @returns git, or why the repository cannot be in the backup, in words for the owner
 */
export async function openRepository(folder: string, aside: string, signal: AbortSignal): Promise<Git | string> {
  const own = path.join(folder, ".git");
  const entry = await fs.lstat(own).catch(() => undefined);
  if (!entry) return "there is no .git: the folder is no clone, and only its .trading and Pulumi files are in the backup";
  if (entry.isFile()) return "it is a linked worktree, whose repository lies in another folder: back up the main clone, only .trading and Pulumi files of this one are in the backup";
  const git = new Git(folder, signal);
  if ((await git.maybe("rev-parse", "--git-dir")) !== undefined && (await git.maybe("for-each-ref")) !== undefined) return git;
  // What refers to objects first: those that are referred to are there by then.
  const objects = path.join(own, "objects");
  await fs.cp(own, aside, { recursive: true, filter: (file) => file !== objects && !file.endsWith(".lock") });
  await fs.cp(objects, path.join(aside, "objects"), { recursive: true, filter: (file) => !path.basename(file).startsWith("tmp_") });
  const copy = new Git(folder, signal, aside);
  await copy.text("rev-parse", "--git-dir");
  return copy;
}

/** @throws ToolFailure */
export async function repositoryFacts(git: Git): Promise<RepositoryFacts> {
  const head = (await git.maybe("rev-parse", "--verify", "--quiet", "HEAD")) ?? null;
  const branch = (await git.maybe("symbolic-ref", "--quiet", "--short", "HEAD")) ?? null;
  if ((await git.text("remote")) === "") return { head, branch, unpushedCommits: null, oldestUnpushedAt: null };
  const tips = ["--branches", ...(head === null ? [] : ["HEAD"])];
  const times = await git.text("log", "--format=%ct", ...tips, "--not", "--remotes");
  return { head, branch, ...unpushed(times) };
}

/** @param times epoch seconds of the commits, a line each */
export function unpushed(times: string): Pick<RepositoryFacts, "unpushedCommits" | "oldestUnpushedAt"> {
  const seconds = times.split("\n").filter((line) => line !== "").map(Number);
  if (seconds.length === 0) return { unpushedCommits: 0, oldestUnpushedAt: null };
  return { unpushedCommits: seconds.length, oldestUnpushedAt: new Date(seconds.reduce((oldest, each) => Math.min(oldest, each)) * 1000).toISOString() };
}

/**
 * Writes all refs and their history into one file, and proves it by cloning from that file.
 *
 * @param file in a folder that may be written; `<file>.clone` is used meanwhile
 * @returns false where there is no commit yet
 */
export async function makeBundle(git: Git, file: string, signal: AbortSignal): Promise<boolean> {
  const refs = await git.text("for-each-ref", "--format=%(refname)");
  const head = await git.maybe("rev-parse", "--verify", "--quiet", "HEAD");
  if (refs === "" && head === undefined) return false;
  if ((await git.text("rev-parse", "--is-shallow-repository")) === "true") throw new Error("the clone is shallow, so that it cannot be brought back from a bundle: run `git fetch --unshallow`");
  await git.text("bundle", "create", "--quiet", file, "--all", "HEAD");
  await git.text("bundle", "verify", "--quiet", file);
  const clone = `${file}.clone`;
  await fs.rm(clone, { recursive: true, force: true });
  try {
    await git.text("clone", "--quiet", "--mirror", file, clone);
    const promised = refLines(await git.text("bundle", "list-heads", file)).filter((line) => !line.endsWith(" HEAD"));
    const came = refLines(await new Git(clone, signal).text("for-each-ref", "--format=%(objectname) %(refname)"));
    const lost = promised.filter((line) => !came.includes(line));
    if (lost.length > 0) throw new Error(`the bundle of the repository does not give back ${lost.slice(0, 3).join(", ")}`);
  } finally {
    await fs.rm(clone, { recursive: true, force: true });
  }
  return true;
}

function refLines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
