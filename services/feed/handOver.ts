import type { Candle } from "../../domain/candles";
import type { RunningParts } from "./running";
import type { RunningMarket } from "./runningMarket";

/**
 * Hands a source's candles to the judge, and tells it which of them were revised after they were traded on. That is asked
 * first, so that nobody sees the candles that came with a revision before the feed is DOWN for it.
 */
export async function handOver(market: RunningMarket, candles: readonly Candle[], { reader, book, clocks }: Pick<RunningParts, "reader" | "book" | "clocks">): Promise<void> {
  const { judge } = market;
  const traded: number[] = [];
  for (const openTime of market.revisedBy(candles)) {
    if (await book.retry(() => reader.wasTraded(judge.symbol, openTime))) traded.push(openTime);
  }
  market.hand(candles, clocks.monotonic());
  for (const openTime of traded) judge.tell((quality) => quality.revisedAfterTrade(openTime, clocks.monotonic()));
}
