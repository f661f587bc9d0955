import { openDatabase } from "../shared/database";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, SettingsError, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { Feed } from "./feed";
import { FeedMetrics } from "./metrics";
import { Pacing } from "./pacing";
import { SourceChangedError } from "./resume";
import { checkFeedSettings, feedSettingsSchema } from "./settings";
import { openSource } from "./source";
import { FeedStore } from "./store";

async function main(): Promise<void> {
  const { loaded, source } = settingsOrExit(() => {
    const loaded = loadSettings(feedSettingsSchema);
    checkFeedSettings(loaded);
    return { loaded, source: openSource(loaded.settings) };
  });
  const { settings } = loaded;
  const log = createLogger("livefeed", loaded.logLevel, loaded.stack);
  const shutdown = createShutdown({ log });
  const database = openDatabase(loaded.database, { log, applicationName: "livefeed", poolSize: 3 });
  shutdown.add("database", () => database.close());

  const server = createServer({ log, readiness: () => feed.readiness() });
  const feed: Feed = new Feed({
    settings,
    source,
    store: new FeedStore(database.db, source.identity, settings.interval),
    pacing: new Pacing(settings.speed),
    metrics: new FeedMetrics(server.registry),
    log,
    signal: shutdown.signal,
  });
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
