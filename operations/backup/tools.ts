import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { LABELS } from "../../config/names";
import { failure, usage } from "../errors";
import { docker } from "./docker";
import { recoverContainerName, TOOLS, toolArguments, toolContainerName, type ToolName, type ToolSite } from "./toolContainer";
import { LineReader, toolMessage, type ToolProgress, type ToolResult } from "./toolMessages";

export interface ToolOptions {
  /** Whether the second copy is read. */
  readonly second?: boolean;
  readonly onProgress?: (progress: ToolProgress) => void;
  /** Read to its end by the tool. */
  readonly input?: Readable;
  /** Takes the tool's standard output, where that is data: its progress and its result come on the error output then. */
  readonly output?: Writable;
}

/** The right to change backups and data, as long as the tool that holds it lives. */
export interface Hold {
  /** @throws when it was lost */
  check(): void;
  release(): Promise<void>;
}

/** Runs tools of the backup image. Tests put their own in its place. */
export interface Tools {
  /**
   * Runs a tool to its end.
   *
   * @returns its result
   * @throws {CommandError} with the tool's own words
   */
  run(site: ToolSite, tool: ToolName, request: object, options?: ToolOptions): Promise<ToolResult>;
  /**
   * Takes the mutex of everything that changes backups or data, when a job that runs has ended. It is free again when this
   * process ends, however it ends.
   *
   * @param holder words for whoever finds it held, for example "restore"
   */
  hold(site: ToolSite, holder: string, onProgress: (progress: ToolProgress) => void): Promise<Hold>;
  /** Ends the tools of a stack that a command which was killed left running. */
  endLeftOvers(stack: string): Promise<void>;
}

/** How long a job that runs is waited for. */
const HOLD_SECONDS = 3600;

/** Lines of a tool's error output that are shown when it ended without a word of its own. */
const LAST_LINES = 8;

export function dockerTools(): Tools {
  return { run: runTool, hold, endLeftOvers };
}

interface Started {
  readonly child: ChildProcess;
  /** How it ended: result, or why not. */
  readonly ended: Promise<ToolResult>;
}

async function runTool(site: ToolSite, tool: ToolName, request: object, options: ToolOptions = {}): Promise<ToolResult> {
  const { child, ended } = start(site, tool, request, options);
  if (options.input === undefined) {
    // Held open: a tool that watches its input then ends with this process.
    return await ended.finally(() => child.stdin?.destroy());
  }
  const sent = pipeline(options.input, child.stdin!);
  // A tool that ends early says itself why; what it did not read is no second failure.
  const [outcome] = await Promise.allSettled([ended, sent]);
  if (outcome.status === "rejected") throw outcome.reason;
  await sent;
  return outcome.value;
}

function start(site: ToolSite, tool: ToolName, request: object, { second = false, onProgress, output }: ToolOptions, onHeld?: () => void): Started {
  const child = spawn("docker", toolArguments(site, tool, request, second), { stdio: ["pipe", "pipe", "pipe"] });
  let result: ToolResult | undefined;
  let problem: string | undefined;
  const tail: string[] = [];
  const take = (line: string) => {
    const said = toolMessage(line);
    if (said === undefined) {
      tail.push(line);
      if (tail.length > LAST_LINES) tail.shift();
    } else if (said.kind === "progress") onProgress?.(said);
    else if (said.kind === "error") problem = said.message;
    else if (said.kind === "held") onHeld?.();
    else {
      const { kind: _kind, ...rest } = said;
      result = rest;
    }
  };
  const ended = new Promise<ToolResult>((resolve, reject) => {
    const readers = [child.stderr!, ...(output === undefined ? [child.stdout!] : [])].map((stream) => {
      const reader = new LineReader(take);
      stream.setEncoding("utf8").on("data", (piece: string) => reader.add(piece));
      return reader;
    });
    const written = output === undefined ? Promise.resolve() : pipeline(child.stdout!, output);
    // Whoever takes the output says what was wrong with it.
    written.catch((error: Error) => {
      problem ??= error.message;
      child.kill();
    });
    child.stdin!.on("error", () => undefined);
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(failure(error.code === "ENOENT" ? "there is no docker command: run `npm start -- --check`" : `docker: ${error.message}`)),
    );
    child.on("close", (code) => {
      for (const reader of readers) reader.end();
      if (code === 0 && problem === undefined && (result !== undefined || output !== undefined)) {
        written.then(() => resolve(result ?? {}), (error: Error) => reject(failure(`${tool}: ${error.message}`)));
        return;
      }
      const words = problem ?? (tail.join("; ") || `ended with exit code ${code ?? "none"} and without a result`);
      reject(code === 2 ? usage(words) : failure(`${tool}: ${words}`));
    });
  });
  return { child, ended };
}

async function hold(site: ToolSite, holder: string, onProgress: (progress: ToolProgress) => void): Promise<Hold> {
  let isHeld: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (isHeld = resolve));
  const { child, ended } = start(site, "hold", { holder, waitSeconds: HOLD_SECONDS }, { onProgress }, () => isHeld());
  let lost: string | undefined;
  let released = false;
  const over = ended.then(
    () => void (lost ??= "it ended"),
    (error: Error) => {
      lost ??= error.message;
      if (!released) throw error;
    },
  );
  over.catch(() => undefined);
  await Promise.race([held, over]);
  if (lost !== undefined) throw failure(`the backups could not be taken hold of: ${lost}`);
  return {
    check: () => {
      if (lost !== undefined) throw failure(`the hold on the backups was lost (${lost}): run the command again`);
    },
    release: async () => {
      released = true;
      child.stdin!.end();
      await over;
    },
  };
}

/** Tools of a restore that is under way; the one that holds the mutex ends by itself with whoever started it. */
const OF_A_RESTORE = TOOLS.filter((tool) => ["fetch", "dump-clone", "load-image"].includes(tool) || /^(restore|swap|unswap|discard)-/.test(tool));

/** The container of a tool outlives the client that was killed. */
async function endLeftOvers(stack: string): Promise<void> {
  const names = new Set([...OF_A_RESTORE.map((tool) => toolContainerName(stack, tool)), recoverContainerName(stack)]);
  const { stdout } = await docker(["ps", "--all", "--format", "{{.Names}}", "--filter", `label=${LABELS.stack}=${stack}`]);
  const left = stdout.split("\n").filter((name) => names.has(name));
  if (left.length > 0) await docker(["rm", "--force", ...left]);
}
