import { NONE, time } from "../format";
import { plainTable } from "../statusText";
import type { Difference, DriftReport } from "./facts";

/** What to do about drift. */
export const DRIFT_RUNBOOK = "runbooks/Incident_Handling.md, 4.13 Det kørende er ikke det erklærede";

/** Longest value that is shown whole. */
const WIDTH = 60;

/** The differences as a table, then one line that says how it is. */
export function driftText(report: DriftReport): string {
  const { differences, notLookedAt } = report;
  const rows = differences.map((difference) => [`${difference.kind} ${difference.name}`, difference.property, ...excerpts(difference)]);
  const lines = [
    ...(rows.length === 0 ? [] : [plainTable(["object", "property", "declared", "running"], rows)]),
    ...(notLookedAt.length === 0 ? [] : [`Not looked at: ${notLookedAt.join("; ")}`]),
    closingLine(report),
    ...(rows.length === 0 ? [] : [`What to do: ${DRIFT_RUNBOOK}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Whether there is drift, in a line. */
export function closingLine({ stack, deployedAt, differences, compared }: DriftReport): string {
  const deployed = deployedAt === null ? "" : ` (${time(Date.parse(deployedAt))})`;
  if (differences.length === 0) {
    const { containers, volumes, networks, images, files } = compared;
    if (containers === 0) return `Stack ${stack}: nothing is deployed, and nothing of it runs.`;
    return `Stack ${stack} is as it was deployed${deployed}: ${[count(containers, "container"), count(volumes, "volume"), count(networks, "network"), count(images, "image"), ...(files === 0 ? [] : [count(files, "file")])].join(", ")}.`;
  }
  const objects = new Set(differences.map(({ kind, name }) => `${kind} ${name}`)).size;
  return `DRIFT: stack ${stack} is not as it was deployed${deployed}: ${count(differences.length, "difference")} in ${count(objects, "object")}.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** Both values; of long ones, what is around the first character that differs. */
export function excerpts({ declared, running }: Pick<Difference, "declared" | "running">): [declared: string, running: string] {
  const [one, other] = [declared ?? "", running ?? ""];
  let same = 0;
  while (same < Math.min(one.length, other.length) && one[same] === other[same]) same++;
  const from = declared === null || running === null ? 0 : Math.max(0, same - 15);
  const show = (value: string | null) => (value === null ? NONE : value.length <= WIDTH ? value : `${from > 0 ? "…" : ""}${value.slice(from, from + WIDTH)}${from + WIDTH < value.length ? "…" : ""}`);
  return [show(declared), show(running)];
}
