/** A time of day such as "12:00" (UTC). */
export function clockTime(time: number): string {
  return new Date(time).toISOString().slice(11, 16);
}

/** A date and time such as "2026-01-02 12:00 UTC". */
export function dateTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

export function isoTime(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

/** Milliseconds as seconds for people: whole ones from ten on, a tenth below. */
export function seconds(milliseconds: number): number {
  const value = milliseconds / 1000;
  return Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
}

/** A fraction as percent, such as "12.3 %". */
export function percent(fraction: number): string {
  return `${Math.round(fraction * 1000) / 10} %`;
}

/** "1 candle", "2 candles". */
export function candles(count: number): string {
  return count === 1 ? "1 candle" : `${count} candles`;
}
