import type { Candle } from "../../../../domain/candles";
import type { CandleSource } from "../../../../services/feed/source";

export const hour = 3_600_000;
/** A full hour. */
export const start = Date.UTC(2024, 0, 1);

/** A well-formed candle so many hours after the start. */
export function candleAt(hours: number, change: Partial<Candle> = {}): Candle {
  return { openTime: start + hours * hour, open: 100, high: 110, low: 90, close: 105, volume: 1, ...change };
}

/** A source of one symbol. */
export function sourceOf(candles: readonly Candle[], identity = "test", symbol = "BTC"): CandleSource {
  return {
    identity,
    findings: [],
    at: (index) => {
      const candle = candles[index];
      return candle === undefined ? undefined : [{ symbol, candle }];
    },
  };
}
