import { sql, type Kysely } from "kysely";
import type { TradingSchema } from "../shared/schema";

/** What a bot intended, sent and got, counted against each other at one moment. */
export interface Books {
  /** Decisions with an intent. */
  readonly intended: number;
  /** Orders of intents that were taken: filled, cancelled or open. */
  readonly sent: number;
  /** Intents that were refused and left an order. */
  readonly rejected: number;
  readonly filled: number;
  readonly cancelled: number;
  readonly open: number;
  /** An order that no decision of the same content stands behind, or null. */
  readonly undecided: string | null;
  /** An order whose fills are not what its status says, or null. */
  readonly misfilled: string | null;
  /** Bought minus sold, and what the account holds; base currency. */
  readonly filledQuantity: number;
  readonly quantity: number;
  /** Orders that work as protective stops, and whether the only one fits to the account. */
  readonly workingStops: number;
  readonly stopFits: boolean;
  /** What the account's cash should be by its fills, and is; quote currency. */
  readonly filledCash: number;
  readonly cash: number;
  /** Number of fills: cash was rounded once for each. */
  readonly fills: number;
}

/**
 * Counts in one statement, so that all numbers are of one moment. It reads nothing of unbounded length, and no value that
 * a bot may have written into its decisions can make it fail.
 * @returns undefined when the bot has never registered
 */
export async function readBooks(db: Kysely<TradingSchema>, bot: string): Promise<Books | undefined> {
  // Amounts are compared to 12 digits: a decision may hold more of them than a double does.
  const same = (key: string, column: string) =>
    sql.raw(`coalesce(CASE WHEN jsonb_typeof(d.intent -> '${key}') = 'number'
      THEN abs((d.intent -> '${key}')::numeric - ${column}) <= ${column} * 0.000000000001 END, false)`);
  const { rows } = await sql<Books>`
    WITH got AS (
      SELECT client_order_id, sum(quantity) AS got FROM fills WHERE bot = ${bot} GROUP BY client_order_id
    ), mine AS (
      SELECT o.*, got.got FROM orders AS o LEFT JOIN got USING (client_order_id) WHERE o.bot = ${bot}
    ), counted AS (
      SELECT count(*) FILTER (WHERE status <> 'rejected') AS sent, count(*) FILTER (WHERE status = 'rejected') AS rejected,
        count(*) FILTER (WHERE status = 'filled') AS filled, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE status IN ('accepted', 'working')) AS open
      FROM mine WHERE action <> 'stop'
    ), traded AS (
      SELECT coalesce(sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END), 0) AS quantity, count(*) AS count,
        coalesce(sum(CASE side WHEN 'buy' THEN -price * quantity ELSE price * quantity END - fee), 0) AS cash
      FROM fills WHERE bot = ${bot}
    ), stops AS (
      SELECT count(*) AS count, coalesce(bool_and(m.quantity = a.quantity AND m.stop_price = a.stop_price), false) AS fits
      FROM mine AS m JOIN accounts AS a ON a.bot = m.bot WHERE m.type = 'stop' AND m.status = 'working'
    )
    SELECT
      (SELECT count(*) FROM decisions AS d
        WHERE d.bot = a.bot AND d.intent IS NOT NULL AND d.bar BETWEEN a.start_bar AND a.processed_bar) AS intended,
      counted.sent, counted.rejected, counted.filled, counted.cancelled, counted.open,
      (SELECT m.client_order_id FROM mine AS m
        LEFT JOIN decisions AS d ON d.bot = m.bot AND d.bar = m.bar
        WHERE m.action <> 'stop' AND m.status <> 'rejected' AND (d.bot IS NULL OR d.client_order_id <> m.client_order_id
          OR d.action <> m.action OR d.intent ->> 'action' IS DISTINCT FROM m.action
          OR (m.action = 'enter' AND NOT ${same("quantity", "m.quantity")})
          OR (m.action <> 'exit' AND NOT ${same("stopPrice", "m.stop_price")}))
        ORDER BY m.bar, m.client_order_id LIMIT 1) AS undecided,
      coalesce(
        (SELECT client_order_id FROM mine
          WHERE status = 'filled' AND (got IS NULL OR got > coalesce(size_limit, quantity)) ORDER BY bar LIMIT 1),
        (SELECT f.client_order_id FROM fills AS f JOIN orders AS o ON o.client_order_id = f.client_order_id
          WHERE f.bot = a.bot AND (o.bot <> f.bot OR o.status <> 'filled' OR o.side <> f.side) ORDER BY f.id LIMIT 1)
      ) AS misfilled,
      traded.quantity AS filled_quantity, a.quantity, stops.count AS working_stops, stops.fits AS stop_fits,
      a.starting_cash + traded.cash AS filled_cash, a.cash, traded.count AS fills
    FROM accounts AS a CROSS JOIN counted CROSS JOIN traded CROSS JOIN stops
    WHERE a.bot = ${bot}`.execute(db);
  return rows[0];
}
