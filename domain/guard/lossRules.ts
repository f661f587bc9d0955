import { percent } from "../feedQuality/text";
import type { BotFacts, GuardFacts, GuardThresholds } from "./facts";
import type { Verdict } from "./verdict";

const kill = { kind: "halt", level: "kill" } as const;

/** Loss since midnight (UTC, market time), as a share of the equity then. */
export function dailyLoss({ bots }: GuardFacts, { dailyLossShare }: Pick<GuardThresholds, "dailyLossShare">): Verdict[] {
  return bots.flatMap(({ name, equity }): Verdict[] => {
    const loss = equity === null ? 0 : shareBelow(equity.dayLow, equity.dayStart);
    if (equity === null || loss <= dailyLossShare) return [];
    const { day, dailySince, dayStart, dayLow } = equity;
    const reason = `${name} lost ${percent(loss)} since ${day} 00:00 UTC (${money(dayStart)} to ${money(dayLow)}); allowed: ${percent(dailyLossShare)}`;
    return [{ rule: "daily-loss", cause: `${day}, counted from ${dailySince}`, bot: name, act: kill, reason, numbers: { loss, limit: dailyLossShare, from: dayStart, to: dayLow } }];
  });
}

/** Fall from the highest equity. */
export function drawdown({ bots }: GuardFacts, { drawdownShare }: Pick<GuardThresholds, "drawdownShare">): Verdict[] {
  return bots.flatMap(({ name, equity }: BotFacts): Verdict[] => {
    const fall = equity === null ? 0 : shareBelow(equity.low, equity.peak);
    if (equity === null || fall <= drawdownShare) return [];
    const { drawdownSince, peak, low } = equity;
    const reason = `${name} is ${percent(fall)} below its highest equity (${money(peak)} to ${money(low)}, counted from ${drawdownSince}); allowed: ${percent(drawdownShare)}`;
    return [{ rule: "drawdown", cause: `counted from ${drawdownSince}`, bot: name, act: kill, reason, numbers: { drawdown: fall, limit: drawdownShare, peak, equity: low } }];
  });
}

/** An equity that is no number, or a start that was nothing, counts as the worst. */
function shareBelow(value: number, from: number): number {
  const share = (from - value) / from;
  return Number.isFinite(share) ? share : 1;
}

function money(value: number): string {
  return value.toFixed(2);
}
