import { parentPort, workerData } from "node:worker_threads";
import pg from "pg";
import type { Candle } from "../../domain/candles";
import { replay } from "../../domain/parity/replay";
import { replayLines } from "../../domain/parity/replayLines";
import { connectionOptions } from "../shared/database";
import type { ReplayWork, WorkerMessage } from "./replay/messages";

/** Lines that are handed over at a time. */
const chunk = 1000;

/** Replays in a thread of its own, over a connection of its own: no decision waits for it. */
async function work({ database, symbol, interval, strategy, request }: ReplayWork): Promise<void> {
  const send = (message: WorkerMessage): void => parentPort!.postMessage(message);
  const client = new pg.Client(connectionOptions(database, "bot-replay"));
  // A connection that is lost makes the query fail, which is told.
  client.on("error", () => undefined);
  let candles: Candle[];
  try {
    await client.connect();
    const { rows } = await client.query<Omit<Candle, "openTime"> & { open_time: Date }>(
      `SELECT open_time, open, high, low, close, volume FROM candles
       WHERE symbol = $1 AND interval = $2 AND open_time BETWEEN $3 AND $4 ORDER BY open_time`,
      [symbol, interval, new Date(request.warmupFrom), new Date(request.to)],
    );
    candles = rows.map(({ open_time, ...prices }) => ({ openTime: open_time.getTime(), ...prices }));
  } catch (error) {
    return send({ failed: "database", reason: (error as Error).message });
  } finally {
    await client.end().catch(() => undefined);
  }
  if (!candles.some(({ openTime }) => openTime >= request.startBar)) return send({ failed: "candles", reason: "there is no candle to trade on" });
  send({ begun: true });
  let lines: string[] = [];
  for (const line of replayLines(replay(candles, request, strategy))) {
    lines.push(line);
    if (lines.length === chunk) {
      send({ lines });
      lines = [];
    }
  }
  send({ lines });
  send({ done: true });
}

void work(workerData as ReplayWork);
