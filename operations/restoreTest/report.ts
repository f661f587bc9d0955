import type { Versions } from "../../domain/backup/recoveryPoint";
import type { To } from "../backup/restoreTarget";
import type { Kind } from "./choice";

/** One thing that was looked at. */
export interface Check {
  readonly part: "database" | "artifacts" | "mlflow" | "broker" | "bot" | "page" | "isolation" | "clean-up";
  /** What has to be so. */
  readonly name: string;
  readonly passed: boolean;
  /** What was seen. */
  readonly detail: string;
}

/** Seconds of what a real restore would have to do as well; null for what was not reached, or had nothing to do. */
export interface Durations {
  /** From the second copy. */
  readonly fetch: number | null;
  /** The database's files out of the repository. */
  readonly restore: number | null;
  /** The log replayed. */
  readonly recover: number | null;
  /** The rows held against the manifest, the indexes against the rows. */
  readonly verify: number | null;
  readonly artifacts: number | null;
  /** Database, MLflow, broker, page and bots up and looked at. */
  readonly applications: number | null;
}

/** What `npx trading restore-test` found: the file DATE.json beside the page DATE.md. */
export interface RestoreTestReport {
  readonly format: 1;
  /** When it began, for example `2026-11-21T181500Z`: the name of its files. */
  readonly id: string;
  readonly stack: string;
  /** Name of the stack that was made for it and is gone again. */
  readonly temporaryStack: string;
  readonly trigger: "command" | "schedule";
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly passed: boolean;
  /** Why it could not go on; null where it came to its end. */
  readonly failure: string | null;
  readonly from: "first" | "second" | null;
  readonly kind: Kind | null;
  readonly target: To | null;
  /** With the same seed and the same backups the same is chosen. */
  readonly seed: number;
  /** The recovery point that the restored rows were held against. */
  readonly point: {
    readonly id: string;
    readonly snapshotAt: string;
    readonly label: string;
    readonly type: string;
    readonly databaseBytes: number;
    /** Whose artifacts belong to the target; null when none were ever stored. */
    readonly artifacts: { readonly point: string; readonly snapshot: string } | null;
  } | null;
  readonly versions: { readonly saved: Versions; readonly restored: Readonly<Record<string, unknown>> | null } | null;
  /** Service -> id of the image it was started from. */
  readonly images: Readonly<Record<string, string>>;
  readonly seconds: Durations;
  /** Sum of what was reached: how long a restore would take to running applications. */
  readonly recoverySeconds: number;
  readonly totalSeconds: number;
  readonly dataLoss: {
    /** Newest time of an event that came back; null where nothing bears a time up to the target. */
    readonly newestEvent: string | null;
    /** Seconds from it to the target: what a restore of that moment loses at most. */
    readonly beforeTarget: number | null;
    /** Seconds from it to the beginning of the test. */
    readonly beforeTest: number | null;
  };
  readonly checks: readonly Check[];
  readonly notes: readonly string[];
  /** The test before this one. */
  readonly previous: { readonly id: string; readonly passed: boolean; readonly recoverySeconds: number } | null;
  readonly nextDue: string;
}

/** @param epochMilliseconds when the test began @returns a name without colons, which Windows does not take */
export function reportId(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace(/\.\d+Z$/, "Z").replaceAll(":", "");
}

/** @returns epoch milliseconds, or undefined for what is no report's id */
export function timeOfReport(id: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d)(\d\d)(\d\d)Z$/.exec(id);
  return match ? Date.parse(`${match[1]}:${match[2]}:${match[3]}Z`) : undefined;
}

export function sumOf(seconds: Durations): number {
  return round(Object.values(seconds).reduce<number>((sum, value) => sum + ((value as number | null) ?? 0), 0));
}

/** Tenths of a second. */
export function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

/**
 * How much was lost. A replayed market bears times of its own: what lies after the target is no event before it.
 *
 * @param newest newest times of the tables' rows and of the log, ISO
 * @param target epoch milliseconds of the moment that was asked for
 * @param began epoch milliseconds of the test's beginning
 */
export function dataLossOf(newest: readonly string[], target: number, began: number): RestoreTestReport["dataLoss"] {
  const times = newest.map((time) => Date.parse(time)).filter((time) => time <= target);
  if (times.length === 0) return { newestEvent: null, beforeTarget: null, beforeTest: null };
  const last = Math.max(...times);
  return { newestEvent: new Date(last).toISOString(), beforeTarget: round((target - last) / 1000), beforeTest: round((began - last) / 1000) };
}

const DAY = 86_400_000;

/** When the next test should have been made. */
export function nextDue(finishedAt: number, every: "weekly" | "monthly"): number {
  if (every === "weekly") return finishedAt + 7 * DAY;
  const next = new Date(finishedAt);
  const day = next.getUTCDate();
  next.setUTCDate(1);
  next.setUTCMonth(next.getUTCMonth() + 1);
  const last = new Date(Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 0)).getUTCDate();
  next.setUTCDate(Math.min(day, last));
  return next.getTime();
}
