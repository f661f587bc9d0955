import { createHash } from "node:crypto";
import type { Candle } from "../candles";

/** SHA-256 (hex) of candles by what they say: the same however their file is written or packed. */
export function candlesHash(candles: readonly Candle[]): string {
  const hash = createHash("sha256");
  for (const { openTime, open, high, low, close, volume } of candles) hash.update(`${openTime},${open},${high},${low},${close},${volume}\n`);
  return hash.digest("hex");
}
