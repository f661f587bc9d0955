/** So much of the reason fits on one screen beside what was done about it. */
const MOST_LINES = 24;
const LONGEST_LINE = 240;

/** Where Pulumi's own words begin that say what failed, and what follows them. */
const DIAGNOSTICS = /^Diagnostics:\n([\s\S]*?)(?=^(?:Outputs|Resources|Policies|Duration|Info)\b.*:|(?![\s\S]))/m;

/** What of that says nothing: frames of a stack, and what Pulumi puts before the message of a program. */
const NOISE = [/^at .*:\d+:\d+\)?$/, /^error: update failed$/, /^error: Running program .* failed with an unhandled exception:$/, /^error: an unhandled error occurred: Program exited with non-zero exit code: \d+$/, /^\d+ (errors?|warnings?|messages?)\b/];

/**
 * Why an `up` failed, as lines for a person.
 *
 * @param output everything Pulumi wrote
 */
export function reasonLines(output: string): string[] {
  const said = DIAGNOSTICS.exec(output.replaceAll("\r\n", "\n"))?.[1] ?? output;
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !NOISE.some((noise) => noise.test(line)));
  const once = lines.filter((line, index) => lines.indexOf(line) === index).map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 3)}...` : line));
  return once.length <= MOST_LINES ? once : [...once.slice(0, MOST_LINES - 1), `(${once.length - MOST_LINES + 1} more lines: npm run pulumi -- up says all)`];
}
