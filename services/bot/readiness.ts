import { sql, type Kysely } from "kysely";
import { toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import type { Readiness } from "../shared/server";

/** Where the bot stands. Bars are open times, epoch ms; moments are milliseconds of a monotonic clock. */
export interface BotProgress {
  /** What it waits for before it can decide, or null. */
  readonly waitingFor: string | null;
  /** The last bar with a decision. */
  readonly decidedBar: number | null;
  /** The last bar the broker worked: the one that a decision is expected on. */
  readonly processedBar: number | null;
  /** Since when a decision is expected that is not there; null when none is. */
  readonly behindSince: number | null;
  /** When the account last went on, or the bot began to look. */
  readonly processedAt: number;
  /** The candle that the broker has not worked although it was written long ago; null when there is none. */
  readonly waitingCandle: number | null;
}

/** Time to decide, or to catch up by one more batch, before a bot that is behind counts as stuck. */
const patience = 5000;
/** A broker that is there works a bar within its grace; the bot has decided, so there is nothing to wait for. */
const brokerPatienceMilliseconds = 30_000;

/**
 * Ready when the bot can decide, has decided up to the account's last bar, and the broker works the candles there are. A
 * market without new candles is no fault of the bot's: the feed's own readiness tells of it, and an `up` waits for that;
 * a bot has to get ready without a feed as well, when a backup of it is tried out.
 */
export function judge(progress: BotProgress, now: number): Readiness {
  const { waitingFor, decidedBar, processedBar, behindSince, processedAt, waitingCandle } = progress;
  if (waitingFor !== null) return { ready: false, reason: waitingFor };
  if (behindSince !== null && now - behindSince > patience) {
    const at = decidedBar === null ? "on no bar" : `up to ${iso(decidedBar)}`;
    return { ready: false, reason: `decided ${at}, but the account is at ${iso(processedBar!)}` };
  }
  if (waitingCandle !== null && now - processedAt > brokerPatienceMilliseconds) {
    const at = processedBar === null ? "has no bar yet" : `stands at ${iso(processedBar)}`;
    return { ready: false, reason: `the account ${at} although the candle ${iso(waitingCandle)} is there: the broker works no bars` };
  }
  if (processedBar === null) return { ready: true, reason: "registered; the account has no bar yet" };
  return { ready: true, reason: decidedBar === null ? "about to decide" : `decided up to ${iso(decidedBar)}` };
}

/**
 * What /readyz asks the database: the account's last bar, and the candle that follows it when that has waited for the
 * broker longer than its patience by the database's clock.
 * @returns undefined when the bot has never registered
 */
export async function readMarket(
  db: Kysely<TradingSchema>,
  bot: string,
): Promise<Pick<BotProgress, "processedBar" | "waitingCandle"> | undefined> {
  const row = await db
    .selectFrom("accounts as a")
    .select([
      "a.processedBar",
      sql<Date | null>`(
        SELECT open_time FROM (
          SELECT c.open_time, c.received_at FROM candles AS c
          WHERE c.symbol = a.symbol AND c.interval = a.interval
            AND c.open_time >= a.start_bar AND c.open_time > coalesce(a.processed_bar, '-infinity')
          ORDER BY c.open_time LIMIT 1) AS next
        WHERE received_at < clock_timestamp() - ${brokerPatienceMilliseconds} * interval '1 millisecond')`.as("waitingCandle"),
    ])
    .where("a.bot", "=", bot)
    .executeTakeFirst();
  return row && { processedBar: toEpoch(row.processedBar), waitingCandle: toEpoch(row.waitingCandle) };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
