import { cell, NONE } from "../format";
import type { HaltDrillReport } from "./report";

/** The report as a page for the owner, in Markdown. */
export function reportMarkdown(report: HaltDrillReport): string {
  const { id, stack, passed, levels, checks, notes, bots } = report;
  const lines = [
    `# Halt drill of stack ${stack}, ${id}`,
    "",
    passed ? "**Passed.** Every level was in force in time, let nothing out that it forbids, and was lifted again." : `**${report.interrupted ? "Interrupted" : "Failed"}.** ${reasonOf(report)}`,
    "",
    "| level | incident | in force after | bots stopped after | bots healthy again after |",
    "|---|---|--:|--:|--:|",
    ...levels.map((each) => `| ${each.level} | ${each.incident} | ${seconds(each.brokerSeconds)} | ${seconds(each.stoppedSeconds)} | ${seconds(each.backSeconds)} |`),
    "",
    previousText(report),
    "",
    "| bot | wished | position |",
    "|---|---|--:|",
    ...bots.map(({ name, wish, position }) => `| ${name} | ${wish} | ${position === 0 ? NONE : position} |`),
    "",
    "## Checks",
    "",
    "| | when | what has to be so | what was seen |",
    "|---|---|---|---|",
    ...checks.map((check) => `| ${check.passed ? "ok" : "**FAILED**"} | ${check.when} | ${cell(check.name)} | ${cell(check.detail)} |`),
    "",
    ...(notes.length === 0 ? [] : ["## Notes", "", ...notes.map((note) => `- ${note}`), ""]),
    `Begun ${report.startedAt}, by ${report.trigger === "schedule" ? "the schedule" : "command"}; ${report.totalSeconds.toFixed(1)} s in all. Next drill due ${report.nextDue.slice(0, 10)}.`,
    "",
  ];
  return lines.join("\n");
}

/** Why it did not pass, in a sentence. */
export function reasonOf({ failure, checks }: HaltDrillReport): string {
  return failure ?? `${checks.filter(({ passed }) => !passed).length} of ${checks.length} checks did not hold.`;
}

function previousText({ previous }: HaltDrillReport): string {
  if (previous === null) return "This is the first drill on record.";
  const levels = previous.levels.map((each) => `${each.level} ${seconds(each.seconds)}`).join(", ");
  return `The drill before, ${previous.at}, ${previous.passed ? "passed" : "failed"}; in force after: ${levels || NONE}.`;
}

function seconds(value: number | null): string {
  return value === null ? NONE : `${value.toFixed(2)} s`;
}
