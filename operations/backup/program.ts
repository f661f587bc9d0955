import { spawn } from "node:child_process";
import { failure } from "../errors";

export interface ProgramOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, without a shell. */
export function runProgram(program: string, words: readonly string[], options: { readonly folder: string; readonly environment?: NodeJS.ProcessEnv }): Promise<ProgramOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd: options.folder, env: options.environment ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (stdout += piece));
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (stderr += piece));
    child.on("error", (error: NodeJS.ErrnoException) => reject(failure(error.code === "ENOENT" ? `there is no program ${program}: npm start -- --check` : `${program}: ${error.message}`)));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
