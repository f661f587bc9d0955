import type pg from "pg";
import type { FeedFacts } from "../../domain/guard/facts";

/** What one look reads of the database. Times are epoch milliseconds. */
export interface FactRows {
  /** The database's clock. */
  readonly now: number;
  readonly feeds: readonly FeedRow[];
  readonly bots: readonly BotRow[];
  /** Equity after the bars that were asked for, ascending for each bot. */
  readonly equity: readonly { readonly bot: string; readonly bar: number; readonly equity: number }[];
}

/** What the database says of a feed; for how long it is not well only whoever looks again and again can say. */
export type FeedRow = Omit<FeedFacts, "unwellFor"> & { readonly renewals: number };

export interface BotRow {
  readonly bot: string;
  readonly bar: number | null;
  readonly exposure: number;
  readonly quantity: number;
  readonly stopPrice: number | null;
  readonly entryBar: number | null;
  readonly decidedBar: number | null;
  readonly ordersLastHour: number;
  readonly parityId: number | null;
  readonly parityVerdict: string | null;
  readonly parityFrozen: boolean | null;
  readonly parityReason: string | null;
  readonly trackingError: number | null;
  readonly mismatch: string | null;
}

/** Bars of equity that one look takes in at most; a long history is read in several. */
export const BARS_AT_ONCE = 2000;

const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

/**
 * Everything at once, in one statement that is planned once: all of it is found by keys. A bot's decision on a bar to come
 * is no decision. Texts that a bot could have written are not read, or cut.
 */
const text = `
  SELECT ${ms("clock_timestamp()")} AS now,
    (SELECT coalesce(json_agg(json_build_object('symbol', symbol, 'state', state, 'reason', left(reason, 500), 'phase', phase, 'since', ${ms("since")},
        'updatedAt', ${ms("updated_at")}, 'renewals', renewals, 'skewMilliseconds', measures->'clockSkewMilliseconds')), '[]')
      FROM feed_status WHERE interval = $1) AS feeds,
    (SELECT coalesce(json_agg(json_build_object('bot', a.bot, 'bar', ${ms("a.processed_bar")}, 'exposure', a.quantity * coalesce(mark.close, a.entry_price, 0),
        'quantity', a.quantity, 'stopPrice', a.stop_price, 'entryBar', ${ms("a.entry_bar")}, 'decidedBar', ${ms("decided.bar")}, 'ordersLastHour', counted.orders,
        'parityId', parity.id, 'parityVerdict', parity.verdict, 'parityFrozen', parity.frozen, 'parityReason', left(parity.reason, 500),
        'trackingError', parity.tracking_error, 'mismatch', left(books.mismatch, 500))), '[]')
      FROM accounts AS a
      LEFT JOIN LATERAL (SELECT close FROM equity WHERE bot = a.bot ORDER BY bar DESC LIMIT 1) AS mark ON true
      LEFT JOIN LATERAL (SELECT bar FROM decisions WHERE bot = a.bot AND bar <= a.processed_bar ORDER BY bar DESC LIMIT 1) AS decided ON true
      LEFT JOIN LATERAL (
        SELECT count(*) AS orders FROM orders
        WHERE bot = a.bot AND bar > a.processed_bar - interval '1 hour' AND bar <= a.processed_bar AND action <> 'stop' AND status <> 'rejected'
      ) AS counted ON true
      LEFT JOIN LATERAL (SELECT id, verdict, frozen, reason, tracking_error FROM parities WHERE bot = a.bot ORDER BY id DESC LIMIT 1) AS parity ON true
      LEFT JOIN reconciliations AS books ON books.bot = a.bot
      WHERE a.bot = ANY($2)) AS bots,
    (SELECT coalesce(json_agg(json_build_object('bot', after.bot, 'bar', ${ms("marks.bar")}, 'equity', marks.equity) ORDER BY after.bot, marks.bar), '[]')
      FROM unnest($3::text[], $4::timestamptz[]) AS after (bot, bar)
      CROSS JOIN LATERAL (SELECT bar, equity FROM equity WHERE bot = after.bot AND bar > after.bar ORDER BY bar LIMIT ${BARS_AT_ONCE}) AS marks) AS equity`;

/**
 * @param after open time of the newest bar of equity that is known, epoch ms, by bot; null for none
 * @throws when the database does not answer
 */
export async function readFactRows(pool: Pick<pg.Pool, "query">, interval: string, after: ReadonlyMap<string, number | null>): Promise<FactRows> {
  const bots = [...after.keys()];
  const bars = bots.map((bot) => {
    const bar = after.get(bot) ?? null;
    return bar === null ? "-infinity" : new Date(bar).toISOString();
  });
  const { rows } = await pool.query<FactRows>({ name: "guard-facts", text, values: [interval, bots, bots, bars] });
  return rows[0]!;
}

/** Open time (epoch ms) of the newest candle that had arrived at a time; null where there was none. */
export async function newestBarAt(pool: Pick<pg.Pool, "query">, symbol: string, interval: string, at: string): Promise<number | null> {
  const { rows } = await pool.query<{ bar: number }>(
    `SELECT ${ms("open_time")} AS bar FROM candles WHERE symbol = $1 AND interval = $2 AND received_at <= $3 ORDER BY open_time DESC LIMIT 1`,
    [symbol, interval, at],
  );
  return rows[0]?.bar ?? null;
}
