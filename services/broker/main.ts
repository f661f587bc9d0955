import { CONTROL_MOUNT } from "../../control/folder";
import { openDatabase } from "../shared/database";
import { startWorkLoop } from "../shared/listen";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { BarLoop } from "./BarLoop";
import { BrokerLock, lockSession } from "./BrokerLock";
import { CandleReader } from "./CandleReader";
import { limitConnections } from "./connectionLimit";
import { createDesk } from "./desk";
import { Halts } from "./Halts";
import { LeaseLook } from "./LeaseLook";
import { createMetrics } from "./metrics";
import { judge, readProgress } from "./readiness";
import { Reconciliation } from "./Reconciliation";
import { Rejections } from "./Rejections";
import { addRoutes } from "./routes";
import { brokerSettings, readTokens } from "./settings";
import { TokenCheck } from "./tokens";
import { simulatedVenue } from "./venue";
import { symbolOf } from "./wakeUps";

/** What is notified is heard at once; this only catches what was lost. */
const pollMilliseconds = 5000;

async function main(): Promise<void> {
  const { loaded, tokens } = settingsOrExit(() => {
    const loaded = loadSettings(brokerSettings);
    return { loaded, tokens: readTokens(loaded.settings) };
  });
  const { stack, settings } = loaded;
  const log = createLogger("broker", loaded.logLevel, stack);
  const shutdown = createShutdown({ log });
  const venue = simulatedVenue(settings.execution);
  const names = settings.bots.map((bot) => bot.name);
  log.info(
    { mode: loaded.mode, venue: venue.name, simulated: venue.simulated, bots: names },
    "all fills are simulated: no order leaves this broker",
  );

  const database = openDatabase(loaded.database, { log, applicationName: "broker", poolSize: 6 });
  shutdown.add("database", () => database.close());
  const lock = new BrokerLock({
    log,
    open: (onLost) => lockSession(loaded.database, onLost),
    onHeld: () => {
      reconciliation.begin();
      for (const loop of loops.values()) loop.begin();
    },
  });
  shutdown.add("lock", () => lock.close());

  const server = createServer({
    log,
    readiness: async () => {
      const loopStatus = new Map([...loops].map(([bot, loop]) => [bot, loop.status]));
      const progress = lock.held ? await readProgress(database) : [];
      return judge(lock.waitingFor, progress, loopStatus, reconciliation.problems, halts.seen, performance.now());
    },
  });
  limitConnections(server.app.server);
  const metrics = createMetrics(server.registry);
  const halts = new Halts({ folder: process.env["CONTROL_FOLDER"] ?? CONTROL_MOUNT, stack, bots: names, metrics, log });
  shutdown.add("halts", () => halts.close());
  const rejections = new Rejections({ database, metrics, log });
  shutdown.add("counts of refused requests", () => rejections.close());
  const leases = new LeaseLook({ database, log, guard: settings.guard });
  shutdown.add("lease", () => leases.close());
  const reconciliation = new Reconciliation({ bots: names, database, venue, metrics, log, lock });
  shutdown.add("reconciliation", () => reconciliation.close());

  const candles = new CandleReader(database.db);
  const windowMilliseconds = settings.decisionWindowSeconds * 1000;
  const loops = new Map(
    settings.bots.map(({ name, symbol }) => [
      name,
      new BarLoop({
        ...{ stack, bot: name, symbol, database, candles, venue, metrics, log, lock, halts, windowMilliseconds },
        graceMilliseconds: settings.decisionGraceSeconds * 1000,
      }),
    ]),
  );
  addRoutes(server.app, {
    ...{ stack, bots: settings.bots, tokens: new TokenCheck(tokens), database, venue, windowMilliseconds },
    ...{ metrics, rejections, log, waitingFor: () => lock.waitingFor },
    submit: createDesk({ settings, database, venue, leases, halts, reconciliation }),
    onRegistered: (bot) => loops.get(bot)?.registered(),
    onAnswered: (bot, id) => loops.get(bot)?.answered(id),
  });

  const wakeUps = startWorkLoop({
    database: loaded.database,
    applicationName: "broker-listen",
    channels: ["candle", "decision"],
    // A notification wakes the loops it is about, and those alone; the work below is for the poll and a new connection.
    concerns: (channel, payload) => {
      if (channel === "decision") {
        loops.get(payload)?.wake();
        return false;
      }
      const symbol = symbolOf(payload);
      if (symbol === null) return false;
      candles.outdated(symbol);
      for (const loop of loops.values()) if (loop.symbol === symbol) loop.candlesCame();
      return false;
    },
    // Each loop goes on by itself, so that a bot whose bars fail holds up no other.
    work: () => {
      candles.outdated();
      for (const loop of loops.values()) loop.candlesCame();
      return Promise.resolve();
    },
    pollMilliseconds,
    log,
  });
  shutdown.add("bar loops", () => Promise.all([...loops.values()].map((loop) => loop.close())));
  shutdown.add("wake-ups", () => wakeUps.close());
  shutdown.add("server", () => server.close());
  lock.start();
  await server.listen();
  log.info({ venue: venue.name }, "broker listens");
}

main().catch((error: unknown) => {
  process.stderr.write(`broker: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
