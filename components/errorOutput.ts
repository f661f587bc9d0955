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
    if (!(reason instanceof Error)) return;
    const stack = reason.stack;
    reason.message = ownMessage(reason.message);
    if (stack) reason.stack = ownFrames(ownMessage(stack));
  });
}

/** A message without what Pulumi put before it for each resource the error passed through. */
export function ownMessage(message: string): string {
  return message.replace(/(error serializing property "[^"]*": )+/g, "");
}

/** A stack trace without the frames of packages. */
export function ownFrames(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !/^\s+at .*[\\/]node_modules[\\/]/.test(line))
    .join("\n");
}
