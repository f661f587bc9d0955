import type { RunbookCommand } from "./powershell";

/** Programs that a runbook may name, and what runs them in the test. */
export type Runner = "pulumi" | "trading" | "docker" | "git" | "start";

/** A runbook's command as the test runs it. */
export interface TestCommand {
  readonly runner: Runner;
  readonly argv: readonly string[];
}

export interface Substitutes {
  /** Name of the throw-away stack that stands for paper and live. */
  readonly stack: string;
  /** File of candles that stands for the owner's. */
  readonly data: string;
}

/** Stacks a runbook may name. */
const STACKS = ["paper", "live"];

/**
 * Differences between what the owner types and what the test runs, each with its reason. What is not listed here runs
 * with exactly the runbook's words, but for the name of the stack.
 */
export const HARMLESS_FORMS: readonly { readonly typed: string; readonly runs: string; readonly reason: string }[] = [
  { typed: "npm start", runs: "npm start -- --stack NAME --check", reason: "would install Docker and bring up the owner's stack; --check reads the same items and changes nothing" },
  { typed: "npm run pulumi -- up|destroy|refresh", runs: "the same with --yes", reason: "nobody is there to answer Pulumi's question" },
  { typed: "npx trading backtest --data FILE", runs: "the same with a file of the test", reason: "the owner's file is not in the project" },
  { typed: "git ...", runs: "the same in a repository of the test", reason: "must not touch the project's own history" },
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
  if (program === "npx" && rest[0] === "trading") return { runner: "trading", argv: withData(stackNamed(rest.slice(1), substitutes), substitutes) };
  if (program === "docker") return { runner: "docker", argv: rest.map((word) => containerName(word, substitutes)) };
  if (program === "git") return { runner: "git", argv: rest };
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
  return ["up", "destroy", "refresh"].includes(argv[0] ?? "") && !argv.includes("--yes") ? [...argv, "--yes"] : argv;
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

function withData(argv: readonly string[], { data }: Substitutes): readonly string[] {
  const at = argv.indexOf("--data");
  return at === -1 ? argv : argv.map((word, index) => (index === at + 1 ? data : word));
}
