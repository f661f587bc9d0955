import { openDatabase } from "../shared/database";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, SettingsError, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { FeedBook } from "./book";
import { systemClocks } from "./clocks";
import { openWriter } from "./database";
import type { Driver } from "./driver";
import { Feed } from "./feed";
import { MarketJudge } from "./judge";
import { FeedMetrics } from "./metrics";
import { Pacing } from "./pacing";
import { FeedReader } from "./reader";
import { isReplay, openSource } from "./openSource";
import { Replay } from "./replay";
import { SourceChangedError } from "./resume";
import { addRoutes } from "./routes";
import { Running } from "./running";
import { checkFeedSettings, feedSettingsSchema, qualityOptions } from "./settings";
import { FeedStore } from "./store";
import { wait } from "./wait";

async function main(): Promise<void> {
  const { loaded, source } = settingsOrExit(() => {
    const loaded = loadSettings(feedSettingsSchema);
    checkFeedSettings(loaded);
    return { loaded, source: openSource(loaded.settings, systemClocks) };
  });
  const { settings } = loaded;
  const log = createLogger("livefeed", loaded.logLevel, loaded.stack);
  const shutdown = createShutdown({ log });
  const { signal } = shutdown;
  const writer = openWriter(loaded.database, log);
  const database = openDatabase(loaded.database, { log, applicationName: "livefeed", poolSize: 2 });
  shutdown.add("database", () => Promise.all([writer.close(), database.close()]));

  const server = createServer({ log, readiness: () => feed.readiness() });
  const metrics = new FeedMetrics(server.registry);
  const reader = new FeedReader(database.db, settings.interval);
  const quality = qualityOptions(loaded);
  const judges = settings.symbols.map((symbol) => new MarketJudge(symbol, quality));
  const store = new FeedStore(writer.db, source.identity, settings.interval);
  const book = new FeedBook({
    ...{ judges, store, reader, metrics, log, signal },
    now: () => driver.now,
    acknowledgeDown: quality.acknowledgeDown,
    leaseAlways: settings.speed === "maximum",
  });
  const parts = { settings, judges, book, store, reader, wait, log, signal };
  const driver: Driver = isReplay(source) ? new Replay({ ...parts, source, pacing: new Pacing(settings.speed) }) : new Running({ ...parts, source, clocks: systemClocks });
  const feed: Feed = new Feed({ driver, judges, book, log, signal });
  addRoutes({ app: server.app, reader, feed, symbols: settings.symbols, interval: settings.interval, wall: systemClocks.wall });
  shutdown.add("server", () => server.close());
  await server.listen();

  let running = Promise.resolve();
  shutdown.add("feed", () => running);
  running = feed.run().catch((error: unknown) => {
    const wrongSource = error instanceof SourceChangedError || error instanceof SettingsError;
    if (wrongSource) process.stderr.write(`${error.message}\n`);
    else log.fatal({ err: error }, "the feed failed");
    void shutdown.stop("the feed failed", wrongSource ? 2 : 1);
  });
}

void main();
