import type { Candle } from "../../domain/candles";
import type { LiveSource } from "./liveSource";

/**
 * All closed candles of a range, page by page; both ends are open times in epoch ms.
 * @param closedBy the source's time: what closes later is left out
 */
export async function readHistory(source: Pick<LiveSource, "candles" | "mostCandles">, symbol: string, range: { readonly from: number; readonly to: number }, interval: number, closedBy: number): Promise<Candle[]> {
  const found: Candle[] = [];
  const to = Math.min(range.to, closedBy - interval);
  let from = range.from;
  while (from <= to) {
    const limit = Math.min(source.mostCandles, Math.ceil((to - from + 1) / interval) + 1);
    const page = (await source.candles(symbol, from, limit)).filter(({ openTime }) => openTime >= from && openTime <= to);
    found.push(...page);
    const last = page.at(-1);
    // A page without a candle is a time without one; what comes after a candle that lies off the interval may be there as well.
    from = last === undefined ? from + limit * interval : (Math.floor(last.openTime / interval) + 1) * interval;
  }
  return found;
}
