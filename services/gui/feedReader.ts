import { sql, type Transaction } from "kysely";
import type { TradingSchema } from "../shared/schema";
import { feedStopped } from "../shared/words";
import type { FindingView } from "./api";
import type { BotSettings } from "./settings";

type Reading = Transaction<TradingSchema>;
type Market = Pick<BotSettings, "symbol" | "interval">;

/** Findings of the last hour of wall time, by what they are. */
export interface FindingCount {
  kind: string;
  severity: FindingView["severity"];
  count: number;
}

/** Wall milliseconds that a feed spent in its states, as far back as it is known. */
export interface StateTimes {
  hours: number;
  healthy: number;
  degraded: number;
  down: number;
  /** Of `down`: the feed was stopped on purpose. */
  stopped: number;
}

/** What the database says about the quality of one market's feed. */
export interface FeedRows extends Market {
  times: StateTimes[];
  findings: FindingCount[];
  newestFinding: number | null;
}

/** Wall hours over which a feed's states are added up. */
export const windows: readonly number[] = [24, 168];

export async function feedRows(db: Reading, market: Market): Promise<FeedRows> {
  const { symbol, interval } = market;
  const newest = await db
    .selectFrom("feedFindings")
    .select("id")
    .where("symbol", "=", symbol)
    .where("interval", "=", interval)
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  const findings = await db
    .selectFrom("feedFindings")
    .select(({ fn }) => ["kind", "severity", fn.countAll<number>().as("count")])
    .where("symbol", "=", symbol)
    .where("interval", "=", interval)
    .where("at", ">", sql<Date>`now() - interval '1 hour'`)
    .groupBy(["kind", "severity"])
    .orderBy("count", "desc")
    .orderBy("kind")
    .execute();
  return { symbol, interval, times: await stateTimes(db, market), findings, newestFinding: newest?.id ?? null };
}

/** A feed that was killed wrote no farewell: what comes after its lease counts as DOWN. */
async function stateTimes(db: Reading, { symbol, interval }: Market): Promise<StateTimes[]> {
  const longest = Math.max(...windows);
  const { rows } = await sql<StateTimes>`
    WITH changes AS (
      SELECT id, at, state, reason, lead(at, 1, now()) OVER (ORDER BY id) AS until, lead(id) OVER (ORDER BY id) IS NULL AS newest
      FROM feed_states
      WHERE symbol = ${symbol} AND interval = ${interval} AND id >= coalesce((
        SELECT id FROM feed_states
        WHERE symbol = ${symbol} AND interval = ${interval} AND at <= now() - make_interval(hours => ${longest})
        ORDER BY id DESC LIMIT 1), 0)
    ), leased AS (
      SELECT c.*, CASE WHEN c.newest AND c.state = 'HEALTHY' THEN greatest(c.at, least(c.until, s.lease_until)) ELSE c.until END AS proven
      FROM changes AS c LEFT JOIN feed_status AS s ON s.symbol = ${symbol} AND s.interval = ${interval}
    ), spans AS (
      SELECT state, reason, at, proven AS until FROM leased
      UNION ALL
      SELECT 'DOWN', 'its lease ran out', proven, until FROM leased WHERE proven < until
    ), parts AS (
      SELECT w.hours, state, reason,
        greatest(0, extract(epoch FROM until - greatest(at, now() - make_interval(hours => w.hours)))) * 1000 AS milliseconds
      FROM unnest(${[...windows]}::int[]) AS w(hours) LEFT JOIN spans ON true
    )
    SELECT hours,
      coalesce(sum(milliseconds) FILTER (WHERE state = 'HEALTHY'), 0)::float8 AS healthy,
      coalesce(sum(milliseconds) FILTER (WHERE state = 'DEGRADED'), 0)::float8 AS degraded,
      coalesce(sum(milliseconds) FILTER (WHERE state = 'DOWN'), 0)::float8 AS down,
      coalesce(sum(milliseconds) FILTER (WHERE state = 'DOWN' AND reason = ${feedStopped}), 0)::float8 AS stopped
    FROM parts GROUP BY hours ORDER BY hours`.execute(db);
  return rows;
}

/** What was found about a market's feed and why it is a finding, newest first. */
export async function readFindings(db: Reading, { symbol, interval }: Market, limit: number): Promise<FindingView[]> {
  const rows = await db
    .selectFrom("feedFindings")
    .select(["at", "openTime", "kind", "severity", "reason", "details"])
    .where("symbol", "=", symbol)
    .where("interval", "=", interval)
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(({ at, openTime, details, ...finding }) => ({
    ...finding,
    at: at.getTime(),
    openTime: openTime?.getTime() ?? null,
    details: details as FindingView["details"],
  }));
}
