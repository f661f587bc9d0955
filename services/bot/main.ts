import { openDatabase } from "../shared/database";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, readSecret, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { Bot } from "./Bot";
import { BrokerClient } from "./brokerClient";
import { createMetrics } from "./metrics";
import { judge } from "./readiness";
import { botSettings } from "./settings";
import { startTracking } from "./tracking";

async function main(): Promise<void> {
  const { loaded, token } = settingsOrExit(() => ({ loaded: loadSettings(botSettings), token: readSecret("broker-token") }));
  const { stack, settings } = loaded;
  const log = createLogger(`bot-${settings.bot}`, loaded.logLevel, stack);
  const shutdown = createShutdown({ log });
  log.info({ mode: loaded.mode, strategy: settings.strategy, settings: settings.strategySettings }, "bot starts");

  const database = openDatabase(loaded.database, { log, applicationName: `bot-${settings.bot}`, poolSize: 2 });
  shutdown.add("database", () => database.close());

  let endTracking: (() => Promise<void>) | undefined;
  shutdown.add("tracking", () => endTracking?.());

  const server = createServer({ log, readiness: async () => judge(await bot.progress(), Date.now()) });
  shutdown.add("server", () => server.close());
  const bot: Bot = new Bot({
    stack,
    settings,
    databaseSettings: loaded.database,
    database,
    broker: new BrokerClient(settings.brokerUrl, token, log),
    metrics: createMetrics(server.registry),
    log,
    signal: shutdown.signal,
    onRegistered: (configurationHash) => {
      if (settings.mlflowUrl === null || endTracking !== undefined) return;
      endTracking = startTracking(settings.mlflowUrl, { stack, settings, configurationHash, database, log });
    },
  });
  await server.listen();
  const life = bot.run();
  shutdown.add("decisions", () => life.catch(() => undefined));
  await life.catch((error: unknown) => {
    log.fatal({ err: error }, "the bot cannot go on");
    return shutdown.stop("failure", 1);
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`bot: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
