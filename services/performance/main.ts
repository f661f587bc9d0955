import { openDatabase } from "../shared/database";
import { startWorkLoop } from "../shared/listen";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { KpiLoop, readProgress } from "./KpiLoop";
import { addMetrics } from "./metrics";
import { ParityKeeper } from "./ParityKeeper";
import { ParitySender } from "./ParitySender";
import { judge } from "./readiness";
import { addRoutes } from "./routes";
import { performanceSettings, readReplayTokens } from "./settings";
import { UnsentParities } from "./unsentParities";

/** Notifications wake the loop; this is for one that was lost. */
const pollMilliseconds = 10_000;

async function main(): Promise<void> {
  const { loaded, tokens } = settingsOrExit(() => {
    const found = loadSettings(performanceSettings);
    return { loaded: found, tokens: readReplayTokens(found.settings) };
  });
  const { stack, logLevel, database: databaseSettings, settings } = loaded;
  const log = createLogger("performance", logLevel, stack);
  const shutdown = createShutdown({ log });
  const bots = settings.bots.map(({ name }) => name);
  const database = openDatabase(databaseSettings, { log, applicationName: "trading-performance" });
  shutdown.add("database", () => database.close());

  let lastRound = performance.now();
  const kpis = new KpiLoop({ db: database.db, bots, signal: shutdown.signal, onStored: (bot, bar) => log.debug({ bot, bar: new Date(bar).toISOString() }, "figures stored") });
  const work = async (): Promise<void> => {
    await kpis.work();
    lastRound = performance.now();
  };
  const sender = settings.mlflowUrl === null ? undefined : new ParitySender({ stack, url: settings.mlflowUrl, store: new UnsentParities(database.db), log });
  shutdown.add("comparisons in MLflow", () => sender?.close());
  const onParity = (): void => {
    loop.wake();
    sender?.wake();
  };
  const keeper = new ParityKeeper({ db: database.db, settings, tokens, log, signal: shutdown.signal, onParity });
  shutdown.add("parity", () => keeper.close());
  const server = createServer({
    log,
    readiness: async () => judge({ bots: await readProgress(database.db, bots), lastRound, overdue: keeper.overdue }, performance.now()),
  });
  addMetrics(server.registry, database.db, bots);
  addRoutes({ app: server.app, db: database.db, settings, keeper });
  shutdown.add("server", () => server.close());
  await server.listen();
  const loop = startWorkLoop({ database: databaseSettings, applicationName: "trading-performance-listen", channels: ["account"], work, pollMilliseconds, log });
  shutdown.add("figures", () => loop.close());
  keeper.start();
  // What an earlier start did not get to MLflow.
  sender?.wake();
  log.info({ bots, parity: settings.parity }, "figures and comparisons begin");
}

main().catch((error: unknown) => {
  process.stderr.write(`performance: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
