/** A command line of a runbook, where it stands and its words. */
export interface RunbookCommand {
  readonly file: string;
  /** Line in the runbook, from 1. */
  readonly line: number;
  readonly text: string;
  readonly argv: readonly string[];
}

/** What a runbook may not contain: it would not work, or not mean the same, in PowerShell. */
const REFUSED: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /[`\\^]\s*$/, reason: "continues on the next line" },
  { pattern: /&&|\|\|/, reason: "chains commands, which Windows PowerShell does not know" },
  { pattern: /[|;&]/, reason: "holds more than one command" },
  { pattern: /\$\(|\$\{|\$[A-Za-z]/, reason: "needs a variable or a substitution" },
  { pattern: /[<>]/, reason: "redirects, or holds a place to fill in" },
  { pattern: /`/, reason: "holds PowerShell's escape character" },
  { pattern: /^(export|set|source|sudo|bash|sh|rm|cp|mv|cat|ls|grep|curl|touch|mkdir)\b/, reason: "is a command of another shell, or an alias that means something else" },
  { pattern: /^[A-Za-z_][A-Za-z0-9_]*=/, reason: "sets an environment variable in the way of sh" },
  { pattern: /^\.?\//, reason: "names a program by a path of another system" },
  { pattern: /…|\.\.\.|[“”‘’]/, reason: "holds typographic characters that were never typed" },
];

/**
 * Takes the command lines out of every fenced `powershell` block.
 *
 * @throws with file and line where a fence is not closed or a line is not understood
 */
export function runbookCommands(file: string, markdown: string): RunbookCommand[] {
  const commands: RunbookCommand[] = [];
  let fence: { readonly line: number; readonly powershell: boolean } | undefined;
  markdown.split(/\r?\n/).forEach((raw, index) => {
    const line = index + 1;
    const opened = /^\s*```+\s*([A-Za-z]*)/.exec(raw);
    if (opened !== null) {
      fence = fence === undefined ? { line, powershell: /^(powershell|pwsh|ps1)$/i.test(opened[1] ?? "") } : undefined;
      return;
    }
    const text = raw.trim();
    if (fence?.powershell !== true || text === "" || text.startsWith("#")) return;
    try {
      commands.push({ file, line, text, argv: words(text) });
    } catch (error) {
      throw new Error(`${file}:${line}: ${(error as Error).message}`);
    }
  });
  if (fence !== undefined) throw new Error(`${file}:${fence.line}: the block that begins here is not closed`);
  return commands;
}

/**
 * Words of one simple PowerShell command: bare words and words in single or double quotes.
 *
 * @throws when the line is anything else
 */
export function words(text: string): string[] {
  const bare = text.replace(/'[^']*'/g, "''").replace(/"[^"]*"/g, '""');
  if (/['"]/.test(bare.replace(/''|""/g, ""))) throw new Error(`"${text}" has a quote that is not closed`);
  const refused = REFUSED.find(({ pattern }) => pattern.test(bare));
  if (refused !== undefined) throw new Error(`"${text}" ${refused.reason}`);
  if (/"[^"]*[$`][^"]*"/.test(text)) throw new Error(`"${text}" has a variable or an escape in double quotes`);
  return [...text.matchAll(/(?:'([^']*)'|"([^"]*)"|[^\s'"])+/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, (_all, single?: string, double?: string) => single ?? double ?? ""));
}
