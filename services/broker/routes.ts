import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import { accountJson, readAccount } from "../shared/accountRecord";
import { parseIntent } from "./intents";
import type { BrokerMetrics } from "./metrics";
import { register } from "./registration";
import type { BotSettings } from "./settings";
import { submitIntent } from "./submit";
import type { TokenCheck } from "./tokens";
import type { Venue } from "./venue";

export interface RoutesContext {
  readonly stack: string;
  readonly bots: readonly BotSettings[];
  readonly tokens: TokenCheck;
  readonly database: Database;
  readonly venue: Venue;
  readonly metrics: BrokerMetrics;
  readonly log: Logger;
  /** A bot has registered, or its intent was taken in: its loop has something to do. */
  readonly onRegistered: (bot: string) => void;
  readonly onIntent: (bot: string) => void;
}

/** An intent is below 300 bytes. */
const bodyLimit = 2048;

const registerBody = z.strictObject({ warmupBars: z.int().min(0).max(100_000) });

declare module "fastify" {
  interface FastifyRequest {
    /** The bot whose token the request carries. */
    bot: string;
  }
}

/** The broker's API: /v1/register, /v1/intents, /v1/account. */
export function addRoutes(app: FastifyInstance, context: RoutesContext): void {
  void app.register((api, _options, done) => {
    const { metrics, log, tokens } = context;
    api.decorateRequest("bot", "");

    api.addHook("onRequest", async (request, reply) => {
      const bot = tokens.botOf(request.headers.authorization);
      if (bot === null) {
        metrics.rejections.inc({ bot: "unknown", kind: "authentication" });
        log.warn({ url: request.url }, "request without a valid token");
        return reply.code(401).send({ error: "a bot's token is needed: Authorization: Bearer <token>" });
      }
      request.bot = bot;
      return undefined;
    });

    // What the framework refuses (no JSON, too large) is a refused request like any other.
    api.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
      const status = error.statusCode ?? 500;
      if (status >= 500) {
        log.error({ err: error, bot: request.bot, url: request.url }, "request failed");
        return reply.code(503).send({ error: "not possible now, try again" });
      }
      return refuse(context, request, reply, "malformed", error.message, status);
    });

    api.post("/v1/register", { bodyLimit }, (request, reply) => onRegister(context, request, reply));
    api.post("/v1/intents", { bodyLimit }, (request, reply) => onIntent(context, request, reply));
    api.get("/v1/account", async (request, reply) => {
      const record = await readAccount(context.database.db, request.bot);
      return record === undefined
        ? reply.code(404).send({ error: `bot ${request.bot} has not registered` })
        : reply.send(accountJson(record, context.venue.simulated));
    });
    done();
  });
}

async function onRegister(context: RoutesContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { log, venue } = context;
  const body = registerBody.safeParse(request.body);
  if (!body.success) {
    return refuse(context, request, reply, "malformed", "the body must be {warmupBars: a whole number from 0 to 100000}");
  }
  const bot = context.bots.find((known) => known.name === request.bot)!;
  const registration = await register(context.database, bot);
  if (registration.kind !== "registered") {
    log.warn({ bot: bot.name, reason: registration.reason }, "bot not registered");
    return reply.code(registration.kind === "early" ? 503 : 409).send({ error: registration.reason });
  }
  const { startBar, warmupFrom, opened } = registration;
  log.info({ bot: bot.name, opened, warmupBars: body.data.warmupBars, startBar, warmupFrom }, "bot registered");
  context.onRegistered(bot.name);
  return reply.send({
    bot: bot.name,
    symbol: bot.symbol,
    interval: bot.interval,
    startBar,
    warmupFrom,
    execution: venue.execution,
    configurationHash: bot.configurationHash,
    simulated: venue.simulated,
  });
}

async function onIntent(context: RoutesContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { metrics, log, stack, venue } = context;
  const { bot } = request;
  const parsed = parseIntent(request.body, { stack, bot });
  if ("reason" in parsed) return refuse(context, request, reply, "malformed", parsed.reason);
  const { clientOrderId, intent } = parsed.request;
  const submission = await submitIntent(context.database, venue, bot, parsed.request);
  const { action } = intent;
  metrics.intents.inc({ bot, action, result: submission.kind });
  // A refused intent, too, was waited for.
  context.onIntent(bot);
  switch (submission.kind) {
    case "accepted":
      log.info({ bot, clientOrderId, intent, simulated: venue.simulated }, "intent accepted");
      return reply.code(201).send({ status: "accepted" });
    case "known":
      return reply.code(200).send({ status: submission.order.status });
    case "conflict":
      metrics.rejections.inc({ bot, kind: "conflict" });
      log.error({ bot, clientOrderId, intent }, "another intent is known under this id");
      return reply.code(409).send({ status: "conflict", reason: "another intent is known under this clientOrderId" });
    case "rejected":
      return refuse(context, request, reply, submission.rejection, submission.reason);
  }
}

function refuse(
  context: RoutesContext,
  request: FastifyRequest,
  reply: FastifyReply,
  kind: string,
  reason: string,
  status = 422,
): FastifyReply {
  const { bot } = request;
  context.metrics.rejections.inc({ bot, kind });
  context.log.warn({ bot, url: request.url, kind, reason }, "request refused");
  return reply.code(status).send({ status: "rejected", reason });
}
