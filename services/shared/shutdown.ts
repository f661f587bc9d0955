import type { EventEmitter } from "node:events";
import type { Logger } from "./log";

export interface Shutdown {
  /** Aborted as soon as a stop was asked for: hand it to waits and retries. */
  readonly signal: AbortSignal;
  /** Registers a stop callback; the last registered runs first. */
  add(name: string, stop: () => unknown): void;
  /** Stops everything and ends the process; further calls change nothing. */
  stop(cause: string, exitCode?: number): Promise<void>;
}

export interface ShutdownOptions {
  log: Logger;
  /** Wall milliseconds after which the process ends with exit code 1; below Docker's grace of 10 s. */
  deadlineMilliseconds?: number;
  process?: Pick<EventEmitter, "on">;
  exit?: (code: number) => void;
}

/** Turns SIGTERM and SIGINT into one orderly stop: exit code 0, or 1 when a callback failed or hung. */
export function createShutdown(options: ShutdownOptions): Shutdown {
  const { log, deadlineMilliseconds = 8000 } = options;
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const controller = new AbortController();
  const callbacks: { name: string; stop: () => unknown }[] = [];
  let stopping: Promise<void> | undefined;

  async function run(cause: string, exitCode: number): Promise<void> {
    log.info({ cause }, "stopping");
    const deadline = setTimeout(() => {
      log.error({ deadlineMilliseconds }, "not stopped in time");
      exit(1);
    }, deadlineMilliseconds);
    controller.abort();
    let code = exitCode;
    for (const { name, stop } of callbacks.reverse()) {
      try {
        await stop();
      } catch (error) {
        code = code === 0 ? 1 : code;
        log.error({ err: error, step: name }, "could not stop");
      }
    }
    clearTimeout(deadline);
    log.info({ code }, "stopped");
    exit(code);
  }

  const shutdown: Shutdown = {
    signal: controller.signal,
    add: (name, stop) => void callbacks.push({ name, stop }),
    stop: (cause, exitCode = 0) => (stopping ??= run(cause, exitCode)),
  };
  for (const signal of ["SIGTERM", "SIGINT"]) {
    (options.process ?? process).on(signal, () => void shutdown.stop(signal));
  }
  return shutdown;
}
