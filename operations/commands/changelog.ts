import { Command } from "commander";
import { changeText } from "../../config/changelog/changes";
import { CHANGELOG, unnamedChanges } from "../../config/changelog/text";
import { changelogText, changesSince } from "../../config/changelog/check";
import { changelogDay, writeChangelogEntry } from "../changelog/changelogFile";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, failure } from "../errors";
import { declaredStack } from "../stack";
import { reasonOf } from "./halt";

interface Options extends GlobalOptions {
  readonly reason: string;
}

/** `changelog`: writes down what was changed by hand in a stack's file. */
export function changelogCommand(context: Context, wrap: Wrap): Command {
  return new Command("changelog")
    .description(`write into ${CHANGELOG} what the stack's file changes in sizing and strategy since the last release, or since the newest commit while there is none; safe to run twice`)
    .requiredOption("--reason <text>", "why it is changed")
    .action(wrap<Options>((options) => changelog(context, options)));
}

async function changelog(context: Context, { stack, reason: text }: Options): Promise<Outcome> {
  const reason = reasonOf(text);
  const { configuration } = declaredStack(context.root, stack);
  const { since, problem, changes } = await changesSince(context.root, stack, configuration);
  if (problem !== null) throw failure(`what stack ${stack} has changed is not known: ${problem}; nothing was written`, { stack });
  const unnamed = unnamedChanges(changelogText(context.root), stack, changes).map(changeText);
  const document = { stack, since, changes: changes.map(changeText), written: unnamed };
  if (changes.length === 0) return { exitCode: EXIT.ok, text: `Stack ${stack} changes neither sizing nor strategy${since === null ? ": there is nothing to compare it with, or it is the same" : ` since ${since}`}; nothing was written.\n`, document };
  if (unnamed.length === 0) return { exitCode: EXIT.ok, text: `${CHANGELOG} names what stack ${stack} changes since ${since} already; nothing was written.\n`, document };
  await writeChangelogEntry(context.root, { date: changelogDay(context.now()), stack, reason, lines: unnamed });
  const lines = [
    `Written into ${CHANGELOG}, as changed since ${since}:`,
    ...unnamed.map((line) => `  ${line}`),
    "Commit it with the change:",
    `  git add Pulumi.${stack}.yaml ${CHANGELOG}`,
    `  git commit -m "Sizing and strategy of stack ${stack}, as ${CHANGELOG} says" -- Pulumi.${stack}.yaml ${CHANGELOG}`,
  ];
  return { exitCode: EXIT.ok, text: `${lines.join("\n")}\n`, document };
}
