import { sql, type Kysely, type Selectable } from "kysely";
import type { Candle } from "../../domain/candles";
import { intervalMilliseconds } from "../../domain/intervals";
import type { Intent } from "../../domain/orders";
import type { BotRecord, RecordedDecision } from "../../domain/parity/compare";
import { toDate, toEpoch } from "../shared/database";
import type { AccountsTable, TradingSchema } from "../shared/schema";
import { haltedWord } from "../shared/words";

/** Everything a bot's comparison needs, read as of one moment. Times are epoch ms. */
export interface Recorded {
  readonly symbol: string;
  readonly interval: string;
  readonly barMilliseconds: number;
  readonly strategy: { readonly name: string; readonly settings: Record<string, unknown> };
  readonly configurationHash: string;
  readonly startBar: number;
  readonly warmupFrom: number;
  readonly startingCash: number;
  /** First and last bar that is compared. */
  readonly from: number;
  readonly to: number;
  /** As they are recorded now, from the warm-up on. */
  readonly candles: readonly Candle[];
  /** What the bot did from `from` to `to`; trades from the start on. */
  readonly record: BotRecord;
  /** Bars from the start on whose intent the broker did not take. */
  readonly refused: readonly number[];
  /** Bars from the start on that passed while the bot was away, or on which it decided nothing. */
  readonly late: readonly number[];
  /** Entries from the start on that were made smaller than they were decided on, by the bar of the decision. */
  readonly sizeLimits: readonly { readonly bar: number; readonly quantity: number }[];
  /** Candles that the account never lived through: they were written after it had gone on. */
  readonly unseen: readonly number[];
  /** Bars from the start on whose recorded close is not the one that the account was valued at. */
  readonly revised: readonly number[];
  /** Image of the bot's newest start; null where it noted none. */
  readonly image: string | null;
}

/**
 * Reads a bot's record of its newest days.
 * @returns undefined before the bot has a bar
 */
export function readRecorded(database: Kysely<TradingSchema>, bot: string, days: number): Promise<Recorded | undefined> {
  return database
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (db) => {
      const account = await db.selectFrom("accounts").selectAll().where("bot", "=", bot).executeTakeFirst();
      // The bar that the account stands at may not be decided on yet.
      const decided = await db.selectFrom("decisions").select("bar").where("bot", "=", bot).orderBy("bar", "desc").limit(1).executeTakeFirst();
      const { processedBar } = account ?? { processedBar: null };
      if (account === undefined || processedBar === null || decided === undefined) return undefined;
      const { symbol, interval } = account;
      const barMilliseconds = intervalMilliseconds(interval);
      const start = await readStart(db, account);
      if (start === undefined) return undefined;
      const { startBar, startingCash } = start;
      const warmupFrom = toEpoch(account.warmupFrom);
      const to = Math.min(toEpoch(processedBar), toEpoch(decided.bar));
      if (to < startBar) return undefined;
      const from = Math.max(startBar, to + barMilliseconds - days * 86_400_000);
      const candles = await readCandles(db, { symbol, interval, from: warmupFrom, to });
      const lived = await db.selectFrom("equity").select(["bar", "equity", "close"]).where("bot", "=", bot).where("bar", "<=", toDate(to)).orderBy("bar").execute();
      const closes = new Map(lived.map(({ bar, close }) => [bar.getTime(), close]));
      const { refused, late } = await readExceptions(db, bot, startBar, to);
      const smaller = await db.selectFrom("orders").select(["bar", "sizeLimit"]).where("bot", "=", bot).where("bar", ">=", toDate(startBar)).where("sizeLimit", "is not", null).orderBy("bar").execute();
      const run = await db.selectFrom("runs").select("image").where("bot", "=", bot).orderBy("startedAt", "desc").limit(1).executeTakeFirst();
      return {
        ...{ symbol, interval, barMilliseconds, startBar, warmupFrom, from, to, candles, refused, late },
        strategy: { name: account.strategy, settings: account.strategySettings },
        configurationHash: account.configurationHash,
        startingCash,
        record: {
          ...(await readActs(db, bot, from, to)),
          equity: lived.filter(({ bar }) => bar.getTime() >= from).map(({ bar, equity }) => ({ bar: bar.getTime(), equity })),
        },
        sizeLimits: smaller.map(({ bar, sizeLimit }) => ({ bar: toEpoch(bar), quantity: sizeLimit! })),
        unseen: candles.filter(({ openTime }) => openTime >= startBar && !closes.has(openTime)).map(({ openTime }) => openTime),
        revised: candles.filter(({ openTime, close }) => closes.has(openTime) && closes.get(openTime) !== close).map(({ openTime }) => openTime),
        image: run?.image ?? null,
      };
    });
}

/**
 * Where a replay begins: with the account, or, when the bot was configured otherwise before, after the first bar since
 * then that ended with nothing open. What came before was decided by other settings, and is no difference of these.
 * @returns undefined before there is such a bar
 */
async function readStart(db: Kysely<TradingSchema>, account: Selectable<AccountsTable>): Promise<Pick<Recorded, "startBar" | "startingCash"> | undefined> {
  const { bot, configurationHash, interval, processedBar } = account;
  const { rows } = await sql<{ since: Date | null }>`
    SELECT (SELECT coalesce(min(from_bar), ${processedBar}) FROM runs WHERE bot = ${bot} AND started_at > other.started_at) AS since
    FROM runs AS other WHERE bot = ${bot} AND params ->> 'configurationHash' IS DISTINCT FROM ${configurationHash}
    ORDER BY started_at DESC LIMIT 1`.execute(db);
  const since = rows[0]?.since;
  if (since === undefined || since === null) return { startBar: toEpoch(account.startBar), startingCash: account.startingCash };
  const flat = await db
    .selectFrom("equity as e")
    .leftJoin("decisions as d", (join) => join.onRef("d.bot", "=", "e.bot").onRef("d.bar", "=", "e.bar"))
    .select(["e.bar", "e.cash"])
    .where("e.bot", "=", bot)
    .where("e.bar", ">=", since)
    .where("e.quantity", "=", 0)
    .where((is) => is.or([is("d.action", "is", null), is("d.action", "=", "hold")]))
    .orderBy("e.bar")
    .limit(1)
    .executeTakeFirst();
  return flat && { startBar: toEpoch(flat.bar) + intervalMilliseconds(interval), startingCash: flat.cash };
}

interface Stretch {
  readonly symbol: string;
  readonly interval: string;
  readonly from: number;
  readonly to: number;
}

async function readCandles(db: Kysely<TradingSchema>, { symbol, interval, from, to }: Stretch): Promise<Candle[]> {
  const rows = await db
    .selectFrom("candles")
    .select(["openTime", "open", "high", "low", "close", "volume"])
    .where("symbol", "=", symbol)
    .where("interval", "=", interval)
    .where("openTime", ">=", toDate(from))
    .where("openTime", "<=", toDate(to))
    .orderBy("openTime")
    .execute();
  return rows.map(({ openTime, ...prices }) => ({ openTime: toEpoch(openTime), ...prices }));
}

async function readActs(db: Kysely<TradingSchema>, bot: string, from: number, to: number): Promise<Omit<BotRecord, "equity">> {
  const decisions = await db
    .selectFrom("decisions")
    .select(["bar", "action", "reason", "indicators", "intent", "late"])
    .where("bot", "=", bot)
    .where("bar", ">=", toDate(from))
    .where("bar", "<=", toDate(to))
    .orderBy("bar")
    .execute();
  const fills = await db
    .selectFrom("fills")
    .select(["clientOrderId", "bar", "side", "price", "quantity", "fee", "slippage", "reason"])
    .where("bot", "=", bot)
    .where("bar", ">=", toDate(from))
    .where("bar", "<=", toDate(to))
    .orderBy("id")
    .execute();
  const trades = await db
    .selectFrom("trades")
    .select(["entryBar", "exitBar", "quantity", "entryPrice", "exitPrice", "fees", "profit", "exitReason"])
    .where("bot", "=", bot)
    .where("exitBar", "<=", toDate(to))
    .orderBy("exitBar")
    .execute();
  return {
    decisions: decisions.map(({ bar, intent, late, ...decision }): RecordedDecision => ({ bar: toEpoch(bar), ...decision, intent: intent as Intent | null, ...(late ? { late } : {}) })),
    fills: fills.map(({ bar, reason, ...fill }) => ({ bar: toEpoch(bar), ...fill, reason: reason as "entry" | "exit" | "stop" })),
    trades: trades.map(({ entryBar, exitBar, exitReason, ...trade }) => ({ entryBar: toEpoch(entryBar), exitBar: toEpoch(exitBar), ...trade, exitReason: exitReason as "exit" | "stop" })),
  };
}

/** Bars before `to` whose decision came to nothing: refused, never taken or cancelled for a halt by the broker; late, or missing on a bar of the account. */
async function readExceptions(db: Kysely<TradingSchema>, bot: string, from: number, to: number): Promise<Pick<Recorded, "refused" | "late">> {
  const { rows } = await sql<{ bar: Date; kind: "refused" | "late" }>`
    SELECT d.bar, 'refused' AS kind FROM decisions AS d LEFT JOIN orders AS o ON o.client_order_id = d.client_order_id
      WHERE d.bot = ${bot} AND d.bar >= ${toDate(from)} AND d.bar < ${toDate(to)} AND d.intent IS NOT NULL
        AND (coalesce(o.status, 'rejected') = 'rejected' OR (o.status = 'cancelled' AND o.reason LIKE ${`${haltedWord}%`}))
    UNION ALL SELECT bar, 'late' FROM decisions WHERE bot = ${bot} AND bar >= ${toDate(from)} AND bar < ${toDate(to)} AND late
    UNION ALL SELECT e.bar, 'late' FROM equity AS e LEFT JOIN decisions AS d ON d.bot = e.bot AND d.bar = e.bar
      WHERE e.bot = ${bot} AND e.bar >= ${toDate(from)} AND e.bar < ${toDate(to)} AND d.bot IS NULL
    ORDER BY 1`.execute(db);
  const of = (wanted: "refused" | "late") => rows.filter(({ kind }) => kind === wanted).map(({ bar }) => bar.getTime());
  return { refused: of("refused"), late: of("late") };
}
