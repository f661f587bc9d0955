import * as fs from "node:fs";
import * as path from "node:path";
import { appendAudit, readAudit } from "../../control/audit";
import { controlFolder } from "../../control/folder";
import { haltsOf } from "../../control/LatchFolder";
import type { Halt, LiftedHalt } from "../../control/records";
import { collectedText, commitReports, writeWhole } from "../collect";
import { openOf } from "../halts";
import { changedBelow, textInHead, wasEverCommitted } from "../repository";
import { incidentMarkdown, LIFTED_HEADING, liftedMarkdown } from "./incidentText";

/** Folder of the incidents' files. */
export const INCIDENT_FOLDER = "reports/incidents";

/**
 * Opens the file of each halt at level kill that has none, puts the end of those that were lifted into theirs, and commits
 * what is new. Containers cannot write here: what the guard or the page halted is written by the owner's next command.
 * A halt of the drill is none: the drill has a report of its own.
 *
 * @param now epoch milliseconds
 * @returns a line for the owner where there was something to do; null otherwise
 */
export async function keepIncidentFiles(root: string, stack: string, now: number): Promise<string | null> {
  const control = controlFolder(root, stack);
  if (!fs.existsSync(control)) return null;
  completeAudit(control, now);
  const incidents = killsOf(control);
  if (incidents.length === 0) return null;
  const changed = new Map((await changedBelow(root, INCIDENT_FOLDER)).map(({ name, fresh }) => [name, fresh]));
  const names: string[] = [];
  for (const incident of incidents) {
    const name = fileOf(incident.id);
    const opened = await open(root, control, incident);
    const closed = "liftedAt" in incident && close(root, incident);
    if (opened || closed || changed.get(name) === true || (changed.get(name) === false && (await endWaits(root, incident)))) names.push(name);
  }
  return names.length === 0 ? null : collectedText(await commitReports(root, names));
}

/** The same at the end of a command: it never makes the command fail. */
export async function incidentFilesText(root: string, stack: string, now: number): Promise<string | null> {
  try {
    return await keepIncidentFiles(root, stack, now);
  } catch (error) {
    return `Incident files of stack ${stack} could not be written; the next command tries again: ${(error as Error).message}`;
  }
}

/** Whoever places a halt writes it into the audit log right after, unless ended in between: that is made up for. */
const AUDIT_MILLISECONDS = 60_000;

function completeAudit(control: string, now: number): void {
  const known = new Set(readAudit(control).flatMap(({ act, incident }) => (act === "halt" ? [incident] : [])));
  for (const { id, at, by, who, bot, level, reason, rule, numbers, open } of haltsOf(control).inForce().entries) {
    if (known.has(id) || now - Date.parse(at) < AUDIT_MILLISECONDS) continue;
    appendAudit(control, { at, act: "halt", by, who, incident: id, bot, level, reason, rule, numbers, open: open.length > 0 ? open : ["not known: it was not written down then"] });
  }
}

function fileOf(incident: string): string {
  return `${INCIDENT_FOLDER}/${incident}.md`;
}

function killsOf(control: string): (Halt | LiftedHalt)[] {
  const latch = haltsOf(control);
  const inForce = latch.inForce().entries;
  // Cut off while it was lifted, a halt is on both sides: then it is in force.
  const both = new Set(inForce.map(({ id }) => id));
  return [...inForce, ...latch.liftedOnes().filter(({ id }) => !both.has(id))].filter(({ level, by }) => level === "kill" && by !== "drill");
}

/** @returns whether the file was made; one that was committed and is gone was taken away by the owner */
async function open(root: string, control: string, halt: Halt): Promise<boolean> {
  const file = path.join(root, ...fileOf(halt.id).split("/"));
  if (fs.existsSync(file) || (await wasEverCommitted(root, fileOf(halt.id)))) return false;
  const acts = readAudit(control).filter(({ act, incident, at }) => incident === halt.id && act !== "rearm" && at >= halt.at);
  writeWhole(file, incidentMarkdown({ halt, open: openOf(control, halt), acts }));
  return true;
}

/** @returns whether the end was put into the file now */
function close(root: string, halt: LiftedHalt): boolean {
  const file = path.join(root, ...fileOf(halt.id).split("/"));
  const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
  if (text === undefined || text.includes(LIFTED_HEADING)) return false;
  writeWhole(file, `${text.trimEnd()}\n\n${liftedMarkdown(halt)}`);
  return true;
}

/** Whether the end that an earlier command wrote is in no commit yet: what the owner writes into the file is left to the owner. */
async function endWaits(root: string, incident: Halt | LiftedHalt): Promise<boolean> {
  return "liftedAt" in incident && (await textInHead(root, fileOf(incident.id)))?.includes(LIFTED_HEADING) !== true;
}
