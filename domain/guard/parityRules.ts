import { percent } from "../feedQuality/text";
import type { GuardFacts, GuardThresholds } from "./facts";
import type { Act, Verdict } from "./verdict";

const freeze = { kind: "freeze" } as const;

/** Tracking error of the newest comparison with a replay: the further off, the further it goes. */
export function trackingError({ bots }: GuardFacts, thresholds: Pick<GuardThresholds, "trackingErrorWarnShare" | "trackingErrorFreezeShare" | "trackingErrorReduceShare">): Verdict[] {
  const steps: readonly (readonly [number, Act])[] = [
    [thresholds.trackingErrorWarnShare, { kind: "alert", severity: "warning" }],
    [thresholds.trackingErrorFreezeShare, freeze],
    [thresholds.trackingErrorReduceShare, { kind: "halt", level: "reduce" }],
  ];
  return bots.flatMap(({ name, parity }) => {
    const error = parity?.trackingError ?? 0;
    return steps
      .filter(([limit]) => error > limit)
      .map(([limit, act]): Verdict => {
        const reason = `${name} differs from the replay of what was recorded by ${percent(error)} a year; ${wordOf(act)} above ${percent(limit)}`;
        return { rule: "tracking-error", cause: `comparison ${parity!.id}`, bot: name, act, reason, numbers: { trackingError: error, limit } };
      });
  });
}

/** The bot decided otherwise than its strategy does on the same candles. */
export function decisionMismatch({ bots }: GuardFacts): Verdict[] {
  return bots.flatMap(({ name, parity }): Verdict[] => {
    if (parity === null || (!parity.frozen && parity.verdict !== "differs")) return [];
    return [{ rule: "decision-mismatch", cause: `comparison ${parity.id}`, bot: name, act: freeze, reason: `${name} differs from a replay of the same candles: ${parity.reason}`, numbers: { comparison: parity.id, verdict: parity.verdict } }];
  });
}

function wordOf(act: Act): string {
  switch (act.kind) {
    case "freeze":
      return "deploys are frozen";
    case "halt":
      return "exits only";
    default:
      return "a warning";
  }
}
