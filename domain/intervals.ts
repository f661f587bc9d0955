const unitMilliseconds: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Length of a candle interval in milliseconds.
 * @param interval a count and a unit, such as "1h", "15m" or "1d"
 * @throws RangeError when it is not of that form
 */
export function intervalMilliseconds(interval: string): number {
  const match = /^([1-9]\d{0,3})([mhd])$/.exec(interval);
  const unit = unitMilliseconds[match?.[2] ?? ""];
  if (unit === undefined) {
    throw new RangeError(`Interval "${interval}" is not a count and one of m, h, d, such as "1h"`);
  }
  return Number(match?.[1]) * unit;
}
