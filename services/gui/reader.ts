import { sql, type Kysely, type Transaction } from "kysely";
import type { TradingSchema } from "../shared/schema";
import { haltedWord, unknownBot } from "../shared/words";
import type { CandlesView, DecisionView, EquityView, FindingView, TradeView } from "./api";
import { brokerRows, rejectionRows } from "./brokerReader";
import { feedRows, readFindings, type FeedRows } from "./feedReader";
import { guardRows } from "./guardRows";
import { hasTable, newestComparison } from "./performanceReader";
import { decisionView, type BotRows, type StatusRows } from "./rows";
import { marketsOf, type BotSettings } from "./settings";
import { stopByBar } from "./stopLine";

type Reading = Transaction<TradingSchema>;

/** Everything the page shows, read with the rights of role `gui`: nothing is ever written. */
export class TradingReader {
  constructor(private readonly db: Kysely<TradingSchema>) {}

  /** One consistent snapshot of feed, bots and accounts. */
  status(bots: readonly BotSettings[]): Promise<StatusRows> {
    return this.snapshot(async (db) => {
      const session = await db.selectFrom("feedSessions").selectAll().orderBy("id", "desc").limit(1).executeTakeFirst();
      const feeds = await db.selectFrom("feedStatus").selectAll().execute();
      const quality: FeedRows[] = [];
      for (const market of marketsOf(bots)) quality.push(await feedRows(db, market));
      const rows: BotRows[] = [];
      const comparisons = await hasTable(db, "parities");
      for (const bot of bots) rows.push({ ...(await botRows(db, bot)), parity: comparisons ? await newestComparison(db, bot.name) : undefined });
      return { session, feeds, quality, bots: rows, strangers: await rejectionRows(db, unknownBot), guard: await guardRows(db) };
    });
  }

  /** What was found about the feed of the bot's market, newest first. */
  findings(bot: BotSettings, limit: number): Promise<FindingView[]> {
    return this.snapshot((db) => readFindings(db, bot, limit));
  }

  /** The newest candles of the bot's market, oldest first, with what the bot saw and the stop that worked. */
  candles(bot: BotSettings, limit: number): Promise<CandlesView> {
    return this.snapshot(async (db) => {
      const newest = await db
        .selectFrom("candles")
        .select(["openTime", "open", "high", "low", "close", "volume"])
        .where("symbol", "=", bot.symbol)
        .where("interval", "=", bot.interval)
        .orderBy("openTime", "desc")
        .limit(limit)
        .execute();
      const candles = newest.reverse().map(({ openTime, ...prices }) => ({ time: openTime.getTime(), ...prices }));
      const first = newest[0]?.openTime;
      if (first === undefined) return { symbol: bot.symbol, interval: bot.interval, candles: [], lines: [] };
      const decisions = await db
        .selectFrom("decisions")
        .select(["bar", "indicators"])
        .where("bot", "=", bot.name)
        .where("bar", ">=", first)
        .execute();
      const trades = await db
        .selectFrom("trades")
        .select(["entryBar", "exitBar"])
        .where("bot", "=", bot.name)
        .where("exitBar", ">=", first)
        .execute();
      const open = await db.selectFrom("accounts").select("entryBar").where("bot", "=", bot.name).executeTakeFirst();
      const positions = [
        ...trades.map((trade) => ({ entryBar: trade.entryBar.getTime(), exitBar: trade.exitBar.getTime() as number | null })),
        ...(open?.entryBar ? [{ entryBar: open.entryBar.getTime(), exitBar: null }] : []),
      ];
      // The stop that works at the beginning of what is shown came with the entry before it.
      const oldest = new Date(Math.min(first.getTime(), ...positions.map((position) => position.entryBar)));
      const entry = await db
        .selectFrom("orders")
        .select("bar")
        .where("bot", "=", bot.name)
        .where("action", "=", "enter")
        .where("status", "=", "filled")
        .where("bar", "<", oldest)
        .orderBy("bar", "desc")
        .limit(1)
        .executeTakeFirst();
      const stops = await db
        .selectFrom("orders")
        .select(["bar", "stopPrice"])
        .where("bot", "=", bot.name)
        .where("bar", ">=", entry?.bar ?? oldest)
        .where("action", "in", ["enter", "moveStop"])
        .where("status", "!=", "rejected")
        .where("stopPrice", "is not", null)
        // One that a halt cancelled never worked.
        .where((stop) => stop.or([stop("status", "!=", "cancelled"), stop("reason", "not like", `${haltedWord}%`)]))
        .execute();
      const stop = stopByBar(
        candles.map((candle) => candle.time),
        positions,
        stops.map((order) => ({ bar: order.bar.getTime(), stopPrice: order.stopPrice! })),
      );
      const seen = new Map(decisions.map((decision) => [decision.bar.getTime(), decision.indicators]));
      const lines = candles.map(({ time }) => ({
        time,
        emaFast: seen.get(time)?.["emaFast"] ?? null,
        emaSlow: seen.get(time)?.["emaSlow"] ?? null,
        stop: stop.get(time) ?? null,
      }));
      return { symbol: bot.symbol, interval: bot.interval, candles, lines };
    });
  }

  /** Closed round trips, newest first. */
  async trades(bot: string, limit: number): Promise<TradeView[]> {
    const rows = await this.db.selectFrom("trades").selectAll().where("bot", "=", bot).orderBy("exitBar", "desc").orderBy("id", "desc").limit(limit).execute();
    return rows.map(({ id: _id, bot: _bot, entryBar, exitBar, ...trade }) => ({
      entryBar: entryBar.getTime(),
      exitBar: exitBar.getTime(),
      ...trade,
    }));
  }

  /** Decisions, newest bar first. */
  async decisions(bot: string, limit: number): Promise<DecisionView[]> {
    const rows = await this.db.selectFrom("decisions").selectAll().where("bot", "=", bot).orderBy("bar", "desc").limit(limit).execute();
    return rows.map(decisionView);
  }

  /** The whole equity curve thinned out to about `limit` points; the newest bar is always one of them. */
  equity(bot: string, limit: number): Promise<EquityView> {
    return this.snapshot(async (db) => {
      const account = await db.selectFrom("accounts").select("startingCash").where("bot", "=", bot).executeTakeFirst();
      const { bars } = await db
        .selectFrom("equity")
        .select((count) => count.fn.countAll<number>().as("bars"))
        .where("bot", "=", bot)
        .executeTakeFirstOrThrow();
      const step = Math.max(1, Math.ceil(bars / limit));
      const { rows } = await sql<{ bar: Date; equity: number; peak: number }>`
        SELECT bar, equity, peak FROM (
          SELECT bar, equity,
            greatest(${account?.startingCash ?? 0}::numeric, max(equity) OVER (ORDER BY bar)) AS peak,
            row_number() OVER (ORDER BY bar DESC) AS place
          FROM equity WHERE bot = ${bot}
        ) AS curve
        WHERE (place - 1) % ${step} = 0
        ORDER BY bar`.execute(db);
      const points = rows.map((row) => ({ time: row.bar.getTime(), equity: row.equity, drawdown: 1 - row.equity / row.peak }));
      return { startingCash: account?.startingCash ?? null, step, points };
    });
  }

  private snapshot<T>(read: (db: Reading) => Promise<T>): Promise<T> {
    return this.db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(read);
  }
}

async function botRows(db: Reading, bot: BotSettings): Promise<Omit<BotRows, "parity">> {
  const account = await db.selectFrom("accounts").selectAll().where("bot", "=", bot.name).executeTakeFirst();
  const lastDecision = await db.selectFrom("decisions").selectAll().where("bot", "=", bot.name).orderBy("bar", "desc").limit(1).executeTakeFirst();
  const lastEquity = await db.selectFrom("equity").select(["bar", "equity", "close"]).where("bot", "=", bot.name).orderBy("bar", "desc").limit(1).executeTakeFirst();
  const market = db.selectFrom("candles").where("symbol", "=", bot.symbol).where("interval", "=", bot.interval);
  const lastCandle = await market.select(["openTime", "close"]).orderBy("openTime", "desc").limit(1).executeTakeFirst();
  const since = lastDecision?.bar ?? account?.startBar;
  const after = since === undefined ? undefined : await market.select((count) => count.fn.countAll<number>().as("bars")).where("openTime", ">", since).executeTakeFirst();
  const trades = await db
    .selectFrom("trades")
    .select(({ fn }) => [
      fn.countAll<number>().as("count"),
      fn.countAll<number>().filterWhere("profit", ">", 0).as("wins"),
      fn.coalesce(fn.sum<number>("profit"), sql<number>`0`).as("profit"),
      fn.coalesce(fn.sum<number>("fees"), sql<number>`0`).as("fees"),
    ])
    .where("bot", "=", bot.name)
    .executeTakeFirstOrThrow();
  const fills = await db
    .selectFrom("fills")
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere("simulated", "=", true).as("simulated"),
      fn.countAll<number>().filterWhere("simulated", "=", false).as("real"),
    ])
    .where("bot", "=", bot.name)
    .executeTakeFirstOrThrow();
  const pendingOrders = await db
    .selectFrom("orders")
    .select(["bar", "action", "quantity", "stopPrice"])
    .where("bot", "=", bot.name)
    .where("status", "=", "accepted")
    .orderBy("bar")
    .execute();
  const extremes = await drawdowns(db, bot.name, account?.startingCash ?? 0);
  const running = await holdsLock(db, bot.name);
  const broker = await brokerRows(db, bot.name, account?.processedBar ?? undefined);
  return { name: bot.name, running, account, lastDecision, lastEquity, ...extremes, trades, fills, pendingOrders, lastCandle, behind: after?.bars ?? 0, broker };
}

async function drawdowns(db: Reading, bot: string, startingCash: number): Promise<Pick<BotRows, "peakEquity" | "maxDrawdown">> {
  const { rows } = await sql<{ peakEquity: number | null; maxDrawdown: number | null }>`
    SELECT max(peak) AS peak_equity, max(1 - equity / peak) AS max_drawdown FROM (
      SELECT equity, greatest(${startingCash}::numeric, max(equity) OVER (ORDER BY bar)) AS peak
      FROM equity WHERE bot = ${bot}
    ) AS curve`.execute(db);
  return rows[0]!;
}

/** A bot holds the advisory lock (hashtext('trading.bot'), hashtext(name)) as long as it runs; pg_locks shows keys as oid. */
async function holdsLock(db: Reading, bot: string): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`
    SELECT EXISTS (
      SELECT FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = hashtext('trading.bot')::bigint & 4294967295
        AND objid::bigint = hashtext(${bot})::bigint & 4294967295
    ) AS held`.execute(db);
  return rows[0]!.held;
}
