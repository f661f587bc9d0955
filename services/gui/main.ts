import { join } from "node:path";
import { CONTROL_MOUNT } from "../../control/folder";
import { openDatabase } from "../shared/database";
import { createLogger } from "../shared/log";
import { loadSettings, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { createGui } from "./app";
import { guiSettingsSchema } from "./settings";

async function main(): Promise<void> {
  const { stack, mode, logLevel, database: databaseSettings, settings } = settingsOrExit(() => loadSettings(guiSettingsSchema));
  const log = createLogger("gui", logLevel, stack);
  const shutdown = createShutdown({ log });
  const database = openDatabase(databaseSettings, { log, applicationName: "trading-gui" });
  shutdown.add("database", () => database.close());
  const server = createGui({ stack, mode, settings, database, log, control: process.env["CONTROL_FOLDER"] ?? CONTROL_MOUNT, pageFolder: join(__dirname, "page") });
  shutdown.add("server", () => server.close());
  await server.listen();
  log.info({ bots: settings.bots.map((bot) => bot.name) }, "listening");
}

void main();
