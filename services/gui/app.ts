import type { FastifyRequest } from "fastify";
import type { Database } from "../shared/database";
import { isConnectionError } from "../shared/database";
import type { Logger } from "../shared/log";
import { createServer, type ServiceServer } from "../shared/server";
import { isAllowedHost } from "./hosts";
import { addPage, securityHeaders } from "./pageFiles";
import { BackupReader } from "./backupReader";
import { readPerformance } from "./performanceReader";
import { ServiceProbe } from "./probes";
import { TradingReader } from "./reader";
import type { StatusRows } from "./rows";
import type { BotSettings, GuiSettings } from "./settings";
import { Snapshot } from "./snapshot";
import { statusView } from "./status";

export interface GuiOptions {
  stack: string;
  mode: "paper" | "live";
  settings: GuiSettings;
  database: Pick<Database, "db">;
  log: Logger;
  /** Folder of the page's files. */
  pageFolder: string;
}

/** An error whose message the asker sees. */
class RequestError extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** The page and its JSON API on top of the endpoints that every service has. */
export function createGui(options: GuiOptions): ServiceServer {
  const { settings, log } = options;
  const reader = new TradingReader(options.database.db);
  const snapshot = new Snapshot<StatusRows>(() => reader.status(settings.bots));
  const broker = new ServiceProbe("broker", settings.brokerUrl);
  const livefeed = new ServiceProbe("livefeed", settings.livefeedUrl);
  const backups = settings.backupUrl === null ? undefined : new BackupReader(settings.backupUrl);

  const server = createServer({
    log,
    readiness: async () => {
      const { problem } = await snapshot.get();
      return problem === undefined ? { ready: true, reason: "reads the database" } : { ready: false, reason: `database: ${problem}` };
    },
  });
  const { app } = server;

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(securityHeaders);
    if (!isAllowedHost(request.headers.host)) throw new RequestError(403, "this name is not served here: use localhost or 127.0.0.1");
  });
  addPage(app, options.pageFolder);

  app.get("/api/status", async (_request, reply) => {
    const [database, brokerView, livefeedView, backup] = await Promise.all([snapshot.get(), broker.read(), livefeed.read(), backups?.read() ?? null]);
    const { stack, mode } = options;
    const view = statusView({ now: Date.now(), stack, mode, settings, database, broker: brokerView, livefeed: livefeedView, backup });
    return reply.header("cache-control", "no-store").send(view);
  });

  const route = <T>(path: string, defaultLimit: number, maximum: number, read: (bot: BotSettings, limit: number) => Promise<T>): void => {
    app.get(path, async (request, reply) => {
      const answer = await fromDatabase(() => read(botOf(request, settings.bots), limitOf(request, defaultLimit, maximum)));
      return reply.header("cache-control", "no-store").send(answer);
    });
  };
  route("/api/candles", 300, 2000, (bot, limit) => reader.candles(bot, limit));
  route("/api/trades", 200, 2000, (bot, limit) => reader.trades(bot.name, limit));
  route("/api/equity", 1000, 5000, (bot, limit) => reader.equity(bot.name, limit));
  route("/api/findings", 50, 2000, (bot, limit) => reader.findings(bot, limit));
  route("/api/decisions", 50, 2000, (bot, limit) => reader.decisions(bot.name, limit));
  route("/api/performance", 1, 1, (bot) => readPerformance(options.database.db, bot.name));
  return server;
}

function queryValue(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}

/** The bot named in the query, or the first one. */
function botOf(request: FastifyRequest, bots: readonly BotSettings[]): BotSettings {
  const name = queryValue(request, "bot") ?? bots[0]!.name;
  const bot = bots.find((candidate) => candidate.name === name);
  if (bot === undefined) throw new RequestError(404, `no bot of that name; known: ${bots.map((candidate) => candidate.name).join(", ")}`);
  return bot;
}

function limitOf(request: FastifyRequest, defaultLimit: number, maximum: number): number {
  const text = queryValue(request, "limit");
  if (text === undefined) return defaultLimit;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > maximum) throw new RequestError(400, `limit must be a whole number from 1 to ${maximum}`);
  return limit;
}

async function fromDatabase<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isConnectionError(error)) throw new RequestError(503, "the database does not answer");
    throw error;
  }
}
