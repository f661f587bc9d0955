/** The market that a notification on channel `candle` is about; null when it names none and is not the feed's: any role may notify. */
export function symbolOf(payload: string): string | null {
  try {
    const { symbol } = JSON.parse(payload) as { symbol?: unknown };
    return typeof symbol === "string" ? symbol : null;
  } catch {
    return null;
  }
}
