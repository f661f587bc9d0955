import { sql, type Kysely } from "kysely";
import type { TradingSchema } from "../shared/schema";

export interface FeedRecord {
  readonly symbol: string;
  /** Times that it became, or at the beginning was, DOWN in the last 72 hours of wall time. */
  readonly down: number;
}

/** How every feed was in the hours that a promotion looks at. */
export async function readFeeds(db: Kysely<TradingSchema>): Promise<FeedRecord[]> {
  const { rows } = await sql<FeedRecord>`
    SELECT f.symbol, (
      SELECT count(*) FROM (
        SELECT state, lead(at) OVER (ORDER BY id) AS until FROM feed_states WHERE symbol = f.symbol AND interval = f.interval
      ) AS states WHERE state = 'DOWN' AND coalesce(until, 'infinity') > clock_timestamp() - interval '72 hours'
    ) AS down FROM feed_status AS f ORDER BY 1`.execute(db);
  return rows;
}
