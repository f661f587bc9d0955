import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { z } from "zod";
import { candlesOfPace } from "../../domain/backup/standstill";
import { connect, type ConnectionTarget } from "./database/connection";
import { standingStill } from "./standingStill";

/** After a connection that was lost or not had, so long until the next try. */
const reconnectMilliseconds = 5000;

const candle = z.object({ symbol: z.string(), interval: z.string() });

/**
 * Has all that this process does stand still while bots decide: what computes beside a decision makes it later, at whatever
 * priority. Politeness alone: while there is no database nothing is heard, and the work goes on.
 *
 * @param over when it is aborted, it ends
 */
export async function standStillWhileBotsDecide({ sockets }: Pick<ConnectionTarget, "sockets">, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    let client: pg.Client | undefined;
    try {
      client = await connect({ sockets, database: "trading" });
      const ended = once(client, "end", { signal: over });
      client.on("notification", ({ channel, payload }) => (channel === "candle" ? standingStill.candle(marketOf(payload)) : standingStill.decision()));
      for (const { name, ages } of await Promise.race([ended, marketsOf(client)])) standingStill.came(name, ages);
      await ended;
    } catch {
      // Tried again later, unless it is over.
    }
    await client?.end().catch(() => undefined);
    standingStill.deaf();
    await delay(reconnectMilliseconds, undefined, { signal: over }).catch(() => undefined);
  }
}

/** Hears of candles from now on. @returns each market, and how many milliseconds ago its newest candles came, oldest first */
async function marketsOf(client: pg.Client): Promise<{ readonly name: string; readonly ages: readonly number[] }[]> {
  await client.query("LISTEN candle; LISTEN decision");
  const { rows } = await client.query<{ symbol: string; interval: string; ages: number[] }>(
    `SELECT symbol, interval, array(SELECT extract(epoch FROM now() - received_at)::float8 * 1000 FROM trading.candles AS c
                                     WHERE c.symbol = s.symbol AND c.interval = s.interval ORDER BY open_time DESC LIMIT ${candlesOfPace}) AS ages
       FROM trading.feed_status AS s`,
  );
  return rows.map(({ symbol, interval, ages }) => ({ name: nameOf(symbol, interval), ages: ages.reverse() }));
}

/** @param payload what the feed says with a candle */
function marketOf(payload: string | undefined): string {
  try {
    const { symbol, interval } = candle.parse(JSON.parse(payload ?? ""));
    return nameOf(symbol, interval);
  } catch {
    return "";
  }
}

function nameOf(symbol: string, interval: string): string {
  return `${symbol} ${interval}`;
}
