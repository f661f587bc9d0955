import type { Kysely, Selectable } from "kysely";
import { toEpoch, type Database } from "../shared/database";
import type { FeedSessionsTable, TradingSchema } from "../shared/schema";
import type { BotSettings } from "./settings";

export type Registration =
  | {
      readonly kind: "registered";
      readonly startBar: number;
      readonly warmupFrom: number;
      readonly opened: boolean;
      /** Whether the market is replayed. */
      readonly replay: boolean;
    }
  /** Nothing to start from yet; worth another try. */
  | { readonly kind: "early"; readonly reason: string }
  /** The account belongs to something else; no try will help. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Opens the bot's account at its first registration. In a replay it starts where the session says trading begins, and
 * with a running market at the newest closed candle. Later registrations only note the bot's present configuration.
 * Its row is locked without its key, as a bot may have a decision open that refers to it.
 */
export function register(database: Database, bot: BotSettings): Promise<Registration> {
  return database.db.transaction().execute(async (transaction) => {
    const strategy = {
      strategy: bot.strategy,
      strategySettings: JSON.stringify(bot.strategySettings),
      configurationHash: bot.configurationHash,
    };
    const known = await transaction
      .selectFrom("accounts")
      .select(["symbol", "interval", "startBar", "warmupFrom"])
      .where("bot", "=", bot.name)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (known !== undefined) {
      if (known.symbol !== bot.symbol || known.interval !== bot.interval) {
        return {
          kind: "refused",
          reason: `the account of ${bot.name} trades ${known.symbol} ${known.interval}, its configuration says ${bot.symbol} ${bot.interval}`,
        };
      }
      await transaction.updateTable("accounts").set(strategy).where("bot", "=", bot.name).execute();
      return registered(known, false, (await newestSession(transaction))?.replay ?? false);
    }
    const session = await newestSession(transaction);
    if (session === undefined) return { kind: "early", reason: "the feed has started no session yet" };
    const start = await firstBar(transaction, bot, session);
    if ("reason" in start) return { kind: "early", reason: start.reason };
    await transaction
      .insertInto("accounts")
      .values({
        bot: bot.name,
        symbol: bot.symbol,
        interval: bot.interval,
        ...strategy,
        startingCash: bot.startingCash,
        cash: bot.startingCash,
        quantity: 0,
        ...start,
      })
      .execute();
    return registered(start, true, session.replay);
  });
}

function registered(row: { startBar: Date; warmupFrom: Date }, opened: boolean, replay: boolean): Registration {
  return { kind: "registered", startBar: toEpoch(row.startBar), warmupFrom: toEpoch(row.warmupFrom), opened, replay };
}

type Session = Pick<Selectable<FeedSessionsTable>, "replay" | "warmupFrom" | "tradeFrom">;

function newestSession(db: Kysely<TradingSchema>): Promise<Session | undefined> {
  return db
    .selectFrom("feedSessions")
    .select(["replay", "warmupFrom", "tradeFrom"])
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
}

async function firstBar(
  db: Kysely<TradingSchema>,
  bot: BotSettings,
  session: Session,
): Promise<{ startBar: Date; warmupFrom: Date } | { reason: string }> {
  if (session.replay) return { startBar: session.tradeFrom, warmupFrom: session.warmupFrom };
  const newest = await db
    .selectFrom("candles")
    .select("openTime")
    .where("symbol", "=", bot.symbol)
    .where("interval", "=", bot.interval)
    .orderBy("openTime", "desc")
    .limit(1)
    .executeTakeFirst();
  if (newest === undefined) return { reason: `there is no candle of ${bot.symbol} ${bot.interval} yet` };
  return {
    startBar: newest.openTime,
    warmupFrom: session.warmupFrom <= newest.openTime ? session.warmupFrom : newest.openTime,
  };
}
