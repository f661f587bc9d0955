import type { AuditEntry } from "../../control/audit";
import type { HaltLevel } from "../../control/levels";
import type { Halt, LiftedHalt } from "../../control/records";
import { cell, inline } from "../format";

/** Everything that an incident's file is made of. */
export interface IncidentFacts {
  readonly halt: Halt;
  /** What was open when it was placed, one line for each bot. */
  readonly open: readonly string[];
  /** Acts on record since then, oldest first. */
  readonly acts: readonly AuditEntry[];
}

const LEVELS: Readonly<Record<HaltLevel, string>> = {
  pause: "pause: ingen nye positioner",
  reduce: "reduce: kun ud af positioner",
  kill: "kill: ingen ordrer, botten er stoppet; beskyttende stop bliver hos brokeren",
};

const WHO: Readonly<Record<Halt["by"], string>> = { person: "ved kommandolinjen", page: "på siden", guard: "af sig selv", drill: "øvelse" };

const ACTS: Readonly<Record<AuditEntry["act"], string>> = {
  halt: "stop",
  rearm: "stop ophævet",
  freeze: "deploys frosset",
  thaw: "deploys frigivet",
  "restart bot": "bot genstartet",
  "stop bot": "bot stoppet",
  acknowledge: "alarm kvitteret",
};

/** The heading under which the end of a halt stands; a file that has it is not told again. */
export const LIFTED_HEADING = "## Stoppet er ophævet";

/** The incident's file for the owner, who fills in cause and follow-up: in Danish, like the runbooks. */
export function incidentMarkdown({ halt, open, acts }: IncidentFacts): string {
  const lines = [
    `# Hændelse ${halt.id}: stak ${halt.stack} stoppet`,
    "",
    "| | |",
    "|---|---|",
    ...facts(halt).map(([name, value]) => `| ${name} | ${cell(value)} |`),
    "",
    "Fremgangsmåden står i [Incident_Handling.md](../../runbooks/Incident_Handling.md), afsnit 6.",
    "",
    "## Tal",
    "",
    ...numbers(halt),
    "",
    "## Åbne positioner, da der blev stoppet",
    "",
    ...list(open.map(openText), "Ingen bots er kendt."),
    "",
    "## Hvad der blev gjort",
    "",
    ...list(acts.map(actLine), "Intet er noteret."),
    "",
    "## Årsag",
    "",
    "_Udfyldes: hvad skete der, og hvorfor? Hvad viste status, loggen og siden?_",
    "",
    "## Virkning",
    "",
    "_Udfyldes: tab, manglende handler, forkerte tal._",
    "",
    "## Opfølgning",
    "",
    "- [ ] Årsagen er fundet og rettet",
    "- [ ] Positioner og ordrer er gennemgået",
    "- [ ] Grænser, strategi eller runbook er ændret, hvis det var nødvendigt",
    "",
  ];
  return lines.join("\n");
}

/** What is put at the end of the file when the halt is lifted. */
export function liftedMarkdown({ liftedAt, liftedBy, liftedWho, liftedReason }: LiftedHalt): string {
  return [LIFTED_HEADING, "", `- ${moment(liftedAt)} af ${inline(liftedWho)} (${WHO[liftedBy]}): ${inline(liftedReason)}`, ""].join("\n");
}

function facts(halt: Halt): [string, string][] {
  return [
    ["Hvad", LEVELS[halt.level]],
    ["Bot", halt.bot ?? "alle"],
    ["Hvornår", moment(halt.at)],
    ["Hvem", `${halt.who} (${WHO[halt.by]})`],
    ["Hvorfor", halt.reason],
    ...(halt.rule === null ? [] : [["Regel", halt.rule] as [string, string]]),
    ...(halt.runbook === null ? [] : [["Runbook", halt.runbook] as [string, string]]),
  ];
}

function numbers({ numbers: found }: Halt): string[] {
  const rows = Object.entries(found);
  if (rows.length === 0) return ["Ingen: et menneske stoppede."];
  return ["| tal | værdi |", "|---|--:|", ...rows.map(([name, value]) => `| ${cell(name)} | ${cell(value === null ? "-" : String(value))} |`)];
}

function openText(text: string): string {
  return text.startsWith("not known:") ? "Ikke kendt." : text;
}

function actLine({ at, act, by, who, bot, level, reason }: AuditEntry): string {
  const about = [level === null ? "" : ` ${level}`, bot === null ? "" : ` (${bot})`].join("");
  return `${moment(at)}: ${ACTS[act]}${about}, ${who} ${WHO[by]}: ${reason}`;
}

function list(lines: readonly string[], otherwise: string): string[] {
  return lines.length === 0 ? [otherwise] : lines.map((line) => `- ${inline(line)}`);
}

/** ISO time as `2026-11-27 07:05:01 UTC`. */
function moment(at: string): string {
  return `${at.slice(0, 19).replace("T", " ")} UTC`;
}
