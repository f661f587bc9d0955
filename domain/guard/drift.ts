import type { GuardFacts, GuardThresholds } from "./facts";
import type { Verdict } from "./verdict";

const DAY = 86_400_000;
/** As many of what was found as a notice names. */
const NAMED = 3;

/** What runs was not deployed, or nobody knows: it was found by a command on the machine, and is told of until a later one finds nothing. */
export function drift({ stack: { drift: known } }: GuardFacts, { driftDays }: Pick<GuardThresholds, "driftDays">): Verdict[] {
  const { checked, differences, found, firstStart, now } = known;
  if (differences > 0) {
    const more = differences > NAMED ? `, and ${differences - NAMED} more` : "";
    const reason = `what runs is not what was deployed: ${found.slice(0, NAMED).join(", ")}${more}. \`npx trading drift\` shows it, and takes note when it is mended`;
    return [{ rule: "drift", cause: "found", bot: null, act: { kind: "alert", severity: "warning" }, reason, numbers: { differences } }];
  }
  const since = now - (checked ?? firstStart);
  if (since <= driftDays * DAY) return [];
  const days = Math.floor(since / DAY);
  const reason = `what runs was ${checked === null ? `never compared with what was deployed, and the stack is there for ${days} days` : `last compared with what was deployed ${days} days ago`}; allowed: ${driftDays} days. Run \`npx trading drift\`, and \`npx trading schedule install\` where no daily task does it`;
  return [{ rule: "drift", cause: "overdue", bot: null, act: { kind: "alert", severity: "warning" }, reason, numbers: { days, limit: driftDays } }];
}
