import { Command } from "commander";
import { freezeLines, originText, thawCommandOf, untilText } from "../../control/freezes";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT } from "../errors";
import { freezeStack } from "../freezes";
import { checkHaltTarget } from "../haltTarget";
import { parseUntil } from "../until";
import { reasonOf } from "./halt";

interface Options extends GlobalOptions {
  readonly reason: string;
  readonly until?: string;
}

/** `freeze`: nothing of a stack is changed or promoted any more. */
export function freezeCommand(context: Context, wrap: Wrap): Command {
  return new Command("freeze")
    .description("refuse changes and promotions of a stack, also under pulumi up, until thaw or the given end; halt, rearm, restore, an up that changes nothing and a stable release again stay allowed")
    .requiredOption("--reason <text>", "why, kept with the freeze and in the audit log")
    .option("--until <when>", "when it ends by itself: a duration (90min, 2h, 3d, 1w) or a time with its zone (2026-12-01T08:00:00Z); until thaw when left out")
    .action(wrap<Options>((options) => Promise.resolve(freeze(context, options))));
}

function freeze(context: Context, { stack, reason: text, until }: Options): Outcome {
  checkHaltTarget(context.root, stack, null);
  const request = { reason: reasonOf(text), until: until === undefined ? null : parseUntil(until, context.now()) };
  const { freeze: made, placed, others, problems } = freezeStack(context, stack, request);
  const also = freezeLines({ ...others, ranOut: [], problem: null });
  const lines = [
    `Stack ${stack} is frozen${placed ? "" : " already"}, ${untilText(made)}: no change of it is deployed, and nothing is promoted.`,
    `Freeze    ${made.id} ${originText(made)}: ${made.reason}`,
    ...also.map((line) => `Also      ${line}`),
    ...problems.map((problem) => `Problem   ${problem}`),
    "Allowed   halt, rearm, start and stop of bots, backup and restore, an up that changes nothing, a stable release again",
    `Lift it   ${thawCommandOf(stack, made.id)}`,
  ];
  const inForce = [made.id, ...others.entries.map(({ id }) => id), ...others.unreadable.map((name) => name.replace(/\.json$/, ""))];
  return { exitCode: problems.length === 0 ? EXIT.ok : EXIT.failed, text: `${lines.join("\n")}\n`, document: { stack, placed, freeze: made, inForce, problems } };
}
