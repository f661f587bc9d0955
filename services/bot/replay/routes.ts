import { join } from "node:path";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { deadline } from "../../../domain/deadline";
import { replayRequest } from "../../../domain/parity/replay";
import type { DatabaseSettings } from "../../shared/database";
import type { Logger } from "../../shared/log";
import { isBearer } from "../../shared/bearer";
import type { BotSettings } from "../settings";
import { ReplayRefused, replayInThread } from "./replayThread";

export interface ReplayParts {
  readonly app: FastifyInstance;
  /** Whoever asks has to have it: what a bot decides is not for other bots. */
  readonly token: string;
  readonly settings: BotSettings;
  readonly database: DatabaseSettings;
  readonly log: Logger;
  /** Ends a replay when the bot stops. */
  readonly signal: AbortSignal;
  /** The thread's program; beside this one unless given. */
  readonly workerFile?: string;
}

/** A replay that takes longer is given up. */
const longestMilliseconds = 60_000;
const bodyLimit = 131_072;

/** `POST /v1/replay`: what this image decides on the recorded candles, as lines of JSON; one replay at a time. */
export function addReplay({ app, token, settings, database, log, signal, workerFile = join(__dirname, "worker.js") }: ReplayParts): void {
  let busy = false;
  app.post("/v1/replay", { bodyLimit }, async (request, reply) => {
    if (!isBearer(request.headers.authorization, token)) return reply.code(401).send({ error: "a token is missing or wrong" });
    const parsed = replayRequest.safeParse(request.body);
    if (!parsed.success) return reply.code(400).send({ error: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") });
    if (busy) return reply.code(409).send({ error: "a replay is under way" });
    busy = true;
    const started = performance.now();
    const { symbol, interval, strategy, strategySettings } = settings;
    const work = { database, symbol, interval, strategy: { name: strategy, settings: strategySettings }, request: parsed.data };
    try {
      const lines = await replayInThread(workerFile, work, AbortSignal.any([signal, deadline(longestMilliseconds)]));
      const body = Readable.from(lines, { objectMode: false });
      body.on("close", () => {
        busy = false;
        log.info({ milliseconds: Math.round(performance.now() - started) }, "replayed");
      });
      return reply.type("application/x-ndjson").send(body);
    } catch (error) {
      busy = false;
      if (!(error instanceof ReplayRefused)) throw error;
      return reply.code(error.kind === "database" ? 503 : 409).send({ error: error.message });
    }
  });
}
