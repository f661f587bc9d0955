import type { HeldPosition, StopPrice } from "./rows";

/**
 * The protective stop that worked during each bar: the last one handed in before the bar, while the position was held.
 * A bar on which a position opened or closed counts as held.
 * @param bars open times in epoch milliseconds, ascending
 * @param stops in any order; an entry's own stop is among them, made on the bar before the entry
 */
export function stopByBar(bars: readonly number[], positions: readonly HeldPosition[], stops: readonly StopPrice[]): Map<number, number> {
  const ordered = [...stops].sort((left, right) => left.bar - right.bar);
  const result = new Map<number, number>();
  for (const { entryBar, exitBar } of positions) {
    const entry = ordered.findLastIndex((stop) => stop.bar < entryBar);
    let current: number | undefined;
    let next = Math.max(entry, 0);
    for (const bar of bars) {
      if (bar < entryBar) continue;
      if (exitBar !== null && bar > exitBar) break;
      for (; next < ordered.length && ordered[next]!.bar < bar; next++) current = ordered[next]!.stopPrice;
      if (current !== undefined) result.set(bar, current);
    }
  }
  return result;
}
