/**
 * Leaves only the program's own frames in the stack of an error nobody caught, before Pulumi prints it: those of packages
 * tell the owner nothing, and Node takes half a minute and gigabytes to colour a long line of them.
 */
export function showOwnFramesOnly(): void {
  process.prependListener("unhandledRejection", (reason) => {
    if (reason instanceof Error && reason.stack) reason.stack = ownFrames(reason.stack);
  });
}

/** A stack trace without the frames of packages. */
export function ownFrames(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !/^\s+at .*[\\/]node_modules[\\/]/.test(line))
    .join("\n");
}
