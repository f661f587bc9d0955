import { spawn } from "node:child_process";
import { failure } from "../errors";

export interface ProgramOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly folder: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Told of each piece of either output as it comes. */
  readonly onText?: ((text: string) => void) | undefined;
  /** Interrupts the program, which may take its time to end; without it, a signal reaches it as the terminal sends it. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end, without a shell. */
export function runProgram(program: string, words: readonly string[], options: ProgramOptions): Promise<ProgramOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd: options.folder, env: options.environment ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    const { onText } = options;
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      stdout += piece;
      onText?.(piece);
    });
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      stderr += piece;
      onText?.(piece);
    });
    options.signal?.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
    child.on("error", (error: NodeJS.ErrnoException) => reject(failure(error.code === "ENOENT" ? `there is no program ${program}: npm start -- --check` : `${program}: ${error.message}`)));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
