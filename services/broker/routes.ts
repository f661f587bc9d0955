import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { accountJson, readAccount } from "../shared/accountRecord";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import { unknownBot } from "../shared/words";
import { claimedId, parseIntent, type IntentRequest } from "./intents";
import type { BrokerMetrics } from "./metrics";
import { register } from "./registration";
import type { Rejections } from "./Rejections";
import type { BotSettings } from "./settings";
import type { Submission } from "./submit";
import { TokenBucket } from "./TokenBucket";
import type { TokenCheck } from "./tokens";
import type { Venue } from "./venue";

export interface RoutesContext {
  readonly stack: string;
  readonly bots: readonly BotSettings[];
  readonly tokens: TokenCheck;
  readonly database: Database;
  readonly venue: Venue;
  /** With a running market: time after a bar's close in which entries decided on it may come. */
  readonly windowMilliseconds: number;
  readonly metrics: BrokerMetrics;
  readonly rejections: Rejections;
  readonly log: Logger;
  /** Why the broker does nothing now, or null while it works. */
  readonly waitingFor: () => string | null;
  readonly submit: (bot: string, request: IntentRequest) => Promise<Submission>;
  /** A bot has registered: its loop has something to do. */
  readonly onRegistered: (bot: string) => void;
  /** An intent was answered for good. @param id null when it could not be read */
  readonly onAnswered: (bot: string, id: string | null) => void;
  /** Holds back a bot that sends too much; one of its own for each bot unless given. */
  readonly bucket?: () => TokenBucket;
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
    const { log, tokens, rejections, bucket = () => new TokenBucket() } = context;
    const buckets = new Map(context.bots.map(({ name }) => [name, bucket()]));
    api.decorateRequest("bot", "");

    // Both before the body is read: what is refused here costs next to nothing.
    api.addHook("onRequest", async (request, reply) => {
      const bot = tokens.botOf(request.headers.authorization);
      if (bot === null) {
        rejections.count(unknownBot, "authentication", `${request.method} ${request.url} without a valid token`);
        return reply.code(401).send({ error: "a bot's token is needed: Authorization: Bearer <token>" });
      }
      request.bot = bot;
      if (buckets.get(bot)?.take() === true) {
        const reason = context.waitingFor();
        return reason === null ? undefined : reply.code(503).send({ error: `${notNow}: ${reason}` });
      }
      rejections.count(bot, "throttled", `${request.method} ${request.url}: too many messages`);
      return reply.code(429).header("retry-after", "1").send({ status: "throttled" });
    });

    // What the framework refuses (no JSON, too large) is a refused request like any other.
    api.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
      const status = error.statusCode ?? 500;
      if (status >= 500) {
        log.error({ err: error, bot: request.bot, url: request.url }, "request failed");
        return reply.code(503).send({ error: notNow });
      }
      if (request.routeOptions.url === intentsPath) context.onAnswered(request.bot, null);
      return refuse(context, request, reply, "malformed", error.message, status);
    });

    api.post("/v1/register", { bodyLimit }, (request, reply) => onRegister(context, request, reply));
    api.post(intentsPath, { bodyLimit }, (request, reply) => onIntent(context, request, reply));
    api.get("/v1/account", async (request, reply) => {
      const record = await readAccount(context.database.db, request.bot);
      return record === undefined
        ? reply.code(404).send({ error: `bot ${request.bot} has not registered` })
        : reply.send(accountJson(record, context.venue.simulated));
    });
    done();
  });
}

const notNow = "not possible now, try again";
const intentsPath = "/v1/intents";

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
  const { startBar, warmupFrom, opened, replay } = registration;
  log.info({ bot: bot.name, opened, warmupBars: body.data.warmupBars, startBar, warmupFrom }, "bot registered");
  context.onRegistered(bot.name);
  return reply.send({
    bot: bot.name,
    symbol: bot.symbol,
    interval: bot.interval,
    startBar,
    warmupFrom,
    decisionWindowMilliseconds: replay ? null : context.windowMilliseconds,
    execution: venue.execution,
    configurationHash: bot.configurationHash,
    simulated: venue.simulated,
  });
}

async function onIntent(context: RoutesContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { metrics, log, stack, venue } = context;
  const { bot } = request;
  const parsed = parseIntent(request.body, { stack, bot });
  if ("reason" in parsed) {
    // It leaves no order; the bar must not wait for one all the same.
    context.onAnswered(bot, claimedId(request.body));
    return refuse(context, request, reply, "malformed", parsed.reason);
  }
  const { clientOrderId, intent } = parsed.request;
  const submission = await context.submit(bot, parsed.request);
  const { action } = intent;
  metrics.intents.inc({ bot, action, result: submission.kind });
  context.onAnswered(bot, clientOrderId);
  switch (submission.kind) {
    case "accepted":
      log.info({ bot, clientOrderId, intent, simulated: venue.simulated }, "intent accepted");
      return reply.code(201).send({ status: "accepted" });
    case "known":
      return reply.code(200).send({ status: submission.order.status });
    case "conflict":
      context.rejections.count(bot, "conflict", `another intent is known under ${clientOrderId}`);
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
  context.rejections.count(request.bot, kind, reason);
  return reply.code(status).send({ status: "rejected", reason });
}
