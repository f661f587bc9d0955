/** Options of the program that take a value, which may stand before the command. */
const TAKE_VALUE: ReadonlySet<string> = new Set(["--stack"]);

/** The command that a command line asks for, whether there is one of that name or not; undefined where it is options alone. */
export function commandWord(argv: readonly string[]): string | undefined {
  let index = 0;
  while (argv[index]?.startsWith("-") === true) index += TAKE_VALUE.has(argv[index]!) ? 2 : 1;
  return argv[index];
}
