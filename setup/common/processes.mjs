import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import fs from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readIfThere, replaceFile } from "./files.mjs";
import { processIdentity } from "./identity.mjs";

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {Record<string, string | undefined>} [env] the whole environment; that of this process where it is left out
 * @property {string} [input] what the program reads on its standard input
 * @property {number} [timeout] milliseconds after which the program is ended
 * @property {number} [silence] milliseconds without any output, from the start on, after which the program is ended
 * @property {(line: string) => void} [onLine] gets every line of both outputs
 * @property {string} [log] file that gets both outputs
 * @property {boolean} [long] the program is remembered, so that a later run ends it when this one was killed
 */

/**
 * @typedef {object} Result
 * @property {number | null} code null when a signal ended the program or it could not be started
 * @property {string} stdout
 * @property {string} stderr
 * @property {boolean} missing there is no such program
 * @property {boolean} timedOut
 */

const windows = process.platform === "win32";

/**
 * Milliseconds a program gets to end by itself. One that is interrupted, which is Pulumi, finishes what it is doing to the
 * containers; what others were doing is done again anyway.
 *
 * @param {NodeJS.Signals} ending
 */
const patience = (ending) => (ending === "SIGINT" ? 180_000 : 5_000);

/** Starts programs, and sees to it that none of them outlives an interrupted set-up. */
export class Processes {
  /** @type {Map<number, { kill: (signal: NodeJS.Signals) => void, closed: Promise<unknown>, ending: NodeJS.Signals, onTerminal: boolean }>} */
  #running = new Map();
  #ending = false;

  /** @param {{ recordFolder: string, environment?: () => Record<string, string | undefined> }} settings */
  constructor({ recordFolder, environment = () => process.env }) {
    this.recordFolder = recordFolder;
    this.environment = environment;
  }

  /**
   * Runs a program to its end and collects what it prints. Never rejects because of the program.
   *
   * @param {string} command
   * @param {readonly string[]} args
   * @param {RunOptions} [options]
   * @returns {Promise<Result>}
   */
  async run(command, args, options = {}) {
    if (this.#ending) return { code: null, stdout: "", stderr: "interrupted", missing: false, timedOut: false };
    if (options.log) mkdirSync(path.dirname(options.log), { recursive: true });
    const log = options.log ? createWriteStream(options.log) : undefined;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? this.environment(),
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      // A group of its own: one signal reaches the program and everything it started, and Ctrl-C does not get there before us.
      detached: !windows,
      windowsHide: true,
    });
    /** @type {Result} */
    const result = { code: null, stdout: "", stderr: "", missing: false, timedOut: false };
    const stop = () => {
      result.timedOut = true;
      killTree(child.pid, "SIGKILL");
    };
    const timers = [options.timeout !== undefined && setTimeout(stop, options.timeout)];
    let silence = options.silence !== undefined ? setTimeout(stop, options.silence) : undefined;
    for (const stream of /** @type {const} */ (["stdout", "stderr"])) {
      let partial = "";
      const source = /** @type {import("node:stream").Readable} */ (child[stream]);
      source.setEncoding("utf8");
      source.on("data", (/** @type {string} */ text) => {
        if (silence) silence = (clearTimeout(silence), setTimeout(stop, options.silence));
        log?.write(text);
        result[stream] += text;
        if (!options.onLine) return;
        const lines = (partial + text).split(/\r\n|\n|\r/);
        partial = lines.pop() ?? "";
        for (const line of lines) if (line.trim() !== "") options.onLine(line);
      });
      source.on("end", () => partial.trim() !== "" && options.onLine?.(partial));
    }
    const closed = new Promise((resolve) => {
      child.on("error", (error) => {
        result.missing = /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT";
        result.stderr += error.message;
        if (child.pid === undefined) resolve(undefined);
      });
      child.on("close", (code) => {
        result.code = code;
        resolve(undefined);
      });
    });
    const forget = await this.#remember(child.pid, closed, command, args, "SIGTERM", options.long ?? false);
    if (options.input !== undefined) {
      // A program that ends before it has read everything says why with its exit code.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(options.input);
    }
    await closed;
    for (const timer of timers) if (timer) clearTimeout(timer);
    clearTimeout(silence);
    await forget();
    await new Promise((resolve) => (log ? log.end(() => resolve(undefined)) : resolve(undefined)));
    return result;
  }

  /**
   * Runs a program on this terminal. Its interrupt is the polite one: Pulumi finishes what it is doing and saves.
   *
   * @param {string} command
   * @param {readonly string[]} args
   * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
   * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, missing: boolean }>}
   */
  async runOnTerminal(command, args, options = {}) {
    if (this.#ending) return { code: null, signal: "SIGINT", missing: false };
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? this.environment(), stdio: "inherit" });
    let missing = false;
    const closed = new Promise((resolve) => {
      child.on("error", (error) => {
        missing = /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT";
        if (child.pid === undefined) resolve([null, null]);
      });
      child.on("close", (code, signal) => resolve([code, signal]));
    });
    const forget = await this.#remember(child.pid, closed, command, args, "SIGINT", true, child);
    const [code, signal] = /** @type {[number | null, NodeJS.Signals | null]} */ (await closed);
    await forget();
    return { code, signal, missing };
  }

  /**
   * @param {number | undefined} pid
   * @param {Promise<unknown>} closed
   * @param {string} command
   * @param {readonly string[]} args
   * @param {NodeJS.Signals} ending
   * @param {boolean} long
   * @param {import("node:child_process").ChildProcess} [onTerminal]
   */
  async #remember(pid, closed, command, args, ending, long, onTerminal) {
    if (pid === undefined) return async () => undefined;
    const kill = (/** @type {NodeJS.Signals} */ signal) => void (onTerminal ? onTerminal.kill(signal) : killTree(pid, signal));
    this.#running.set(pid, { kill, closed, ending, onTerminal: onTerminal !== undefined });
    const record = path.join(this.recordFolder, `child-${pid}.json`);
    if (long) {
      const identity = await processIdentity(pid);
      if (identity) await replaceFile(record, JSON.stringify({ pid, identity, ending, group: !onTerminal, command: [path.basename(command), ...args.slice(0, 2)].join(" ") }));
    }
    return async () => {
      this.#running.delete(pid);
      if (long) await fs.rm(record, { force: true });
    };
  }

  /**
   * Ends everything that runs, politely first; nothing more is started.
   *
   * @param {{ byTerminal?: boolean }} [cause] `byTerminal`: Ctrl-C, which what runs on the terminal got without us; a
   *   second one would make Pulumi end at once
   */
  async endAll({ byTerminal = false } = {}) {
    this.#ending = true;
    await Promise.all(
      [...this.#running.values()].map(async (child) => {
        if (!(byTerminal && child.onTerminal)) child.kill(child.ending);
        const ended = await Promise.race([child.closed.then(() => true), delay(patience(child.ending), false, { ref: false })]);
        if (!ended) child.kill("SIGKILL");
        await child.closed;
      }),
    );
  }

  /**
   * Ends what a killed set-up left running, so that it does not work on the same files as this one.
   *
   * @param {(line: string) => void} report
   */
  async endLeftovers(report) {
    const names = await fs.readdir(this.recordFolder).catch(() => []);
    for (const name of names.filter((file) => /^child-\d+\.json$/.test(file))) {
      const file = path.join(this.recordFolder, name);
      const record = JSON.parse((await readIfThere(file)) ?? "{}");
      const alive = async () => record.pid !== undefined && (await processIdentity(record.pid)) === record.identity;
      if (await alive()) {
        report(`ending what an interrupted run left: ${record.command} (process ${record.pid})`);
        // Windows has no polite way to interrupt a program of another console: it is left to finish its work.
        if (!windows) signalProcess(record.group ? -record.pid : record.pid, record.ending);
        const deadline = Date.now() + patience(windows ? "SIGINT" : record.ending);
        while ((await alive()) && Date.now() < deadline) await delay(250);
        if (await alive()) killTree(record.pid, "SIGKILL", record.group);
        while (await alive()) await delay(100);
      }
      await fs.rm(file, { force: true });
    }
  }
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalProcess(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") throw error;
  }
}

/** @param {number | undefined} pid @param {NodeJS.Signals} signal @param {boolean} [group] */
function killTree(pid, signal, group = true) {
  if (pid === undefined) return;
  if (windows) spawn("taskkill.exe", ["/PID", String(pid), "/T", "/F"], { stdio: "ignore", windowsHide: true });
  else signalProcess(group ? -pid : pid, signal);
}

/** The last lines a program printed, for a message. @param {Result} result @param {number} [count] */
export function lastLines(result, count = 12) {
  const text = `${result.stdout}\n${result.stderr}`;
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
}
