import pino, { type Logger } from "pino";

export type { Logger } from "pino";

/** Errors of clients carry whole connections with them; people need these fields. */
function serializeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  return { type: name, message, code, detail, stack };
}

/**
 * JSON lines on stdout. Written synchronously: a container that ends at once must still have said why.
 */
export function createLogger(service: string, level = "info", stack?: string): Logger {
  return pino(
    {
      level,
      base: stack === undefined ? { service } : { service, stack },
      serializers: { err: serializeError },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 1, sync: true }),
  );
}
