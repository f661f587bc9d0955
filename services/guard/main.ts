import { acknowledgementOf } from "../../control/acknowledged";
import { CONTROL_MOUNT } from "../../control/folder";
import { AlertChannel } from "../shared/alerts/AlertChannel";
import { addAlertRoutes } from "../shared/alerts/routes";
import { channelOptions } from "../shared/alerts/settings";
import { openDatabase } from "../shared/database";
import { createLogger } from "../shared/log";
import { createServer } from "../shared/server";
import { loadSettings, settingsOrExit } from "../shared/settings";
import { createShutdown } from "../shared/shutdown";
import { ControlDesk } from "./ControlDesk";
import { Engine } from "./Engine";
import { firstStart } from "./firstStart";
import { Guard } from "./Guard";
import { addMetrics } from "./metrics";
import { judge } from "./readiness";
import { addRoutes } from "./routes";
import { guardSettings } from "./settings";

const control = process.env["CONTROL_FOLDER"] ?? CONTROL_MOUNT;
const stateFolder = "/state";
const socket = "/docker/docker.sock";
/** A sign of life is given so often. */
const heartbeatMilliseconds = 60_000;

async function main(): Promise<void> {
  const { stack, mode, logLevel, database: databaseSettings, settings } = settingsOrExit(() => loadSettings(guardSettings));
  const log = createLogger("guard", logLevel, stack);
  const shutdown = createShutdown({ log });
  const database = openDatabase(databaseSettings, { log, applicationName: "trading-guard", poolSize: 2 });
  shutdown.add("database", () => database.close());
  const channel = await AlertChannel.open({
    ...{ stack, sender: "guard", file: `${stateFolder}/alerts.json`, criticalFile: `${stateFolder}/critical.json`, log },
    ...channelOptions(settings.alerts),
    acknowledged: (incident) => acknowledgementOf(control, incident)?.severity,
  });
  shutdown.add("alerts", () => channel.close());

  const guard = new Guard({
    ...{ stack, mode, settings, log, pool: database.pool, engine: new Engine({ socket }), desk: new ControlDesk(control, stack) },
    tell: (alarms) => channel.set(alarms),
    firstStart: firstStart(`${stateFolder}/first-start.json`, Date.now(), log),
  });
  const server = createServer({ log, readiness: () => judge(guard.state, performance.now()) });
  addMetrics(server.registry, () => guard.state);
  addRoutes(server.app, guard, settings);
  addAlertRoutes(server.app, channel);
  shutdown.add("server", () => server.close());
  await server.listen();
  const beat = setInterval(() => void channel.heartbeat(guard.state.lookProblem === null), heartbeatMilliseconds);
  shutdown.add("heartbeat", () => clearInterval(beat));
  shutdown.add("guard", () => guard.close());
  guard.start();
  log.info({ bots: settings.bots.map(({ name }) => name), thresholds: settings.thresholds }, "the guard watches");
}

main().catch((error: unknown) => {
  process.stderr.write(`guard: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
