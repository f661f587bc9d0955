import type { GuardFacts, GuardThresholds } from "./facts";
import type { Verdict } from "./verdict";

const DAY = 86_400_000;

/** A stop that was never tried is a hope. */
export function haltDrill({ stack: { drill } }: GuardFacts, { haltDrillDays }: Pick<GuardThresholds, "haltDrillDays">): Verdict[] {
  if (drill === null) return [];
  const { last, firstStart, now } = drill;
  const days = Math.floor((now - (last ?? firstStart)) / DAY);
  if (now - (last ?? firstStart) <= haltDrillDays * DAY) return [];
  const reason = `${last === null ? `no halt drill was ever passed, and the stack is there for ${days} days` : `the newest halt drill is ${days} days old`}; allowed: ${haltDrillDays} days. Run \`npx trading halt-drill\``;
  return [{ rule: "halt-drill", cause: "overdue", bot: null, act: { kind: "alert", severity: "warning" }, reason, numbers: { days, limit: haltDrillDays } }];
}
