import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import { MlflowClient, type Pairs } from "./mlflow";
import { RunTracker } from "./RunTracker";
import type { BotSettings } from "./settings";

export interface TrackingContext {
  readonly stack: string;
  readonly settings: BotSettings;
  /** As the broker has it. */
  readonly configurationHash: string;
  readonly database: Database;
  readonly log: Logger;
}

const reportMilliseconds = 60_000;
const lastReportMilliseconds = 1000;

/** What a run is called and what it was started with. */
export function describeRun(
  context: Pick<TrackingContext, "stack" | "settings" | "configurationHash">,
  startTime: number,
): { experiment: string; name: string; tags: Pairs; params: Pairs } {
  const { stack, settings, configurationHash } = context;
  const strategySettings = Object.entries(settings.strategySettings).map(([key, value]) => [
    key,
    typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
  return {
    experiment: `${stack}/${settings.strategy}`,
    name: `${settings.bot} ${new Date(startTime).toISOString()}`,
    tags: { stack, bot: settings.bot },
    params: {
      ...(Object.fromEntries(strategySettings) as Pairs),
      symbol: settings.symbol,
      interval: settings.interval,
      configurationHash,
      ...(settings.imageId === undefined ? {} : { imageId: settings.imageId }),
    },
  };
}

/**
 * Tracks this start of the bot in MLflow, with equity and closed trades once a minute when they have changed.
 * @returns what ends the run
 */
export function startTracking(url: string, context: TrackingContext): () => Promise<void> {
  const { log, settings, database } = context;
  const startTime = Date.now();
  const tracker = new RunTracker(new MlflowClient(url), describeRun(context, startTime), log, startTime);
  let lastBar = 0;
  const report = async (): Promise<void> => {
    const { rows } = await sql<{ bar: Date; bars: number; equity: number; trades: number }>`
      SELECT e.bar, e.equity,
        (SELECT count(*) FROM equity WHERE bot = ${settings.bot}) AS bars,
        (SELECT count(*) FROM fills WHERE bot = ${settings.bot} AND side = 'sell') AS trades
      FROM equity AS e WHERE e.bot = ${settings.bot} ORDER BY e.bar DESC LIMIT 1`.execute(database.db);
    const row = rows[0];
    if (row === undefined || row.bar.getTime() === lastBar) return;
    lastBar = row.bar.getTime();
    tracker.add({ equity: row.equity, trades: row.trades }, row.bars);
  };
  const quietly = (): Promise<void> =>
    report().catch((error: unknown) => log.debug({ error: (error as Error).message }, "nothing to report to MLflow"));
  const timer = setInterval(() => void quietly(), reportMilliseconds);
  return async () => {
    clearInterval(timer);
    await Promise.race([quietly(), delay(lastReportMilliseconds)]);
    await tracker.finish();
  };
}
