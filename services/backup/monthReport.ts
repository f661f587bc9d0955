import { JOBS } from "../../domain/backup/jobs";
import { timeOfPoint, type Proof, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import type { MonthTally } from "./journal";

export interface MonthFacts {
  readonly stack: string;
  /** For example 2026-10. */
  readonly month: string;
  readonly tally: MonthTally;
  readonly points: readonly RecoveryPoint[];
  readonly proofs: readonly Proof[];
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const inMonth = (iso: string, month: string) => iso.slice(0, 7) === month;

/** Where a month's report belongs in the repository, without its ending. */
export function reportPath(stack: string, month: string): string {
  return `reports/backups/${month}-${stack}`;
}

/** What happened to a stack's backups in a month, for machines and for people. */
export function monthReport({ stack, month, tally, points, proofs }: MonthFacts): { readonly json: string; readonly markdown: string } {
  const kept = points.filter(({ id }) => inMonth(new Date(timeOfPoint(id)).toISOString(), month));
  const newest = kept.at(-1) ?? null;
  const proved = proofs.filter(({ provedAt }) => inMonth(provedAt, month));
  const jobs = JOBS.flatMap((job) => (tally.jobs[job] === undefined ? [] : [{ job, ...tally.jobs[job] }]));
  const content = {
    format: 1,
    stack,
    month,
    jobs,
    keptPoints: kept.map(({ id, kind, databaseBytes, storedBytes }) => ({ id, kind, databaseBytes, storedBytes })),
    proofs: proved,
    alarms: tally.alarms,
  };
  const lines = [
    `# Backups of ${stack}, ${month}`,
    "",
    "| job | good | failed | hours in all | stored | last failure |",
    "|---|---|---|---|---|---|",
    ...jobs.map(({ job, good, failed, seconds, storedBytes, lastFailure }) => `| ${job} | ${good} | ${failed} | ${(seconds / 3600).toFixed(2)} | ${megabytes(storedBytes)} | ${cell(lastFailure ?? "none")} |`),
    ...(jobs.length === 0 ? ["| none ran | | | | | |"] : []),
    "",
    newest === null ? "No recovery point of this month is kept." : `${kept.length} recovery points of this month are kept; the newest is ${newest.id}, of databases of ${megabytes(newest.databaseBytes)}.`,
    "",
    "## Restore tests",
    ...(proved.length === 0 ? ["None."] : proved.map(({ point, provedAt, from, to, restoreSeconds, passed }) => `- ${provedAt}: ${point} (to ${to}) from the ${from} copy in ${restoreSeconds.toFixed(0)} s: ${passed ? "passed" : "FAILED"}`)),
    "",
    "## Alarms",
    ...(Object.keys(tally.alarms).length === 0 ? ["None."] : Object.entries(tally.alarms).sort().map(([key, count]) => `- ${key}: ${count} times`)),
    "",
  ];
  return { json: `${JSON.stringify(content, null, 2)}\n`, markdown: lines.join("\n") };
}

/** Text that stays inside a cell of a table. */
function cell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|");
}
