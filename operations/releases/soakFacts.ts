import type { Release } from "../../config/releases";
import { readAudit } from "../../control/audit";
import { controlFolder } from "../../control/folder";
import { HaltReader } from "../../control/standing";
import { alertParts, askForAlerts, type AlertState, type PartAnswer } from "../alerts/parts";
import type { Context } from "../context";
import type { DeclaredStack } from "../stack";
import type { CriticalFacts, SoakFacts } from "./soak";

/** Seconds that a part has to answer: a command that has done its work waits for it. */
const PATIENCE = 5;

/** Asks the stack, and reads the control folder. A part that does not answer is no error. */
export async function soakFacts(context: Context, { stack, configuration }: DeclaredStack, release: Release): Promise<SoakFacts> {
  const control = controlFolder(context.root, stack);
  const { halts, unreadable, problem } = new HaltReader(control, stack).read();
  const answers = await askForAlerts(context, stack, alertParts(configuration), PATIENCE);
  return {
    release,
    hours: configuration.soak.hours,
    parts: answers.map(criticalFacts),
    halts: problem === null ? [...halts.map(({ id }) => id), ...unreadable] : null,
    guardHaltAt: guardHaltAt(control),
    now: context.now(),
  };
}

function criticalFacts({ part, answer, problem }: PartAnswer<AlertState>): CriticalFacts {
  const nothing = { part, active: [], knownSince: 0, lastAt: null, lastKey: null };
  if (answer === undefined) return { ...nothing, problem: problem ?? "it does not answer" };
  const { critical, active } = answer;
  if (critical === undefined || critical === null) return { ...nothing, problem: "it is of an earlier version and does not say" };
  const { knownSince, lastAt, lastKey } = critical;
  return {
    ...{ part, problem: null, lastKey },
    active: active.filter(({ severity }) => severity === "critical").map(({ key }) => key),
    knownSince: Date.parse(knownSince),
    lastAt: lastAt === null ? null : Date.parse(lastAt),
  };
}

/** From a halt by the guard on, until somebody lifted it. */
function guardHaltAt(control: string): number | null {
  const acts = readAudit(control);
  const byGuard = new Set(acts.flatMap(({ act, by, incident }) => (act === "halt" && by === "guard" ? [incident] : [])));
  const times = acts.filter(({ act, incident }) => (act === "halt" || act === "rearm") && byGuard.has(incident)).map(({ at }) => Date.parse(at));
  return times.length === 0 ? null : Math.max(...times);
}
