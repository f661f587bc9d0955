import { sql, type Kysely } from "kysely";
import { orderReasons } from "../../domain/execution";
import { intervalMilliseconds } from "../../domain/intervals";
import { toDate } from "../shared/database";
import type { AccountRecord } from "../shared/accountRecord";
import type { TradingSchema } from "../shared/schema";

/**
 * Looks for a bar of the open position that reached its stop unseen: its candle was missing, and was written when the
 * account had gone on. That it was never worked is seen by the equity that was not marked at it. The stop that worked then
 * is the highest of those that worked and were decided on before, since stops only rise; one that was halted never worked. Asked again it gives the same answer, as
 * long as the position is open.
 * @returns the price of the stop in the first such bar, or null
 */
export async function readPassedStop(db: Kysely<TradingSchema>, record: AccountRecord): Promise<number | null> {
  const { bot, symbol, interval, account } = record;
  const { position, processedBar } = account;
  if (position === null || processedBar === null) return null;
  // The entry was decided on the bar before the one it was filled in.
  const decidedOn = toDate(position.entryBar - intervalMilliseconds(interval));
  const { rows } = await sql<{ stop: number }>`
    SELECT stop.price AS stop
    FROM candles AS c
    CROSS JOIN LATERAL (
      SELECT max(stop_price) AS price FROM orders
      WHERE bot = ${bot} AND type = 'stop' AND (status = 'working' OR (status = 'cancelled' AND reason = ${orderReasons.stopReplaced}))
        AND bar >= ${decidedOn} AND bar < c.open_time
    ) AS stop
    WHERE c.symbol = ${symbol} AND c.interval = ${interval}
      AND c.open_time > ${toDate(position.entryBar)} AND c.open_time < ${toDate(processedBar)}
      AND NOT EXISTS (SELECT FROM equity AS e WHERE e.bot = ${bot} AND e.bar = c.open_time)
      AND c.low <= stop.price
    ORDER BY c.open_time LIMIT 1`.execute(db);
  return rows[0]?.stop ?? null;
}
