import { spawn, type ChildProcess } from "node:child_process";

export interface ProgramOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the programs of a review; none of them outlives it. */
export class Programs {
  private readonly running = new Set<ChildProcess>();
  private ended = false;

  constructor(private readonly environment: NodeJS.ProcessEnv) {}

  /** Runs a program to its end and collects what it prints; never rejects because of the program. */
  run(command: string, args: readonly string[], cwd: string, more: NodeJS.ProcessEnv = {}): Promise<ProgramOutcome> {
    if (this.ended) return Promise.resolve({ code: null, stdout: "", stderr: "interrupted" });
    return new Promise((resolve) => {
      const child = spawn(command, args, { cwd, env: { ...this.environment, ...more }, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
      this.running.add(child);
      const outcome = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"] as const) child[stream].setEncoding("utf8").on("data", (text: string) => (outcome[stream] += text));
      const done = (code: number | null) => {
        this.running.delete(child);
        resolve({ code, ...outcome });
      };
      child.on("error", (error) => {
        outcome.stderr += error.message;
        if (child.pid === undefined) done(null);
      });
      child.on("close", done);
    });
  }

  /** Ends what runs, as Ctrl-C does, and waits for it; nothing more is started. */
  async end(): Promise<void> {
    this.ended = true;
    await Promise.all([...this.running].map((child) => new Promise((resolve) => child.once("close", resolve).kill("SIGINT"))));
  }
}
