/**
 * Prepares the process for errors that nobody catches. Only the program's own frames stay in their stack before Pulumi
 * prints it: those of packages tell the owner nothing, and Node takes half a minute and gigabytes to colour a long line
 * of them. Positions are mapped back to the source only then: Pulumi takes a stack for every resource, and mapping all
 * of those costs as much time as the whole program.
 */
export function prepareErrorOutput(): void {
  const mapToSource = Error.prepareStackTrace;
  Reflect.deleteProperty(Error, "prepareStackTrace");
  process.prependListener("unhandledRejection", (reason) => {
    if (mapToSource) Error.prepareStackTrace = mapToSource;
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
