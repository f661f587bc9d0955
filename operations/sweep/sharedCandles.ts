import type { Candle } from "../../domain/candles";

const columns = ["openTime", "open", "high", "low", "close", "volume"] as const;

/** Candles in memory that all threads read: six doubles a candle. */
export function shareCandles(candles: readonly Candle[]): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(candles.length * columns.length * Float64Array.BYTES_PER_ELEMENT);
  const values = new Float64Array(buffer);
  candles.forEach((candle, index) => columns.forEach((column, position) => (values[index * columns.length + position] = candle[column])));
  return buffer;
}

export function sharedCandles(buffer: SharedArrayBuffer): Candle[] {
  const values = new Float64Array(buffer);
  return Array.from({ length: values.length / columns.length }, (_, index) => {
    const [openTime, open, high, low, close, volume] = values.subarray(index * columns.length, (index + 1) * columns.length) as unknown as [number, number, number, number, number, number];
    return { openTime, open, high, low, close, volume };
  });
}
