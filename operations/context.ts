import * as readline from "node:readline/promises";
import type { Engine } from "./engine";
import { fetchPage, type PageStatus } from "./page";

/** What the commands have of the world; tests put their own in its place. */
export interface Context {
  /** Folder of the clone: where Pulumi.yaml and `.trading` are. */
  readonly root: string;
  write(text: string): void;
  writeError(text: string): void;
  /** Wall clock, epoch milliseconds. */
  now(): number;
  wait(milliseconds: number): Promise<void>;
  engine(): Engine;
  /** What the stack's page says, or undefined when it does not answer in time. */
  page(port: number, milliseconds?: number): Promise<PageStatus | undefined>;
  /** Asks the owner at the terminal; undefined when nobody sits there. */
  ask(question: string): Promise<string | undefined>;
  /** Says what is in force when the command is interrupted from here on; the newest text counts. */
  whenInterrupted(text: string): void;
}

export function productionContext(root: string): Context {
  let inForce = "nothing was changed";
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      process.stderr.write(`\nerror: interrupted; ${inForce}\n`);
      process.exit(1);
    });
  }
  return {
    root,
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    now: () => Date.now(),
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    // The client takes a while to load; a halt is placed before it is asked for.
    engine: () => (require("./engine") as typeof import("./engine")).connectEngine(),
    page: (port, milliseconds) => fetchPage(port, milliseconds),
    ask: async (question) => {
      if (!process.stdin.isTTY) return undefined;
      const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
      // readline takes Ctrl-C for itself: hand it on, so that it ends the command like everywhere else.
      terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
      try {
        return await terminal.question(question);
      } finally {
        terminal.close();
      }
    },
    whenInterrupted: (text) => {
      inForce = text;
    },
  };
}
