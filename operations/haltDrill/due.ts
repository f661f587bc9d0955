import type { Drill } from "../../control/drills";
import { time } from "../format";
import { nextDue } from "../restoreTest/report";

const DAY = 86_400_000;
/** A drill that failed is tried again on another day, and not every time that somebody asks. */
const RETRY_MILLISECONDS = 20 * 3_600_000;

/**
 * When the next drill should be made: a month after the last, and a day before the guard calls it overdue.
 *
 * @param at epoch milliseconds of the last
 * @param days after which it is overdue
 */
export function nextDrill(at: number, days: number): number {
  return Math.min(nextDue(at, "monthly"), at + (days - 1) * DAY);
}

/** Whether it is time for a halt drill, by the record of the newest. @param days after which one is overdue */
export function haltDrillDue(newest: Drill | undefined, days: number, now: number): { readonly due: boolean; readonly text: string } {
  if (newest === undefined) return { due: true, text: "due: there was none yet" };
  const at = Date.parse(newest.at);
  // A clock that was set back must not put the next one off for ever.
  if (at > now) return { due: true, text: "due: the last one is of the future" };
  if (newest.passed) return nextDrill(at, days) > now ? { due: false, text: `due ${time(nextDrill(at, days))}` } : { due: true, text: "due" };
  if (now - at < RETRY_MILLISECONDS) return { due: false, text: `overdue; the last one failed and is tried again ${time(at + RETRY_MILLISECONDS)}` };
  return { due: true, text: "due" };
}
