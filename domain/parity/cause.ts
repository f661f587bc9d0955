import type { Decision } from "../strategies";
import type { BotRecord, FirstDifference } from "./compare";

/** Why a bot's record is another than that of a replay. */
export type Cause =
  /** There is no difference. */
  | "none"
  /** Each bar is decided on what the one before it showed. */
  | "one bar late"
  /** The bot saw other indicators from the beginning on, which come closer: they were seeded or warmed up otherwise. */
  | "indicator seed"
  /** The bot saw other prices at one bar than are recorded now. */
  | "revised candle"
  /** The same fill cost another fee, or was filled at another price. */
  | "fee"
  | "fill price"
  /** The bot decided nothing on a bar. */
  | "missed bar"
  /** The same view gave another decision: another strategy, other settings, or another account. */
  | "decision"
  /** A fill without its counterpart. */
  | "execution";

/** Part of the bars, or of the entries, that have to fit before lateness is named. */
const nearlyAll = 0.9;
/** Fewer bars prove no pattern. */
const fewest = 3;

/**
 * Names the difference by where the records part first, and by what they are like as a whole.
 * @param revised bars that are known to be recorded otherwise than they were when the bot saw them
 */
export function causeOf(first: FirstDifference | null, own: BotRecord, reference: BotRecord, revised: readonly number[] = []): Cause {
  if (first === null) return "none";
  if (isLate(own.decisions, reference.decisions)) return "one bar late";
  const begins = reference.decisions[0]?.bar;
  // What was revised before the first bar that is compared shows on that bar.
  if (revised.some((bar) => bar === first.bar || (bar < first.bar && first.bar === begins))) return "revised candle";
  if (first.kind === "fill") {
    if (first.own === null || first.reference === null) return "execution";
    return first.own.price === first.reference.price && first.own.quantity === first.reference.quantity ? "fee" : "fill price";
  }
  if (first.own === null || first.own.late === true) return "missed bar";
  if (first.reference === null) return "decision";
  const differences = keysOf(first.own).map((key) => distance(first.own!.indicators[key], first.reference!.indicators[key]));
  if (differences.every((difference) => difference === 0)) return "decision";
  return first.bar === begins && comesCloser(own.decisions, reference.decisions) ? "indicator seed" : "revised candle";
}

/** Whether each bar shows what the reference saw a bar before, or each entry comes a bar after the reference's. */
function isLate(own: readonly Decision[], reference: readonly Decision[]): boolean {
  const byBar = new Map(own.map((decision) => [decision.bar, decision]));
  const shifted = reference.slice(0, -1).flatMap((decision, index) => {
    const next = byBar.get(reference[index + 1]!.bar);
    return next === undefined ? [] : [{ decision, next, same: byBar.get(decision.bar) }];
  });
  if (shifted.length < fewest) return false;
  const sees = shifted.filter(({ decision, next, same }) => sameIndicators(next, decision) && (same === undefined || !sameIndicators(same, decision)));
  if (sees.length >= nearlyAll * shifted.length) return true;
  const entries = shifted.filter(({ decision }) => decision.action === "enter");
  return entries.length >= fewest && entries.filter(({ next, same }) => next.action === "enter" && same?.action !== "enter").length >= nearlyAll * entries.length;
}

/** Whether the indicators are nearer to each other at the end than at the beginning, as moving averages are that were begun otherwise. */
function comesCloser(own: readonly Decision[], reference: readonly Decision[]): boolean {
  const byBar = new Map(own.map((decision) => [decision.bar, decision]));
  const distances = reference.flatMap((decision) => {
    const other = byBar.get(decision.bar);
    return other === undefined ? [] : [Math.max(...keysOf(decision).map((key) => distance(decision.indicators[key], other.indicators[key])))];
  });
  const quarter = Math.max(1, Math.floor(distances.length / 4));
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  return mean(distances.slice(-quarter)) < mean(distances.slice(0, quarter)) / 2;
}

function keysOf({ indicators }: Decision): string[] {
  return Object.keys(indicators);
}

function sameIndicators(one: Decision, other: Decision): boolean {
  return keysOf(one).length > 0 && keysOf(one).every((key) => one.indicators[key] !== null && one.indicators[key] === other.indicators[key]);
}

/** Relative; 1 where only one of them is known. */
function distance(one: number | null | undefined, other: number | null | undefined): number {
  if (one === other) return 0;
  if (one === null || one === undefined || other === null || other === undefined) return 1;
  return Math.abs(one - other) / Math.max(Math.abs(one), Math.abs(other));
}
