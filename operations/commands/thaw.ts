import { Command } from "commander";
import { appendAudit } from "../../control/audit";
import { freezesOf } from "../../control/LatchFolder";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import { putAwayRanOut } from "../freezes";
import { personHere } from "../halts";
import { controlHere } from "../haltsHere";
import { checkStackName } from "../stack";
import { reasonOf } from "./halt";

interface Options extends GlobalOptions {
  readonly reason: string;
  readonly incident?: string;
}

/** `thaw`: lifts a freeze of deploys and promotions; nothing else does. */
export function thawCommand(context: Context, wrap: Wrap): Command {
  return new Command("thaw")
    .description("lift the freezes of deploys and promotions; safe where there is none")
    .requiredOption("--reason <text>", "why it may go on, kept in the audit log")
    .option("--incident <id>", "one freeze alone, as status names it, for example FRZ-20261127-070501-4f2a; all of them unless given")
    .action(wrap<Options>((options) => Promise.resolve(thaw(context, options))));
}

function thaw(context: Context, { stack, incident, reason: text }: Options): Outcome {
  checkStackName(stack);
  const reason = reasonOf(text);
  const control = controlHere(context.root, stack);
  const problems = putAwayRanOut(control, context.now());
  const freezes = freezesOf(control);
  const { entries, unreadable } = freezes.inForce();
  const inForce = [...entries.map(({ id }) => id), ...unreadable.map((name) => name.replace(/\.json$/, ""))];
  const earlier = freezes.liftedOnes().map(({ id }) => id);
  if (incident !== undefined && !inForce.includes(incident) && !earlier.includes(incident)) {
    throw usage(`stack ${stack} has no freeze "${incident}" in force; in force: ${inForce.join(", ") || "none"}; nothing was lifted`);
  }
  const at = new Date(context.now()).toISOString();
  const who = personHere();
  const lifted = inForce.filter((id) => (incident === undefined || id === incident) && freezes.lift(id, { liftedAt: at, liftedBy: "person", liftedWho: who, liftedReason: reason }));
  for (const id of lifted) {
    const freeze = entries.find((entry) => entry.id === id);
    appendAudit(control, { at, act: "thaw", by: "person", who, incident: id, bot: freeze?.bot ?? null, level: null, reason, rule: freeze?.rule ?? null, numbers: {}, open: [] });
  }
  const still = inForce.filter((id) => !lifted.includes(id));
  const lines = [
    ...(lifted.length === 0 ? [incident === undefined ? `Nothing of stack ${stack} is frozen.` : `Freeze ${incident} of stack ${stack} was lifted already.`] : lifted.map((id) => `Freeze ${id} of stack ${stack} is lifted.`)),
    ...still.map((id) => `Still     ${id}`),
    ...problems.map((problem) => `Problem   ${problem}`),
  ];
  return { exitCode: problems.length === 0 ? EXIT.ok : EXIT.failed, text: `${lines.join("\n")}\n`, document: { stack, lifted, inForce: still } };
}
