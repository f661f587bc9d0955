import { HALT_LEVELS } from "../../control/levels";
import { holds, thawCommandOf } from "../../control/freezes";
import type { Freeze, Halt } from "../../control/records";
import { rearmCommandOf } from "../../control/standing";
import type { FreezeView, HaltsView, HaltView } from "./api";
import type { ControlFacts } from "./controlReader";

/** Halts and freezes as the page shows them. @param now epoch milliseconds */
export function haltsView({ halts, freezes, sight }: ControlFacts, stack: string, now: number): HaltsView {
  const held = new Set(sight?.incidents.map((name) => name.replace(/\.json$/, "")));
  const view = (of: Omit<HaltView, "held" | "rearm">): HaltView => ({ ...of, held: held.has(of.id), rearm: rearmCommandOf(stack, of.id) });
  const inForce = [...halts.unreadable.map((file) => view(unreadableHalt(file))), ...halts.halts.map((halt) => view(haltOf(halt)))];
  return {
    now,
    problem: halts.problem,
    inForce: inForce.sort((one, other) => HALT_LEVELS.indexOf(other.level) - HALT_LEVELS.indexOf(one.level) || (one.since ?? 0) - (other.since ?? 0)),
    freezes: [...freezes.unreadable.map(unreadableFreeze), ...freezes.entries.filter((freeze) => holds(freeze, now)).map(freezeOf)].map((freeze) => ({ ...freeze, thaw: thawCommandOf(stack, freeze.id) })),
    broker: sight === undefined ? null : { at: Date.parse(sight.at), problem: sight.problem },
  };
}

function originOf({ id, bot, at, by, who, reason, rule, runbook }: Halt | Freeze) {
  return { id, bot, since: Date.parse(at), by, who, reason, rule, runbook };
}

function haltOf(halt: Halt): Omit<HaltView, "held" | "rearm"> {
  return { ...originOf(halt), level: halt.level, numbers: halt.numbers };
}

function freezeOf(freeze: Freeze): Omit<FreezeView, "thaw"> {
  return { ...originOf(freeze), numbers: freeze.numbers, until: freeze.until === null ? null : Date.parse(freeze.until) };
}

const unknownOrigin = { bot: null, since: null, by: null, who: null, rule: null, runbook: null };

function unreadableHalt(file: string): Omit<HaltView, "held" | "rearm"> {
  return { ...unknownOrigin, id: file.replace(/\.json$/, ""), level: "kill", numbers: {}, reason: `halts/${file} cannot be read, which counts as the worst` };
}

function unreadableFreeze(file: string): Omit<FreezeView, "thaw"> {
  return { ...unknownOrigin, id: file.replace(/\.json$/, ""), numbers: {}, until: null, reason: `freezes/${file} cannot be read, which counts as a freeze` };
}
