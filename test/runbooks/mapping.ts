import type { RunbookCommand } from "./powershell";

/** Programs that a runbook may name, and what runs them in the test. */
export type Runner = "pulumi" | "trading" | "docker" | "git" | "start";

/** What the test has to make before a command makes sense, or in place of the machine's own. */
export type Circumstance = "an interrupted restore" | "a crontab of the test's own" | "an alert of the guard";

/** A runbook's command as the test runs it. */
export interface TestCommand {
  readonly runner: Runner;
  readonly argv: readonly string[];
  readonly circumstance?: Circumstance;
}

export interface Substitutes {
  /** Name of the throw-away stack that stands for paper and live. */
  readonly stack: string;
  /** File of candles that stands for the owner's. */
  readonly data: string;
  /** A time to which the throw-away stack can be restored, ISO; empty where it has no backup. */
  readonly moment: string;
  /** File that is not there, and into which a key may be written. */
  readonly newFile: string;
  /** Newest halt of the throw-away stack that is in force; empty where none is. */
  readonly incident: string;
  /** An alert of the throw-away stack that lasts; empty where there is none. */
  readonly alert: string;
  /** Newest stable release of the throw-away stack, and the newest that is another one than runs; empty where there is none. */
  readonly stableRelease: string;
  readonly otherRelease: string;
}

/** Runbooks whose commands belong on no stack, and the test that runs them. */
export const TESTED_ELSEWHERE: Readonly<Record<string, string>> = { "Restore_By_Hand.md": "test/backup/byHand.test.ts" };

/** Stacks a runbook may name. */
const STACKS = ["paper", "live"];

/**
 * Differences between what the owner types and what the test runs, each with its reason. What is not listed here runs
 * with exactly the runbook's words, but for the name of the stack.
 */
export const HARMLESS_FORMS: readonly { readonly typed: string; readonly runs: string; readonly reason: string }[] = [
  { typed: "npm start", runs: "npm start -- --stack NAME --check", reason: "would install Docker and bring up the owner's stack; --check reads the same items and changes nothing" },
  { typed: "npm run pulumi -- up|destroy|refresh", runs: "the same with --yes", reason: "nobody is there to answer Pulumi's question" },
  { typed: "npm run pulumi -- up", runs: "the same with --skip-preview", reason: "nobody is there to read the preview, which the runbooks try by itself" },
  { typed: "npx trading backtest --data FILE", runs: "the same with a file of the test", reason: "the owner's file is not in the project" },
  { typed: "git ...", runs: "the same in the throw-away stack's folder, a repository of its own, with the names of its stack and its stable release", reason: "must not touch the project's own history" },
  { typed: "npx trading deploy", runs: "the same with --yes", reason: "nobody is there to type the stack's name" },
  { typed: "npx trading rollback", runs: "the same with --yes and --keep-positions", reason: "nobody is there to type the stack's name, and the test's market opens and closes positions as it likes" },
  { typed: "npx trading rollback --to RELEASE", runs: "the same to a release of the throw-away stack that does not run", reason: "the runbook's id is an example" },
  { typed: "npx trading restore --to TIME", runs: "the same to the newest second of the throw-away stack's archive", reason: "the runbook's time is an example, and no stack of the test was there then" },
  { typed: "npx trading restore --go-back", runs: "the same, after a restore that the test began and killed", reason: "there is nothing to go back from where no restore was interrupted" },
  { typed: "npx trading recovery-key --out FILE", runs: "the same with a new file of the test", reason: "the owner's drive is not on every machine, and a file that is there is refused" },
  { typed: "npx trading rearm --incident ID", runs: "the same with the newest halt in force of the throw-away stack", reason: "the runbook's id is an example; which one it is, is known when it was placed" },
  { typed: "npx trading alerts ack ID", runs: "the same with an alert of the throw-away stack, after the test made one", reason: "the runbook's id is an example, and a stack that is well has no alert" },
  { typed: "npx trading halt-drill", runs: "the same with --with-open-positions", reason: "the test's market opens and closes positions as it likes" },
  { typed: "npx trading schedule ...", runs: "the same with a crontab of the test's own in the search path, and nothing else in it", reason: "must not put a task of a throw-away stack into this machine's scheduler" },
];

/**
 * What the test runs for a command of a runbook.
 *
 * @throws with file and line when the command is none that a runbook may hold, or names another stack
 */
export function testCommand(command: RunbookCommand, substitutes: Substitutes): TestCommand {
  try {
    return mapped(command.argv, substitutes);
  } catch (error) {
    throw new Error(`${command.file}:${command.line}: "${command.text}" ${(error as Error).message}`);
  }
}

function mapped(argv: readonly string[], substitutes: Substitutes): TestCommand {
  const [program, ...rest] = argv;
  if (program === "npm" && rest[0] === "start") return { runner: "start", argv: startArguments(npmArguments(rest.slice(1)), substitutes) };
  if (program === "npm" && rest[0] === "run" && rest[1] === "pulumi") return { runner: "pulumi", argv: pulumiArguments(stackNamed(npmArguments(rest.slice(2)), substitutes)) };
  if (program === "npx" && rest[0] === "trading") return tradingCommand(stackNamed(rest.slice(1), substitutes), substitutes);
  if (program === "docker") return { runner: "docker", argv: rest.map((word) => containerName(word, substitutes)) };
  if (program === "git") return { runner: "git", argv: rest.map((word) => inRepository(word, substitutes)) };
  throw new Error("is no command of this project; allowed: npm start, npm run pulumi, npx trading, docker, git");
}

/** npm hands on what stands behind `--` only. */
function npmArguments(words: readonly string[]): readonly string[] {
  if (words.length === 0) return [];
  if (words[0] !== "--" || words.length === 1) throw new Error("needs -- before the arguments that npm hands on");
  return words.slice(1);
}

/** Set-up reports and changes nothing, and looks at the throw-away stack. */
function startArguments(argv: readonly string[], substitutes: Substitutes): readonly string[] {
  const stack = argv.includes("--stack") ? [] : ["--stack", substitutes.stack];
  return [...argv.filter((word) => word !== "--check").map((word) => ownStack(word, substitutes)), ...stack, "--check"];
}

function pulumiArguments(argv: readonly string[]): readonly string[] {
  const [command = ""] = argv;
  const wanted = [...(["up", "destroy", "refresh"].includes(command) ? ["--yes"] : []), ...(command === "up" ? ["--skip-preview"] : [])];
  return [...argv, ...wanted.filter((word) => !argv.includes(word))];
}

/** Every command says which stack it means: a runbook must not depend on which one was selected last. */
function stackNamed(argv: readonly string[], substitutes: Substitutes): readonly string[] {
  const at = argv.indexOf("--stack");
  if (at === -1 || !STACKS.includes(argv[at + 1] ?? "")) throw new Error(`does not say --stack ${STACKS.join(" or --stack ")}`);
  return argv.map((word) => ownStack(word, substitutes));
}

function ownStack(word: string, { stack }: Substitutes): string {
  return STACKS.includes(word) ? stack : word;
}

function containerName(word: string, { stack }: Substitutes): string {
  return word.replace(/^trading-(paper|live)(?=-|$)/, `trading-${stack}`);
}

/** Tags and files that bear a stack's name. */
function inRepository(word: string, { stack, stableRelease }: Substitutes): string {
  return word
    .replace(/^stable\/(paper|live)\/REL-.*$/, `stable/${stack}/${stableRelease}`)
    .replace(/^stable\/(paper|live)\/\*$/, `stable/${stack}/*`)
    .replace(/^Pulumi\.(paper|live)\.yaml$/, `Pulumi.${stack}.yaml`);
}

/** What nobody is there to answer, or what the test's market does as it likes. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = { "halt-drill": ["--with-open-positions"], deploy: ["--yes"], rollback: ["--yes", "--keep-positions"] };

function tradingCommand(words: readonly string[], { data, moment, newFile, incident, alert, otherRelease }: Substitutes): TestCommand {
  const [name = "", under] = words;
  const values: readonly (readonly [string, (typed: string) => string])[] = [
    ["--data", () => data],
    ["--out", () => newFile],
    ["--to", (to) => (/^\d{4}-\d\d-\d\dT/.test(to) ? moment : to.startsWith("REL-") ? otherRelease : to)],
    ["--incident", () => incident],
    ...(name === "alerts" ? ([["ack", () => alert]] as const) : []),
  ];
  const typed = values.reduce((argv, [option, value]) => withValue(argv, option, value), words);
  const argv = [...typed, ...(ANSWERS[name] ?? []).filter((word) => !typed.includes(word))];
  const circumstance = circumstanceOf(name, under, words);
  return { runner: "trading", argv, ...(circumstance && { circumstance }) };
}

function circumstanceOf(name: string | undefined, under: string | undefined, words: readonly string[]): Circumstance | undefined {
  if (name === "schedule") return "a crontab of the test's own";
  if (name === "alerts" && under === "ack") return "an alert of the guard";
  return name === "restore" && words.includes("--go-back") ? "an interrupted restore" : undefined;
}

/** Another value for an option, where it is there. */
function withValue(argv: readonly string[], option: string, value: (typed: string) => string): readonly string[] {
  const at = argv.indexOf(option);
  return at === -1 ? argv : argv.map((word, index) => (index === at + 1 ? value(word) : word));
}
