import type { Drill } from "../../control/drills";
import type { HaltLevel } from "../../control/levels";

/** One thing that was looked at. */
export interface Check {
  /** Level that was in force, or what was before and after all of them. */
  readonly when: HaltLevel | "before" | "after";
  /** What has to be so. */
  readonly name: string;
  readonly passed: boolean;
  /** What was seen. */
  readonly detail: string;
}

/** How long one level took; seconds, null for what was not reached or had nothing to do. */
export interface LevelResult {
  readonly level: HaltLevel;
  readonly incident: string;
  /** From the halt until the broker said that it holds to it. */
  readonly brokerSeconds: number | null;
  /** From the halt until the last bot's container had ended. */
  readonly stoppedSeconds: number | null;
  /** From the rearm until every bot was healthy again. */
  readonly backSeconds: number | null;
}

/** What `npx trading halt-drill` found: the file DATE.json beside the page DATE.md. */
export interface HaltDrillReport {
  readonly format: 1;
  /** When it began, for example `2026-11-27T081500Z`: the name of its files. */
  readonly id: string;
  readonly stack: string;
  readonly trigger: "command" | "schedule";
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly passed: boolean;
  /** Why it could not go on; null where it came to its end. */
  readonly failure: string | null;
  /** Ended by the owner, or by a halt that is no drill's: that says nothing of the halts. */
  readonly interrupted: boolean;
  readonly bots: readonly { readonly name: string; readonly wish: "running" | "stopped"; readonly position: number }[];
  readonly levels: readonly LevelResult[];
  readonly totalSeconds: number;
  readonly checks: readonly Check[];
  readonly notes: readonly string[];
  /** The drill before this one. */
  readonly previous: Drill | null;
  readonly nextDue: string;
}

/** What the guard reads of a drill. */
export function drillOf({ finishedAt, passed, previous, levels }: HaltDrillReport): Drill {
  return { format: 1, at: finishedAt, passed, passedAt: passed ? finishedAt : (previous?.passedAt ?? null), levels: levels.map(({ level, brokerSeconds }) => ({ level, seconds: brokerSeconds })) };
}
