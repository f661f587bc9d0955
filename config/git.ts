import { execFile } from "node:child_process";

/** How a git command ended; no exit code where there is no such command, or it took too long. */
export interface GitOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LONGEST_MILLISECONDS = 60_000;

/**
 * Runs git in a folder. It asks nobody: not for a password, and not for a message.
 *
 * @param environment what it gets beside the process's own, such as an index of its own
 */
export function git(root: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<GitOutcome> {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: LONGEST_MILLISECONDS, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...environment, GIT_TERMINAL_PROMPT: "0", GIT_EDITOR: "true", LC_ALL: "C" } };
    execFile("git", [...words], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ code, stdout, stderr: stderr || (error?.message ?? "") });
    });
  });
}
