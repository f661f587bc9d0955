import type { ReviewedCommit } from "./commits";
import type { Difference } from "./differences";
import type { LimitChange } from "./limits";
import type { Meaning } from "./meaning";
import type { Action, PolicyFinding } from "./previewEvents";

/** A review: what the commits from base to head would do to each stack. */
export interface Review {
  readonly format: 1;
  readonly base: ReviewedCommit;
  readonly head: ReviewedCommit;
  readonly stacks: readonly StackReview[];
  /** Why more may be lost, as commits say it. */
  readonly reasonsForMoreRisk: readonly { readonly commit: string; readonly reason: string }[];
}

export interface StackReview {
  readonly stack: string;
  /** `compared`: both were previewed. `new`, `gone`: only the head, only the base has it. `failed`: see problems. */
  readonly outcome: "compared" | "new" | "gone" | "failed";
  /** Why it could not be previewed. */
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<Action, number>>;
  /** All that are not untouched. */
  readonly resources: readonly ReviewedResource[];
  readonly meaning: readonly Meaning[];
  readonly limits: readonly LimitChange[];
  /** Why the risk limits cannot be compared, or null: it counts as raised. */
  readonly limitsUnknown: string | null;
  /** Differences of the stack's configuration, defaults included. */
  readonly configuration: readonly Difference[];
  readonly policies: readonly PolicyFinding[];
  /** Policy packs that were asked. */
  readonly packs: readonly string[];
}

export interface ReviewedResource {
  readonly action: Exclude<Action, "untouched">;
  /** For example `container`. */
  readonly kind: string;
  readonly name: string;
  readonly urn: string;
  readonly differences: readonly Difference[];
}

export const ACTIONS = ["added", "changed", "replaced", "removed", "untouched"] as const satisfies readonly Action[];

/** Whether more may be lost in a stack than before, as far as that is known. */
export function riskIsRaised({ limits, limitsUnknown }: StackReview): boolean {
  return limitsUnknown !== null || limits.some(({ raised }) => raised);
}

/** How a review ends. `unexplained`: risk limits are raised, and no commit says why. */
export type Verdict = "fine" | "failed" | "unexplained";

export function verdictOf({ stacks, reasonsForMoreRisk }: Review): Verdict {
  if (stacks.some(({ outcome, policies }) => outcome === "failed" || policies.some(({ level }) => level === "mandatory"))) return "failed";
  return stacks.some(riskIsRaised) && reasonsForMoreRisk.length === 0 ? "unexplained" : "fine";
}
