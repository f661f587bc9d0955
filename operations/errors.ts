/** What `npx trading` ends with. */
export const EXIT = {
  ok: 0,
  /** Something failed, or something declared is not healthy. */
  failed: 1,
  /** The command line, or a file it names, is not what it should be. */
  usage: 2,
} as const;

/** An error that is told in one line, without a stack trace. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
    /** What to add to the `--json` document beside the error. */
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = "CommandError";
  }
}

/** The command was understood and could not do what it says. */
export function failure(message: string, details: Record<string, unknown> = {}): CommandError {
  return new CommandError(message, EXIT.failed, details);
}

/** The command line, or a file it names, is wrong; the message names what is allowed. */
export function usage(message: string): CommandError {
  return new CommandError(message, EXIT.usage);
}
