import { percent } from "../feedQuality/text";
import type { GuardFacts, GuardThresholds } from "./facts";
import type { Verdict } from "./verdict";

/** Open positions of all bots at present prices; entries are bounded by the broker, prices by nobody. */
export function exposure({ bots, stack }: GuardFacts, { exposureShare }: Pick<GuardThresholds, "exposureShare">): Verdict[] {
  const open = bots.filter(({ entryBar }) => entryBar !== null);
  const total = open.reduce((sum, bot) => sum + bot.exposure, 0);
  const limit = exposureShare * stack.exposureNotional;
  if (total <= limit) return [];
  // The same positions are the same cause, whatever their prices do.
  const cause = open
    .map(({ name, entryBar }) => `${name} since ${new Date(entryBar!).toISOString()}`)
    .sort()
    .join(", ")
    .slice(0, 200);
  const reason = `open positions are worth ${total.toFixed(2)}; allowed: ${limit.toFixed(2)}, which is ${percent(exposureShare)} of limits.exposureNotional`;
  return [{ rule: "exposure", cause, bot: null, act: { kind: "halt", level: "reduce" }, reason, numbers: { exposure: total, limit } }];
}
