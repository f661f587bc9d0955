import type { Readiness } from "../shared/server";

/** Where the bot stands. Times are wall milliseconds unless said otherwise. */
export interface BotProgress {
  /** What it waits for before it can decide, or null. */
  readonly waitingFor: string | null;
  /** Open time (epoch ms) of the last bar with a decision. */
  readonly decidedBar: number | null;
  /** Open time (epoch ms) of the last bar the broker worked. */
  readonly processedBar: number | null;
  /** When it last decided, or began to be able to. */
  readonly lastProgress: number;
}

/** Time to catch up before a bot that is behind counts as stuck. */
const patience = 5000;

/** Ready when the bot can decide and has decided up to the account's last bar. */
export function judge(progress: BotProgress, now: number): Readiness {
  const { waitingFor, decidedBar, processedBar, lastProgress } = progress;
  if (waitingFor !== null) return { ready: false, reason: waitingFor };
  if (processedBar === null) return { ready: true, reason: "registered; the account has no bar yet" };
  const decided = decidedBar !== null && decidedBar >= processedBar;
  if (!decided && now - lastProgress > patience) {
    const at = decidedBar === null ? "on no bar" : `up to ${iso(decidedBar)}`;
    return { ready: false, reason: `decided ${at}, but the account is at ${iso(processedBar)}` };
  }
  return { ready: true, reason: decidedBar === null ? "about to decide" : `decided up to ${iso(decidedBar)}` };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
