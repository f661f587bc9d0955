import { writeSync } from "node:fs";
import type { z } from "zod";
import { SettingsError } from "../shared/settings";
import { describeProblems } from "../shared/settingsProblems";
import type { Progress } from "./progress";
import { tools } from "./tools";

/** What a tool is given beside its request. */
export interface ToolRun {
  readonly progress: (progress: Progress) => void;
  /** Aborted when the container is stopped. */
  readonly signal: AbortSignal;
  /** Prints a line of its own kind, for example `held`. */
  readonly say: (line: { readonly kind: string }) => void;
}

/**
 * One thing that the owner's commands have done in a container. A request holds no secrets: it is an argument, which
 * everybody on the machine may read.
 */
export interface Tool<Request = unknown> {
  readonly request: z.ZodType<Request>;
  /** Standard output is the tool's own, for example an archive: progress and outcome go to the error output then. */
  readonly streams?: boolean;
  /** @returns what the result line holds @throws with words for the owner */
  readonly run: (request: Request, context: ToolRun) => Promise<object>;
}

/** A tool whose request has the type that its schema says. */
export function tool<Request>(definition: Tool<Request>): Tool {
  return definition as unknown as Tool;
}

/** A request that no tool can do; exit code 2. */
export class WrongRequest extends Error {
  override readonly name = "WrongRequest";
}

/**
 * Runs a tool to its end: lines of progress, and as the last one its result or its error.
 * @returns the exit code: 0 done, 1 failed, 2 wrong request
 */
export async function runTool(name: string, text: string): Promise<number> {
  const found = Object.hasOwn(tools, name) ? tools[name] : undefined;
  const write = (line: object) => writeLine(found?.streams === true ? 2 : 1, line);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  // Whoever read our words has gone: nobody waits for the outcome, and the work is left so that it can be begun anew.
  process.stdout.on("error", () => stop.abort(new Error("nobody reads what is printed")));
  try {
    if (found === undefined) throw new WrongRequest(`tool: "${name}" - allowed: ${Object.keys(tools).join(", ")}`);
    const request = parseRequest(found, text);
    const result = await found.run(request, { progress: (progress) => write({ kind: "progress", ...progress }), signal: stop.signal, say: write });
    write({ kind: "result", ...result });
    return 0;
  } catch (error) {
    const message = stop.signal.aborted ? (stop.signal.reason as Error).message : error instanceof Error ? error.message : String(error);
    write({ kind: "error", message });
    return error instanceof WrongRequest || error instanceof SettingsError ? 2 : 1;
  }
}

function parseRequest(found: Tool, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WrongRequest(`request: no valid JSON (${(error as Error).message}) - allowed: a JSON object`);
  }
  const parsed = found.request.safeParse(value, { reportInput: true });
  if (!parsed.success) throw new WrongRequest(describeProblems(found.request, value, parsed.error, "request").join("; "));
  return parsed.data;
}

/** Written at once: the process may end right after it. A reader who has gone is no error. */
function writeLine(descriptor: 1 | 2, line: object): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return;
      // A pipe whose reader is slow is full for a moment.
      if (code !== "EAGAIN") throw error;
    }
  }
}
