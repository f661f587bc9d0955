import Fastify, { type FastifyInstance } from "fastify";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Logger } from "./log";

/** Whether the service makes the progress it is there for; the reason is read by people. */
export interface Readiness {
  ready: boolean;
  reason: string;
}

export interface ServiceServer {
  /** Add routes before `listen`. */
  app: FastifyInstance;
  /** Register the service's own metrics here. */
  registry: Registry;
  listen(port?: number): Promise<void>;
  close(): Promise<void>;
}

/** HTTP status code carried by errors that a route throws on purpose. */
function statusOf(error: unknown): number {
  const code = (error as { statusCode?: unknown }).statusCode;
  return typeof code === "number" && code >= 400 ? code : 500;
}

/** The endpoints every service has: `/livez`, `/readyz` (200 or 503) and `/metrics`. */
export function createServer(options: {
  log: Logger;
  readiness: () => Readiness | Promise<Readiness>;
}): ServiceServer {
  const { log, readiness } = options;
  const registry = new Registry();
  // At the default of 10 ms the event loop's histogram alone costs a resting program most of its CPU.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  // Keep-alive connections of health checks and scrapers must not hold up a stop.
  const app = Fastify({ logger: false, forceCloseConnections: true, bodyLimit: 65_536 });

  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error);
    const message = error instanceof Error ? error.message : String(error);
    if (status >= 500) log.error({ err: error, method: request.method, url: request.url }, "request failed");
    return reply.code(status).send({ error: status >= 500 ? "internal error" : message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "not found" }));

  app.get("/livez", () => ({ alive: true }));
  app.get("/readyz", async (_request, reply) => {
    const state = await Promise.resolve()
      .then(readiness)
      .catch((error: unknown): Readiness => ({
        ready: false,
        reason: error instanceof Error ? error.message : String(error),
      }));
    return reply.code(state.ready ? 200 : 503).send(state);
  });
  app.get("/metrics", async (_request, reply) => {
    const text = await registry.metrics();
    return reply.type(registry.contentType).send(text);
  });

  return {
    app,
    registry,
    listen: async (port = 8080) => {
      await app.listen({ host: "0.0.0.0", port });
    },
    close: () => app.close(),
  };
}
