import { spawn, type ChildProcess } from "node:child_process";
import * as path from "node:path";

const PROJECT = path.join(__dirname, "..", "..");

/** Runs TypeScript of the project in a process of its own. */
export function inProcess(script: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, ["--require", "tsx/cjs", "--eval", script, ...args], { cwd: PROJECT, stdio: ["ignore", "pipe", "pipe"] });
}

export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on("close", resolve));
}

/** Waits for the first thing a process says. */
export function said(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout!.once("data", (chunk: Buffer) => resolve(String(chunk))));
}
