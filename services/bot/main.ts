import { setTimeout as delay } from "node:timers/promises";
import { openDatabase } from "../shared/database";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, readOptionalSecret, readSecret, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { Bot } from "./Bot";
import { BrokerClient } from "./brokerClient";
import { createMetrics } from "./metrics";
import { judge } from "./readiness";
import { addReplay } from "./replay/routes";
import { RunKeeper } from "./RunKeeper";
import { runParams } from "./runRecord";
import { RunSender } from "./RunSender";
import { RunStore } from "./runStore";
import { botSettings } from "./settings";

/** What the last steps may take at most, so that all of them are done within Docker's grace of 10 s. */
const noteMilliseconds = 1000;
const goodbyeMilliseconds = 500;
const deadlineMilliseconds = 9500;
/** MLflow has what is left of this time after the stop was asked for, and not more than so much. */
const sendByMilliseconds = 8000;
const sendMilliseconds = 5000;

async function main(): Promise<void> {
  const { loaded, token, replayToken } = settingsOrExit(() => ({ loaded: loadSettings(botSettings), token: readSecret("broker-token"), replayToken: readOptionalSecret("replay-token") }));
  const { stack, settings } = loaded;
  const { bot: name } = settings;
  const log = createLogger(`bot-${name}`, loaded.logLevel, stack);
  const shutdown = createShutdown({ log, deadlineMilliseconds });
  log.info({ mode: loaded.mode, strategy: settings.strategy, settings: settings.strategySettings }, "bot starts");

  // The decisions have a connection of their own: this one is for the runs.
  const database = openDatabase(loaded.database, { log, applicationName: `bot-${name}-runs`, poolSize: 1 });
  shutdown.add("database", () => within(goodbyeMilliseconds, database.close()).catch(() => undefined));

  const image = process.env["TRADING_IMAGE"] || null;
  const store = new RunStore(database.db, name);
  const sender = settings.mlflowUrl === null ? undefined : new RunSender({ stack, bot: name, url: settings.mlflowUrl, store, log });
  const keeper = new RunKeeper({ store, image, log, onChange: () => sender?.wake() });
  let stoppedAt = 0;
  shutdown.signal.addEventListener("abort", () => (stoppedAt = performance.now()), { once: true });
  shutdown.add("run", async () => {
    await within(noteMilliseconds, keeper.end(failed ? "FAILED" : "FINISHED")).catch((error: unknown) =>
      log.warn({ error: (error as Error).message }, "the end of the run is not noted"),
    );
    await sender?.finish(Math.max(0, Math.min(sendMilliseconds, stoppedAt + sendByMilliseconds - performance.now())));
  });

  const server = createServer({ log, readiness: async () => judge(await within(3000, bot.progress()), performance.now()) });
  if (replayToken !== null) addReplay({ app: server.app, token: replayToken, settings, database: loaded.database, log, signal: shutdown.signal });
  shutdown.add("server", () => server.close());
  let failed = false;
  const bot: Bot = new Bot({
    stack,
    settings,
    databaseSettings: loaded.database,
    broker: new BrokerClient(settings.brokerUrl, token, log),
    metrics: createMetrics(server.registry),
    log,
    signal: shutdown.signal,
    onRegistered: ({ configurationHash }) => keeper.registered(runParams(settings, configurationHash, image)),
    onBar: (bar) => keeper.bar(bar),
  });
  await server.listen();
  const life = bot.run();
  shutdown.add("decisions", () => life.catch(() => undefined));
  await life.catch((error: unknown) => {
    failed = true;
    log.fatal({ err: error }, "the bot cannot go on");
    return shutdown.stop("failure", 1);
  });
}

/** What the work gives, or an error when it takes too long. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const limit = delay(milliseconds, undefined, { signal: answered.signal }).then(
    () => Promise.reject(new Error(`the database does not answer within ${milliseconds} ms`)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    answered.abort();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`bot: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
