import { Command, type CommanderError } from "commander";
import type { GlobalOptions, Wrap } from "./command";
import type { Context } from "./context";
import { CommandError, EXIT } from "./errors";

/**
 * Commands that put what containers produced for the repository into Git when they are done; containers cannot. Those that
 * change something of the backups, and the one that is run every day; `tend` does it as a part of its work.
 */
const COLLECTING: ReadonlySet<string> = new Set(["backup", "restore", "restore-test", "status"]);

/** Commands that write the files of incidents when they are done; `tend` does it as a part of its work. */
const INCIDENT_KEEPING: ReadonlySet<string> = new Set(["halt", "rearm", "status"]);

/** Commands whose exit code 2 is an answer: for these a wrong command line is a failure like any other. */
const TWO_IS_AN_ANSWER: ReadonlySet<string> = new Set(["drift"]);

/** Commands that make a release stable when it has soaked; `releases` and `tend` do it as a part of their work. */
const SETTLING: ReadonlySet<string> = new Set(["backup", "evidence", "status"]);

interface Program {
  readonly command: Command;
  exitCode(): number;
}

/** Makes the commands of a program; every command is in a file of its own under `commands/`. */
export type Commands = (context: Context, wrap: Wrap) => readonly Command[];

/** The commander program of `npx trading` around its commands. */
function buildProgram(context: Context, make: Commands): Program {
  let exitCode: number = EXIT.ok;
  const wrap: Wrap = (action) => async (...all) => {
    const command = all.at(-1) as Command;
    const options = command.optsWithGlobals<GlobalOptions>();
    const outcome = await action(command.optsWithGlobals(), ...(all.slice(0, -2) as (string | undefined)[]));
    exitCode = outcome.exitCode;
    // First of all: nobody waits for what is done beside, nor for the loading of it.
    context.write(command.optsWithGlobals<GlobalOptions>().json === true ? jsonText(outcome.document) : outcome.text);
    const incidents = INCIDENT_KEEPING.has(command.name()) ? await (require("./incidents/incidentFiles") as typeof import("./incidents/incidentFiles")).incidentFilesText(context.root, options.stack, context.now()) : null;
    if (incidents !== null) context.writeError(`${incidents}\n`);
    const collected = COLLECTING.has(command.name()) ? await (require("./collect") as typeof import("./collect")).collectOutbox(context, options.stack) : null;
    if (collected !== null) context.writeError(`${collected}\n`);
    const settled = SETTLING.has(command.name()) ? await (require("./releases/settle") as typeof import("./releases/settle")).settleAfterCommand(context, options.stack) : null;
    if (settled !== null) context.writeError(`${settled}\n`);
  };

  const program = new Command("trading")
    .description("The owner's commands for the trading stacks of this folder")
    .option("--stack <name>", "stack to work on", "paper")
    .option("--json", "print one JSON document instead of text")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", "\nExit codes: 0 done and healthy, 1 failed or not healthy, 2 wrong command line or input.");

  for (const command of make(context, wrap)) program.addCommand(command);
  for (const command of withDescendants(program)) {
    command
      .helpCommand(false)
      .exitOverride((error) => {
        throw new WrongCommandLine(error, command);
      })
      .configureHelp({ showGlobalOptions: true })
      .configureOutput({
        writeOut: (text) => context.write(text),
        writeErr: (text) => context.writeError(text),
        // The error is told by run(), in one line, with the exit code of a wrong command line.
        outputError: () => undefined,
      });
  }
  return { command: program, exitCode: () => exitCode };
}

/** An error of the parser, with the command whose words it could not take. */
class WrongCommandLine extends Error {
  constructor(
    readonly parser: CommanderError,
    readonly command: Command,
  ) {
    super(parser.message);
  }

  /** One line: what is wrong, and what is allowed in its place. */
  describe(program: Command): string {
    const wrong = this.parser.message.replace(/^error: /, "").replace(/\n/g, " ");
    const { code } = this.parser;
    const words = (commands: readonly Command[]) => commands.map((child) => child.name()).join(", ");
    if (code === "commander.unknownCommand") return `${wrong}; allowed: ${words(this.command.commands)}`;
    if (code === "commander.unknownOption") {
      const options = [...this.command.options, ...(this.command === program ? [] : program.options)];
      return `${wrong}; allowed: ${options.map((option) => option.long ?? option.flags).join(", ")}, --help`;
    }
    if (code === "commander.excessArguments") return `${wrong.replace(/\.$/, "")}; allowed: ${this.command.usage()}`;
    return wrong;
  }
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => withDescendants(child as Command))];
}

/**
 * Runs one command line.
 *
 * @param argv the words after `npx trading`
 * @returns the exit code; errors have been told in one line on standard error
 */
export async function runCommands(argv: readonly string[], context: Context, make: Commands): Promise<number> {
  const { command, exitCode } = buildProgram(context, make);
  const json = argv.includes("--json");
  try {
    await command.parseAsync([...argv], { from: "user" });
    return exitCode();
  } catch (error) {
    if (error instanceof WrongCommandLine) {
      if (error.parser.exitCode === 0) return EXIT.ok;
      // A group without its command (`trading`, `trading stop`) has shown its help already.
      if (error.parser.code === "commander.help") return EXIT.usage;
      return tell(context, json, error.describe(command), TWO_IS_AN_ANSWER.has(error.command.name()) ? EXIT.failed : EXIT.usage, {});
    }
    if (error instanceof CommandError) return tell(context, json, error.message, error.exitCode, error.details);
    throw error;
  }
}

/** One JSON document; what is not known is null, so that every key is always there. */
function jsonText(document: unknown): string {
  return `${JSON.stringify(document, (_key, value: unknown) => (value === undefined ? null : value), 2)}\n`;
}

function tell(context: Context, json: boolean, message: string, exitCode: number, details: Record<string, unknown>): number {
  context.writeError(`error: ${message}\n`);
  if (json) context.write(jsonText({ error: message, exitCode, ...details }));
  return exitCode;
}
