import type { Candle } from "../../domain/candles";
import type { Finding } from "./source";

export interface Verdict {
  /** False when the candle must not be written. */
  accepted: boolean;
  findings: Finding[];
}

/** Prices enclose each other, are positive and finite. */
function isConsistent({ open, high, low, close, volume }: Candle): boolean {
  return (
    [open, high, low, close, volume].every(Number.isFinite) &&
    low > 0 &&
    volume >= 0 &&
    low <= Math.min(open, close) &&
    high >= Math.max(open, close)
  );
}

/**
 * Judges a candle by itself and against the last accepted one of its symbol.
 * A gap is reported, not rejected: what the market did meanwhile is not known, but the candle is right.
 * @param interval length of a candle in milliseconds
 */
export function checkCandle(previous: Candle | undefined, candle: Candle, interval: number): Verdict {
  const { openTime, open, high, low, close, volume } = candle;
  const reject = (kind: string, details: Record<string, unknown>): Verdict => ({
    accepted: false,
    findings: [{ kind, openTime, details }],
  });
  if (!isConsistent(candle)) return reject("inconsistent", { open, high, low, close, volume });
  if (openTime % interval !== 0) return reject("off the interval", { open, high, low, close, volume });
  if (previous === undefined) return { accepted: true, findings: [] };
  if (openTime === previous.openTime) return reject("duplicate", { open, high, low, close, volume });
  if (openTime < previous.openTime) return reject("out of order", { after: new Date(previous.openTime).toISOString() });
  const missing = (openTime - previous.openTime) / interval - 1;
  const findings = missing > 0 ? [{ kind: "gap", openTime, details: { missingCandles: missing } }] : [];
  return { accepted: true, findings };
}
