import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { standingStill } from "./standingStill";

/** Lines of what a program said on its error output that are kept for its failure. */
const tailLines = 20;
/** Characters of a line and of an output that are kept: what a program says must not fill our memory. */
const longestLine = 64 * 1024;
const longestOutput = 64 * 1024 * 1024;
const longestTail = 1024 * 1024;
/** A program that was asked to end has so long before it is ended. */
const graceMilliseconds = 10_000;

export interface RunOptions {
  /** What the program reads on its standard input; it has none unless this is given. A stream is read to its end. */
  readonly input?: string | Buffer | Readable;
  /** The program is ended, and has failed, after this long. */
  readonly timeoutSeconds: number;
  /** Exit codes that are no failure, 0 alone unless given. Every other one is, whether it is known or not. */
  readonly allowedCodes?: readonly number[];
  /** Ends the program, which has then failed. */
  readonly signal?: AbortSignal;
  /** Gets each line of standard output as it comes; what is returned of it is then only its last megabyte. */
  readonly onLine?: (line: string) => void;
  /** Gets each line of the error output as it comes. */
  readonly onErrorLine?: (line: string) => void;
  /** Takes the bytes of standard output, in place of what is returned; it is ended where all of it went well, destroyed where not. */
  readonly output?: Writable;
  /** Beside this process's own environment. No secrets: they are read from files. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** At most its last megabyte. */
  readonly stderr: string;
}

export type FailureReason = "exit" | "signal" | "timeout" | "aborted" | "start" | "input" | "output";

/** A program did not do what it was asked; the message is one that a person can read. */
export class ToolFailure extends Error {
  constructor(
    /** The program and its first word, for example `pgbackrest backup`. */
    readonly program: string,
    readonly reason: FailureReason,
    what: string,
    /** Null where the program has none. */
    readonly code: number | null,
    /** The last lines of its error output. */
    readonly lines: readonly string[],
  ) {
    super(`${program} ${what}${lines.length === 0 ? "" : `: ${lines.join(" | ")}`}`);
    this.name = "ToolFailure";
  }
}

/**
 * Runs a program to its end, without a shell. It and what it started are ended together, and stand still while bots decide.
 *
 * @throws ToolFailure when it could not be started, ended by a signal, with an exit code that is not allowed, too late, or
 * after the caller gave up; or when its input or output could not be passed on
 */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { timeoutSeconds, allowedCodes = [0], signal, onLine, onErrorLine, output } = options;
  const name = [program, args.find((word) => !word.startsWith("-"))].filter(Boolean).join(" ").slice(0, 80);
  if (signal?.aborted) return Promise.reject(new ToolFailure(name, "aborted", "was not started: the caller gave up", null, []));

  return new Promise<Outcome>((resolve, reject) => {
    const stdout = new Lines(onLine ? longestTail : longestOutput, onLine);
    const stderr = new Lines(longestTail, onErrorLine);
    const child = spawn(program, args, {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      // A group of its own, so that what the program started can be ended with it.
      detached: true,
      env: { ...process.env, ...options.environment },
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
    });

    if (child.pid !== undefined) standingStill.began(child.pid);

    let given: { reason: FailureReason; what: string } | undefined;
    let lastResort: NodeJS.Timeout | undefined;
    const endWith = (how: NodeJS.Signals) => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, how);
      } catch {
        // It has ended meanwhile.
      }
    };
    const giveUp = (reason: FailureReason, what: string) => {
      if (given) return;
      given = { reason, what };
      endWith("SIGTERM");
      if (child.pid !== undefined) standingStill.ended(child.pid);
      lastResort = setTimeout(() => endWith("SIGKILL"), graceMilliseconds);
    };
    const onAbort = () => giveUp("aborted", "was ended: the caller gave up");
    signal?.addEventListener("abort", onAbort, { once: true });
    const limit = setTimeout(() => giveUp("timeout", `was ended: it took longer than ${timeoutSeconds} s`), timeoutSeconds * 1000);

    child.stderr!.on("data", (chunk: Buffer) => stderr.add(chunk));
    const passed = output === undefined ? collect(child.stdout!, stdout, () => giveUp("output", `was ended: it wrote more than ${longestOutput / 1024 / 1024} MB`)) : pipeline(child.stdout!, output);
    passed.catch((error: Error) => giveUp("output", `was ended: its output could not be passed on (${error.message})`));
    if (child.stdin) feed(child.stdin, options.input!, (error) => giveUp("input", `was ended: its input could not be read (${error.message})`));

    const settle = () => {
      clearTimeout(limit);
      clearTimeout(lastResort);
      signal?.removeEventListener("abort", onAbort);
    };
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      settle();
      output?.destroy();
      reject(new ToolFailure(name, "start", `could not be started (${error.code === "ENOENT" ? "no such program" : error.message})`, null, []));
    });
    child.on("close", (code, killedBy) => {
      if (child.pid !== undefined) standingStill.ended(child.pid);
      settle();
      stdout.end();
      stderr.end();
      const fail = (reason: FailureReason, what: string) => reject(new ToolFailure(name, reason, what, code, stderr.tail()));
      if (given) fail(given.reason, given.what);
      else if (code === null) fail("signal", `was ended by ${killedBy ?? "a signal"}`);
      else if (!allowedCodes.includes(code)) fail("exit", `failed with exit code ${code}`);
      else {
        // The last bytes may still be on their way into a slow output.
        passed.then(
          () => resolve({ code, stdout: stdout.text(), stderr: stderr.text() }),
          (error: Error) => fail("output", `did well, but its output could not be passed on (${error.message})`),
        );
      }
    });
  });
}

function feed(stdin: Writable, input: string | Buffer | Readable, failed: (error: Error) => void): void {
  // A program that ends before it has read everything closes its input; its exit code says whether that was right.
  stdin.on("error", () => undefined);
  if (typeof input === "string" || Buffer.isBuffer(input)) {
    stdin.end(input);
    return;
  }
  // An input that breaks off must not look like one that has ended: the program is ended, not given an end of file.
  input.on("error", failed);
  input.pipe(stdin);
}

function collect(stream: Readable, lines: Lines, tooLong: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => {
      if (!lines.add(chunk)) tooLong();
    });
    stream.on("error", reject);
    stream.on("close", resolve);
  });
}

/** What a program says, as text and as lines. */
class Lines {
  private readonly decoder = new StringDecoder("utf8");
  private readonly kept: string[] = [];
  private length = 0;
  private unfinished = "";

  constructor(
    private readonly most: number,
    private readonly onLine: ((line: string) => void) | undefined,
  ) {}

  /** @returns false when there was more than is kept, and something of it has gone */
  add(chunk: Buffer): boolean {
    const text = this.decoder.write(chunk);
    this.kept.push(text);
    this.length += text.length;
    let whole = true;
    while (this.length > this.most && this.kept.length > 1) {
      this.length -= this.kept.shift()!.length;
      whole = false;
    }
    if (this.onLine) {
      const parts = (this.unfinished + text).split("\n");
      this.unfinished = parts.pop()!.slice(0, longestLine);
      for (const line of parts) this.onLine(line.replace(/\r$/, ""));
    }
    return whole || this.onLine !== undefined || this.most < longestOutput;
  }

  end(): void {
    if (this.onLine && this.unfinished !== "") this.onLine(this.unfinished);
    this.unfinished = "";
  }

  text(): string {
    return this.kept.join("");
  }

  tail(): string[] {
    return this.text()
      .split("\n")
      .map((line) => line.trimEnd().slice(0, 1000))
      .filter((line) => line !== "")
      .slice(-tailLines);
  }
}
