import { haltCommand } from "./commands/halt";
import type { Context } from "./context";
import { runCommands } from "./frame";

/** Options of the program that take a value, which may stand before the command. */
const TAKE_VALUE: ReadonlySet<string> = new Set(["--stack"]);

/** Whether a command line is a halt: it is run by a program of its own, which has nothing to load that a halt does not need. */
export function isHalt(argv: readonly string[]): boolean {
  let index = 0;
  while (argv[index]?.startsWith("-") === true) index += TAKE_VALUE.has(argv[index]!) ? 2 : 1;
  return argv[index] === "halt";
}

/** Runs a command line that is a halt. */
export function runHalt(argv: readonly string[], context: Context): Promise<number> {
  return runCommands(argv, context, (given, wrap) => [haltCommand(given, wrap)]);
}
