import { describeTo } from "../backup/restoreTarget";
import { cell, duration, NONE, shortImage } from "../format";
import type { Durations, RestoreTestReport } from "./report";

const STEPS: readonly (readonly [keyof Durations, string])[] = [
  ["fetch", "Fetch from the second copy"],
  ["restore", "Restore the database's files"],
  ["recover", "Replay its log"],
  ["verify", "Verify rows and indexes"],
  ["artifacts", "Restore MLflow's artifacts"],
  ["applications", "Start database, MLflow, broker, page and bots"],
];

/** The report as a page for the owner, in Markdown. */
export function reportMarkdown(report: RestoreTestReport): string {
  const { stack, id, passed, failure, checks, notes } = report;
  const failed = checks.filter((check) => !check.passed);
  const lines = [
    `# Restore test of stack ${stack}, ${id}`,
    "",
    passed ? "**Passed.** The backup was restored, and the systems ran on what came back." : `**Failed.** ${failure ?? `${failed.length} of ${checks.length} checks did not hold.`}`,
    "",
    "| | |",
    "|---|---|",
    ...facts(report).map(([name, value]) => `| ${name} | ${cell(value)} |`),
    "",
    "## How long it took",
    "",
    "| step | seconds |",
    "|---|--:|",
    ...STEPS.map(([key, text]) => `| ${text} | ${seconds(report.seconds[key])} |`),
    `| **Time to running applications (RTO)** | **${report.recoverySeconds.toFixed(1)}** |`,
    `| The whole test, clean-up included | ${report.totalSeconds.toFixed(1)} |`,
    "",
    ...comparison(report),
    "## Checks",
    "",
    "| | part | what has to be so | what was seen |",
    "|---|---|---|---|",
    ...checks.map((check) => `| ${check.passed ? "ok" : "**FAILED**"} | ${check.part} | ${cell(check.name)} | ${cell(check.detail)} |`),
    "",
    ...(notes.length === 0 ? [] : ["## Notes", "", ...notes.map((note) => `- ${note}`), ""]),
    "## Versions and images",
    "",
    "| | in the backup | restored |",
    "|---|---|---|",
    ...versionRows(report),
    "",
    "| service | image |",
    "|---|---|",
    ...Object.entries(report.images).map(([service, image]) => `| ${service} | \`${shortImage(image)}\` |`),
    "",
  ];
  return lines.join("\n");
}

function facts(report: RestoreTestReport): [string, string][] {
  const { point, target, dataLoss } = report;
  return [
    ["From", report.from === null ? NONE : `the ${report.from} copy`],
    ["Restored to", target === null ? NONE : `${describeTo(target)} (${report.kind})`],
    ["Held against", point === null ? NONE : `recovery point ${point.id}, taken ${point.snapshotAt}; backup ${point.label} (${point.type}), ${megabytes(point.databaseBytes)}`],
    ["Artifacts", point?.artifacts ? `of recovery point ${point.artifacts.point}, snapshot ${point.artifacts.snapshot.slice(0, 8)}` : NONE],
    ["Newest event that came back", dataLoss.newestEvent ?? NONE],
    ["Lost before the target (RPO)", dataLoss.beforeTarget === null ? NONE : `at most ${duration(dataLoss.beforeTarget)}`],
    ["Age of the newest event at the test", dataLoss.beforeTest === null ? NONE : duration(dataLoss.beforeTest)],
    ["Begun", `${report.startedAt}, by ${report.trigger === "schedule" ? "the schedule" : "command"}; temporary stack ${report.temporaryStack}, seed ${report.seed}`],
    ["Next test due", report.nextDue.slice(0, 10)],
  ];
}

function comparison({ previous, recoverySeconds }: RestoreTestReport): string[] {
  if (previous === null) return ["This is the first test on record.", ""];
  const difference = recoverySeconds - previous.recoverySeconds;
  const change = `${difference >= 0 ? "+" : "-"}${Math.abs(difference).toFixed(1)} s`;
  return [`The test before, ${previous.id}, ${previous.passed ? "passed" : "failed"}, with an RTO of ${previous.recoverySeconds.toFixed(1)} s (${change} now).`, ""];
}

function versionRows({ versions }: RestoreTestReport): string[] {
  if (versions === null) return [`| ${NONE} | ${NONE} | ${NONE} |`];
  const { saved, restored } = versions;
  return Object.entries(saved).map(([name, value]) => `| ${name} | ${cell(value ?? NONE)} | ${cell(text(restored?.[name]))} |`);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : NONE;
}

function seconds(value: number | null): string {
  return value === null ? NONE : value.toFixed(1);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`;
}
