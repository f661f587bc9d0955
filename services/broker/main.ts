import { openDatabase } from "../shared/database";
import { startWorkLoop } from "../shared/listen";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { BarLoop } from "./BarLoop";
import { createMetrics } from "./metrics";
import { judge, readProgress } from "./readiness";
import { addRoutes } from "./routes";
import { brokerSettings, readTokens } from "./settings";
import { TokenCheck } from "./tokens";
import { simulatedVenue } from "./venue";

const pollMilliseconds = 1000;

async function main(): Promise<void> {
  const { loaded, tokens } = settingsOrExit(() => {
    const loaded = loadSettings(brokerSettings);
    return { loaded, tokens: readTokens(loaded.settings) };
  });
  const { stack, settings } = loaded;
  const log = createLogger("broker", loaded.logLevel, stack);
  const shutdown = createShutdown({ log });
  const venue = simulatedVenue(settings.execution);
  log.info(
    { mode: loaded.mode, venue: venue.name, simulated: venue.simulated, bots: settings.bots.map((bot) => bot.name) },
    "all fills are simulated: no order leaves this broker",
  );

  const database = openDatabase(loaded.database, { log, applicationName: "broker", poolSize: 6 });
  shutdown.add("database", () => database.close());

  const server = createServer({
    log,
    readiness: async () =>
      judge(await readProgress(database), new Map([...loops].map(([bot, loop]) => [bot, loop.status])), Date.now()),
  });
  const metrics = createMetrics(server.registry);
  const graceMilliseconds = settings.decisionGraceSeconds * 1000;
  const loops = new Map(
    settings.bots.map(({ name }) => [
      name,
      new BarLoop({ bot: name, database, venue, graceMilliseconds, metrics, log }),
    ]),
  );
  addRoutes(server.app, {
    stack,
    bots: settings.bots,
    tokens: new TokenCheck(tokens),
    database,
    venue,
    metrics,
    log,
    onRegistered: (bot) => loops.get(bot)?.registered(),
    onIntent: (bot) => loops.get(bot)?.wake(),
  });

  const wakeUps = startWorkLoop({
    database: loaded.database,
    applicationName: "broker-listen",
    channels: ["candle", "decision"],
    // Each loop goes on by itself, so that a bot whose bars fail holds up no other.
    work: () => {
      for (const loop of loops.values()) loop.wake();
      return Promise.resolve();
    },
    pollMilliseconds,
    log,
  });
  shutdown.add("bar loops", () => Promise.all([...loops.values()].map((loop) => loop.close())));
  shutdown.add("wake-ups", () => wakeUps.close());
  shutdown.add("server", () => server.close());
  await server.listen();
  log.info({ venue: venue.name }, "broker listens");
}

main().catch((error: unknown) => {
  process.stderr.write(`broker: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
