import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { NONE } from "../format";
import { plainTable } from "../statusText";
import type { Loss } from "./losses";
import type { RestoreKind } from "./restoreJournal";
import type { Target } from "./restoreTarget";

/** What has to be so before a restore may begin. */
export interface PlanFacts {
  readonly stack: string;
  readonly mode: "paper" | "live";
  readonly kind: RestoreKind;
  readonly target: Target;
  /** Stack whose backup it is by the command line, and whether another one was allowed. */
  readonly fromStack: string;
  readonly otherStackAllowed: boolean;
  readonly knownSchemas: KnownSchemas;
  readonly timescaleVersion: string;
  readonly freeBytes: number;
  readonly runningBots: readonly string[];
  /** `--confirm` was given. */
  readonly confirmed: boolean;
}

/** Schemas that the programs of a stack can work with. */
export interface KnownSchemas {
  /** Names of the migrations this project has, oldest first. */
  readonly trading: readonly string[];
  /** Alembic revisions that the stack's MLflow has; null where there is no MLflow to ask. */
  readonly mlflow: readonly string[] | null;
}

/** Schemas of databases; null of one that is not looked at, and of MLflow's before it was used. */
export interface Schemas {
  readonly tradingSchema: string | null;
  readonly mlflowSchema: string | null;
}

/** Why the stack's programs could not work with databases of these schemas, one line each. */
export function schemaProblems({ tradingSchema, mlflowSchema }: Schemas, { trading, mlflow }: KnownSchemas, stack: string): string[] {
  const way = `check out the release it was made with, or a newer one, and npm run pulumi -- up --stack ${stack} first`;
  const problems: string[] = [];
  if (tradingSchema !== null && tradingSchema !== "none" && !trading.includes(tradingSchema)) {
    problems.push(`the backup's schema ${tradingSchema} is newer than this project's (${trading.at(-1) ?? "none"}): ${way}`);
  }
  const unknown = (mlflowSchema ?? "").split(",").filter((revision) => revision !== "" && mlflow !== null && !mlflow.includes(revision));
  if (unknown.length > 0) problems.push(`the backup's revision ${unknown.join(", ")} of MLflow's database is newer than this stack's MLflow, which would not start on it: ${way}`);
  return problems;
}

/** Room beside what is restored: the log that is replayed, and temporary files. */
const SPARE_BYTES = 512 * 1024 * 1024;
/** A restored cluster may be somewhat larger than the databases in it were. */
const GROWTH = 1.2;

/**
 * Bytes that have to be free: old and new are there at the same time; one database alone goes through a cluster of its own.
 * Where the second copy is read, its repository comes on top, whose size is known only there: the fetch demands both.
 */
export function neededBytes(kind: RestoreKind, { base, artifacts }: Pick<Target, "base" | "artifacts">): number {
  const clusters = kind === "all" ? 1 : 2;
  return Math.ceil(base.databaseBytes * GROWTH * clusters + SPARE_BYTES + (kind === "db" ? 0 : (artifacts?.bytes ?? 0)));
}

/** Why this restore must not begin, one line each; empty when it may. */
export function refusals(facts: PlanFacts): string[] {
  const { stack, mode, kind, target, fromStack, otherStackAllowed, knownSchemas, timescaleVersion, freeBytes, runningBots, confirmed } = facts;
  const { base } = target;
  const problems: string[] = [];
  if ((base.stack !== stack || fromStack !== stack) && !otherStackAllowed) {
    problems.push(`the backup is of stack ${base.stack === stack ? fromStack : base.stack}, not of ${stack}: add --allow-other-stack when that is what you want`);
  }
  if (base.mode !== mode && !otherStackAllowed) problems.push(`the backup is of a ${base.mode} stack, and ${stack} is ${mode}: add --allow-other-stack when that is what you want`);
  const { tradingSchema, mlflowSchema } = base.versions;
  problems.push(...schemaProblems({ tradingSchema, mlflowSchema: kind === "db" ? null : mlflowSchema }, knownSchemas, stack));
  if (base.versions.timescaledb !== timescaleVersion) {
    problems.push(`the backup was made with TimescaleDB ${base.versions.timescaledb}, and this image has ${timescaleVersion || "none"}: a restore needs the same; its image is in the backup, runbooks/Backup_And_Restore.md says how to bring it back`);
  }
  const needed = neededBytes(kind, target);
  if (freeBytes < needed) problems.push(`not enough room: ${size(needed)} are needed, since the old data stays until the new is verified, and ${size(freeBytes)} are free`);
  if (mode === "live" && runningBots.length > 0 && !confirmed) problems.push(`live bots run (${runningBots.join(", ")}): add --confirm ${stack}, and they are stopped`);
  return problems;
}

/** Bytes for people. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** What is going to happen and what would be lost, before the owner is asked. */
export function planText(input: { readonly stack: string; readonly kind: RestoreKind; readonly target: Target; readonly lost: readonly Loss[] | string; readonly safety: string; readonly stops: readonly string[] }): string {
  const { stack, kind, target, lost, safety, stops } = input;
  const what = { all: "the databases trading and mlflow, and MLflow's artifacts,", db: "the database trading", mlflow: "the database mlflow and MLflow's artifacts" }[kind];
  const lines = [
    `Stack ${stack}: ${what} as of ${target.at}.`,
    `  ${target.exact ? `Exactly backup ${target.base.id}` : `Built on backup ${target.base.id} (${target.base.snapshotAt}) and the archived log`}; ${versionsOf(target.base)}.`,
  ];
  if (kind !== "db") lines.push(target.artifacts === null ? "  No artifacts are stored: those that are there stay as they are." : `  Artifacts as they were stored at ${target.artifacts.at} (backup ${target.artifacts.point})${beyond(target)}.`);
  lines.push(`  It is brought back beside the running stack first; what is written meanwhile is lost too. Then these are stopped for a moment: ${stops.join(", ")}.`, `  ${safety}`, "");
  lines.push(lossText(lost, target));
  return `${lines.join("\n")}\n`;
}

/** Files are stored with each recovery point, and the log is archived all the time. */
function beyond({ at, artifacts }: Target): string {
  if (artifacts === null || Date.parse(artifacts.at) >= Date.parse(at)) return "";
  return "; what MLflow refers to from after that is taken from those that are there now, as far as it is";
}

function versionsOf({ versions }: RecoveryPoint): string {
  return `PostgreSQL ${versions.postgres}, TimescaleDB ${versions.timescaledb}, schema ${versions.tradingSchema}, MLflow's schema ${versions.mlflowSchema ?? "none"}`;
}

function lossText(lost: readonly Loss[] | string, target: Target): string {
  if (typeof lost === "string") return `What would be lost is not known: ${lost}`;
  if (lost.length === 0) return "Nothing would be lost: every table holds what it held then.";
  const head = ["table", "rows now", "newest now", target.exact ? "rows then" : `rows at ${target.base.id}`, "newer than the target"];
  const short = (time: string | null) => time?.replace(/\.\d+/, "") ?? NONE;
  const rows = lost.map(({ database, table, rows: held, newest, rowsThen, newer }) => {
    return [`${database}: ${table}`, String(held), short(newest), rowsThen === null ? "no such table" : String(rowsThen), newer === null ? NONE : String(newer)];
  });
  const note = target.exact ? "" : `\nWhat was written between ${target.base.snapshotAt} and ${target.at} comes back from the log: these are the most that would be lost.`;
  return `What the stack holds now and would not hold then:\n${plainTable(head, rows)}${note}`;
}
