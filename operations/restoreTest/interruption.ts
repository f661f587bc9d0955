/** Signals that end a command; a closed terminal window is one of them. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Lets the signals end the process again, as before. */
  giveBack(): void;
}

/**
 * While something stands that has to be taken down, a signal ends the work and not the process. A second one does what
 * it did before.
 *
 * @param tell told of the first signal
 */
export function takeInterruptions(tell: () => void): Interruption {
  const aborted = new AbortController();
  const before = SIGNALS.map((name) => [name, process.listeners(name)] as const);
  const giveBack = () => {
    for (const [name, listeners] of before) {
      process.removeListener(name, first);
      for (const listener of listeners) if (!process.listeners(name).includes(listener)) process.on(name, listener);
    }
  };
  const first = () => {
    if (aborted.signal.aborted) return;
    giveBack();
    tell();
    aborted.abort(new Error("interrupted"));
  };
  for (const [name, listeners] of before) {
    for (const listener of listeners) process.removeListener(name, listener);
    process.on(name, first);
  }
  return { signal: aborted.signal, giveBack };
}
