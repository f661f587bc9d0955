/** What is known before a bar is worked. Times are milliseconds. */
export interface Situation {
  /** The bot's decision on the bar before; null when there is none. */
  readonly decision: { readonly hasIntent: boolean; readonly orderKnown: boolean } | null;
  /** False for the first bar of an account: nothing can have been decided before it. */
  readonly decisionExpected: boolean;
  /** Whether the bot is there (holds its lock) or expected back; asked only when something is missing. */
  readonly present: boolean;
  /** Since this bar could have been worked. */
  readonly waited: number;
  readonly grace: number;
}

export type Missing = "decision" | "intent";

export type Step =
  /** Work the bar; what was missing, and why it was not waited for any longer. */
  | { readonly work: true; readonly missing: null }
  | { readonly work: true; readonly missing: Missing; readonly because: "absent" | "grace" }
  | { readonly work: false; readonly missing: Missing };

/** What of the bar before is missing, or null. */
export function missingOf(situation: Pick<Situation, "decision" | "decisionExpected">): Missing | null {
  if (!situation.decisionExpected) return null;
  if (situation.decision === null) return "decision";
  return situation.decision.hasIntent && !situation.decision.orderKnown ? "intent" : null;
}

/**
 * A bar waits for what the bot decided on the one before, so that a replay gives the same trades at any speed; but only
 * for a bot that is there, and no longer than the grace.
 */
export function nextStep(situation: Situation): Step {
  const missing = missingOf(situation);
  if (missing === null) return { work: true, missing };
  if (!situation.present) return { work: true, missing, because: "absent" };
  if (situation.waited >= situation.grace) return { work: true, missing, because: "grace" };
  return { work: false, missing };
}
