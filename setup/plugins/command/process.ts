import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { messageOf } from "../provider/errors";
import { Context } from "../provider/provider";

/** Where lines of the command are shown while it runs. */
export type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none";

export interface Execution {
  command: string;
  interpreter?: string[] | undefined;
  dir?: string | undefined;
  environment?: Record<string, string> | undefined;
  stdin?: string | undefined;
  logging?: Logging | undefined;
}

export interface Output {
  stdout: string;
  stderr: string;
}

/** Passes whole lines on and keeps the rest until it is complete. */
function lines(show: (line: string) => void): { add(text: string): void; end(): void } {
  let rest = "";
  return {
    add(text) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      parts.forEach(show);
    },
    end() {
      if (rest !== "") show(rest);
    },
  };
}

function withoutNewline(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** Node names the program in either case; what is missing may as well be the folder. */
function startProblem(error: NodeJS.ErrnoException, program: string, dir: string | undefined): string {
  if (error.code !== "ENOENT") return messageOf(error);
  return `${dir !== undefined && !existsSync(dir) ? `chdir ${dir}` : `fork/exec ${program}`}: no such file or directory`;
}

/** Runs the command with the plugin's own environment and `environment` on top; rejects when it fails. */
export async function execute(execution: Execution, context: Context, urn?: string): Promise<Output> {
  const { command, dir, environment, stdin, logging = "stdoutAndStderr" } = execution;
  const interpreter = execution.interpreter?.length ? execution.interpreter : ["/bin/sh", "-c"];
  const [program = "/bin/sh", ...programArguments] = [...interpreter, command];
  const logger = (name: Logging) => lines((line) => {
    if (line !== "" && (logging === name || logging === "stdoutAndStderr")) context.log("info", line, urn);
  });
  const shown = { stdout: logger("stdout"), stderr: logger("stderr") };
  const texts = { stdout: "", stderr: "", both: "" };
  const problem = await new Promise<string | undefined>((resolve) => {
    const child = spawn(program, programArguments, { cwd: dir, env: { ...process.env, ...environment }, detached: true });
    const stop = (): void => {
      // A negative id reaches what the shell has started as well.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
    };
    context.signal.addEventListener("abort", stop, { once: true });
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
        texts.both += text;
        shown[name].add(text);
      });
    }
    child.stdin.on("error", () => undefined).end(stdin ?? "");
    child.on("error", (error) => resolve(startProblem(error, program, dir)));
    child.on("close", (code, signal) => {
      context.signal.removeEventListener("abort", stop);
      shown.stdout.end();
      shown.stderr.end();
      resolve(code === 0 ? undefined : signal ? `signal: ${signal}` : `exit status ${code}`);
    });
  });
  if (problem !== undefined) throw new Error(`${problem}: running "${command}":\n${texts.both}`);
  return { stdout: withoutNewline(texts.stdout), stderr: withoutNewline(texts.stderr) };
}
