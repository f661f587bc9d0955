import { sql, type Kysely } from "kysely";
import type { RiskFacts } from "../../domain/riskLimits";
import { toDate } from "../shared/database";
import type { AccountRecord } from "../shared/accountRecord";
import type { FeedState, TradingSchema } from "../shared/schema";
import { isSameIntent, parseDecidedIntent, type IntentRequest } from "./intents";
import type { LeaseSight } from "./LeaseWatch";

/** What the broker knows when an intent comes in. */
export interface IntentFacts {
  /** The database's clock, epoch ms. */
  readonly now: number;
  /** Whether the market is replayed; then the wall clock says nothing about its bars. */
  readonly replay: boolean;
  /** Null when the market has no feed. */
  readonly lease: LeaseSight | null;
  /** Null before a guard ever ran. */
  readonly guard: LeaseSight | null;
  /** The feed's state right after the candle of the bar decided on; null when there is no such candle. */
  readonly feedState: FeedState | null;
  /** Whether the bot has written a decision on this bar, and whether it holds this very intent. */
  readonly decision: "none" | "another" | "this";
  readonly risk: RiskFacts;
}

interface FactsRow {
  now: number;
  replay: boolean;
  state: FeedState | null;
  feedReason: string | null;
  leaseUntil: number | null;
  renewals: number | null;
  guardState: string | null;
  guardReason: string | null;
  guardLeaseUntil: number | null;
  guardRenewals: number | null;
  close: number | null;
  feedState: FeedState | null;
  decided: boolean;
  sameId: boolean;
  intent: unknown;
  exposure: number | null;
  unpriced: boolean | null;
  botHour: number;
  botDay: number;
  stackHour: number;
  stackDay: number;
  lastEntryBar: number | null;
}

/** A decision's intent is some 80 bytes; what is longer is none, and is not read: it could be of any length. */
const longestIntent = 1000;

/**
 * Reads all that an intent is judged by, in one statement. Orders are counted by the bars they were decided on, so that a
 * replay counts the same at any speed.
 */
export async function readFacts(db: Kysely<TradingSchema>, record: AccountRecord, request: IntentRequest): Promise<IntentFacts> {
  const { bot, symbol, interval, account } = record;
  const bar = toDate(request.bar);
  const milliseconds = (column: string) => sql.raw(`(extract(epoch FROM ${column}) * 1000)::float8`);
  const { rows } = await sql<FactsRow>`
    WITH counted AS (
      SELECT
        count(*) FILTER (WHERE o.bot = ${bot} AND o.bar > ${bar}::timestamptz - interval '1 hour') AS bot_hour,
        count(*) FILTER (WHERE o.bot = ${bot}) AS bot_day,
        count(*) FILTER (WHERE o.bar > ${bar}::timestamptz - interval '1 hour') AS stack_hour,
        count(*) AS stack_day
      FROM accounts AS a JOIN orders AS o ON o.bot = a.bot
      WHERE o.bar > ${bar}::timestamptz - interval '1 day' AND o.bar <= ${bar} AND o.action <> 'stop' AND o.status <> 'rejected'
    ), exposed AS (
      SELECT sum(a.quantity * coalesce(mark.close, 0) + coalesce(entry.notional, 0)) AS exposure,
        bool_or((a.quantity > 0 AND mark.close IS NULL) OR coalesce(entry.unpriced, false)) AS unpriced
      FROM accounts AS a
      LEFT JOIN LATERAL (SELECT close FROM equity WHERE bot = a.bot ORDER BY bar DESC LIMIT 1) AS mark ON true
      LEFT JOIN LATERAL (
        SELECT sum(coalesce(size_limit, quantity) * reference_price) AS notional, bool_or(reference_price IS NULL) AS unpriced
        FROM orders WHERE bot = a.bot AND bar = a.processed_bar AND action = 'enter' AND status = 'accepted'
      ) AS entry ON true
    )
    SELECT ${milliseconds("clock_timestamp()")} AS now,
      coalesce((SELECT replay FROM feed_sessions ORDER BY id DESC LIMIT 1), false) AS replay,
      f.state, f.reason AS feed_reason, ${milliseconds("f.lease_until")} AS lease_until, f.renewals,
      g.state AS guard_state, g.reason AS guard_reason, g.renewals AS guard_renewals,
      CASE WHEN g.state = 'GRANTED' THEN ${milliseconds("g.lease_until")} END AS guard_lease_until,
      c.close, c.feed_state,
      d.bot IS NOT NULL AS decided, coalesce(d.client_order_id = ${request.clientOrderId}, false) AS same_id,
      CASE WHEN octet_length(d.intent::text) <= ${longestIntent} THEN d.intent END AS intent,
      exposed.exposure, exposed.unpriced, bot_hour, bot_day, stack_hour, stack_day,
      (SELECT ${milliseconds("bar")} FROM orders WHERE bot = ${bot} AND action = 'enter' AND status <> 'rejected' AND bar <= ${bar}
        ORDER BY orders.bar DESC LIMIT 1) AS last_entry_bar
    FROM counted CROSS JOIN exposed
    LEFT JOIN feed_status AS f ON f.symbol = ${symbol} AND f.interval = ${interval}
    LEFT JOIN guard_status AS g ON true
    LEFT JOIN candles AS c ON c.symbol = ${symbol} AND c.interval = ${interval} AND c.open_time = ${bar}
    LEFT JOIN decisions AS d ON d.bot = ${bot} AND d.bar = ${bar}`.execute(db);
  const row = rows[0]!;
  const decided = row.sameId ? parseDecidedIntent(row.intent) : null;
  return {
    now: row.now,
    replay: row.replay,
    lease:
      row.state === null
        ? null
        : { now: row.now, leaseUntil: row.leaseUntil, renewals: row.renewals ?? 0, state: row.state, reason: row.feedReason ?? "" },
    guard:
      row.guardState === null
        ? null
        : { now: row.now, leaseUntil: row.guardLeaseUntil, renewals: row.guardRenewals ?? 0, state: row.guardState, reason: row.guardReason ?? "" },
    feedState: row.feedState,
    decision: !row.decided ? "none" : decided !== null && isSameIntent(decided, request.intent) ? "this" : "another",
    risk: {
      trustedClose: row.feedState === "HEALTHY" ? row.close : null,
      positionQuantity: account.position?.quantity ?? 0,
      exposure: row.unpriced === true ? null : (row.exposure ?? 0),
      botOrders: { lastHour: row.botHour, lastDay: row.botDay },
      stackOrders: { lastHour: row.stackHour, lastDay: row.stackDay },
      lastEntryBar: row.lastEntryBar,
    },
  };
}
