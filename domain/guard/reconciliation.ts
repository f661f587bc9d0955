import type { GuardFacts } from "./facts";
import type { Verdict } from "./verdict";

/** Intended, sent and filled do not fit together; the broker refuses entries by itself, a person has to hear of it. */
export function reconciliation({ bots }: GuardFacts): Verdict[] {
  return bots.flatMap(({ name, mismatch }): Verdict[] =>
    mismatch === null ? [] : [{ rule: "reconciliation", cause: mismatch.slice(0, 200), bot: name, act: { kind: "alert", severity: "critical" }, reason: `the broker's books of ${name} do not fit together: ${mismatch}`, numbers: {} }],
  );
}
