import { appendAudit } from "../control/audit";
import { holds, type Freezes } from "../control/freezes";
import { freezesOf } from "../control/LatchFolder";
import { incidentId, type Freeze } from "../control/records";
import type { Context } from "./context";
import { failure } from "./errors";
import { personHere } from "./halts";
import { controlHere, freezesHere } from "./haltsHere";

export interface FreezeRequest {
  readonly reason: string;
  /** UTC; null until it is lifted. */
  readonly until: string | null;
}

export interface Frozen {
  readonly freeze: Freeze;
  /** False where one of the same person and reason lasts as long already, so that nothing was added. */
  readonly placed: boolean;
  /** What else freezes the stack. */
  readonly others: Pick<Freezes, "entries" | "unreadable">;
  /** What could not be done beside the freeze, which is in force all the same. */
  readonly problems: readonly string[];
}

/**
 * Freezes the deploys and promotions of a stack. It is in force, on the disk too, when this returns; no service and no Docker
 * is asked for it.
 *
 * @throws {CommandError} only where the freeze could not be written
 */
export function freezeStack(context: Context, stack: string, { reason, until }: FreezeRequest): Frozen {
  const control = controlHere(context.root, stack);
  const now = context.now();
  const problems = putAwayRanOut(control, now);
  const { entries, unreadable, problem } = freezesHere(context.root, stack, now);
  if (problem !== null) throw failure(`what of stack ${stack} is frozen cannot be read (${problem}); nothing was changed`, { stack });
  const who = personHere();
  const same = entries.find((entry) => entry.by === "person" && entry.who === who && entry.reason === reason && entry.bot === null && (entry.until === null || (until !== null && entry.until >= until)));
  const others = { entries: entries.filter((entry) => entry !== same), unreadable };
  if (same !== undefined) return { freeze: same, placed: false, others, problems };
  const freeze: Freeze = {
    ...{ format: 1, id: incidentId("FRZ", now), stack, bot: null, reason, by: "person", who, at: new Date(now).toISOString(), until },
    ...{ rule: null, cause: null, numbers: {}, runbook: null, open: [] },
  };
  try {
    freezesOf(control).place(freeze);
  } catch (error) {
    throw failure(`the freeze could not be written (${(error as Error).message}): NOTHING IS FROZEN by it`, { stack });
  }
  context.whenInterrupted(`freeze ${freeze.id} is in force`);
  const kept = note(control, { act: "freeze", by: "person", who, at: freeze.at }, freeze, reason);
  return { freeze, placed: true, others, problems: [...problems, ...kept] };
}

/**
 * Puts freezes away whose time is over, with the audit line that they would otherwise lack.
 *
 * @param now epoch milliseconds
 * @returns what could not be written down
 */
export function putAwayRanOut(control: string, now: number): string[] {
  const latch = freezesOf(control);
  return latch
    .inForce()
    .entries.filter((freeze) => !holds(freeze, now))
    .flatMap((freeze) => {
      const reason = `its time was over at ${freeze.until}`;
      const at = new Date(now).toISOString();
      if (!latch.lift(freeze.id, { liftedAt: at, liftedBy: freeze.by, liftedWho: freeze.who, liftedReason: reason })) return [];
      return note(control, { act: "thaw", by: freeze.by, who: freeze.who, at }, freeze, reason);
    });
}

function note(control: string, act: { readonly act: "freeze" | "thaw"; readonly by: Freeze["by"]; readonly who: string; readonly at: string }, { id, bot, rule }: Freeze, reason: string): string[] {
  try {
    appendAudit(control, { ...act, incident: id, bot, level: null, reason, rule, numbers: {}, open: [] });
    return [];
  } catch (error) {
    return [`that freeze ${id} ${act.act === "freeze" ? "was placed" : "is over"} is not in the audit log: ${(error as Error).message}`];
  }
}
