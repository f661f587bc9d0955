/** A timer cannot be set for longer than about 24 days. */
const longestTimer = 2_000_000_000;

/** Waits so many wall milliseconds, at most about 23 days; an aborted signal ends the wait at once. */
export function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(milliseconds, longestTimer));
    signal?.addEventListener("abort", done);
  });
}
