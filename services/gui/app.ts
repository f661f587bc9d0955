import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Database } from "../shared/database";
import { isConnectionError } from "../shared/database";
import type { Logger } from "../shared/log";
import { createServer, type ServiceServer } from "../shared/server";
import { isAllowedHost } from "./hosts";
import { addPage, securityHeaders } from "./pageFiles";
import { BackupReader } from "./backupReader";
import { ControlReader } from "./controlReader";
import { askJson, timeoutMilliseconds } from "./askJson";
import { alertState, guardStatus } from "./guardStatus";
import { addHaltRoutes } from "./haltRoutes";
import { openLines } from "./openLines";
import { readPerformance } from "./performanceReader";
import { ServiceProbe } from "./probes";
import { TradingReader } from "./reader";
import { RequestError } from "./requestError";
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
  /** The control folder, where halts are read and written. */
  control: string;
  /** Folder of the page's files. */
  pageFolder: string;
}

/** The page and its JSON API on top of the endpoints that every service has. */
export function createGui(options: GuiOptions): ServiceServer {
  const { settings, log, stack, mode } = options;
  const reader = new TradingReader(options.database.db);
  const snapshot = new Snapshot<StatusRows>(() => reader.status(settings.bots));
  const broker = new ServiceProbe("broker", settings.brokerUrl);
  const livefeed = new ServiceProbe("livefeed", settings.livefeedUrl);
  const backups = settings.backupUrl === null ? undefined : new BackupReader(settings.backupUrl);
  const guard = settings.guardUrl === null ? undefined : { probe: new ServiceProbe("guard", settings.guardUrl), status: asking(settings.guardUrl, "/v1/status", guardStatus) };
  const alerts = {
    guard: settings.guardUrl === null ? undefined : asking(settings.guardUrl, "/v1/alerts", alertState),
    backup: settings.backupUrl === null ? undefined : asking(settings.backupUrl, "/v1/alerts", alertState),
  };
  const control = new ControlReader(options.control, stack);

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
    const [database, brokerView, livefeedView, backup, source, said, ofGuard, ofBackup] = await Promise.all([
      ...([snapshot.get(), broker.read(), livefeed.read(), backups?.read() ?? null] as const),
      ...([guard?.probe.read(), guard?.status.get(), alerts.guard?.get() ?? null, alerts.backup?.get() ?? null] as const),
    ]);
    const guardSays = source === undefined || said === undefined ? null : { source, said };
    const services = { database, broker: brokerView, livefeed: livefeedView, backup, guard: guardSays, alerts: { guard: ofGuard, backup: ofBackup } };
    // Read last, so that a halt that came while the others were asked is in the answer.
    const view = statusView({ now: Date.now(), stack, mode, settings, ...services, control: control.read() });
    return reply.header("cache-control", "no-store").send(view);
  });

  const bots = settings.bots.map(({ name }) => name);
  addHaltRoutes(app, { stack, mode, bots, control, log, open: (bot) => openLines(snapshot.peek(), bots, bot) });

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

/** What a service says of itself, read when it is asked for. */
function asking<T>(url: string, path: string, schema: z.ZodType<T>): Snapshot<T> {
  return new Snapshot(() => askJson(url, path, schema), { freshMilliseconds: 1000, patienceMilliseconds: 2 * timeoutMilliseconds });
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
