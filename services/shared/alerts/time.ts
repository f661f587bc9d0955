/** The clocks the channel goes by, in milliseconds; a test puts its own. */
export interface AlertTime {
  /** Epoch time. Only told to people: somebody may set it. */
  wall(): number;
  /** Never jumps; every wait goes by it. */
  monotonic(): number;
  /** Returns when the time is up or the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** A timer cannot be set for longer than about 24 days. */
const longestTimer = 2_000_000_000;

export const systemTime: AlertTime = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(milliseconds, longestTimer));
      signal.addEventListener("abort", done);
    }),
};
