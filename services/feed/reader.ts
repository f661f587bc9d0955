import type { Kysely } from "kysely";
import type { Candle } from "../../domain/candles";
import { toDate, toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";

/** What the feed reads of others' work, and what it shows of its own: over connections that need no lock. */
export class FeedReader {
  constructor(
    private readonly db: Kysely<TradingSchema>,
    private readonly interval: string,
  ) {}

  /** Stored candles from an open time (epoch ms) on, ascending. */
  async candles(symbol: string, from: number, limit: number): Promise<Candle[]> {
    const rows = await this.db
      .selectFrom("candles")
      .select(["openTime", "open", "high", "low", "close", "volume"])
      .where("symbol", "=", symbol)
      .where("interval", "=", this.interval)
      .where("openTime", ">=", toDate(from))
      .orderBy("openTime")
      .limit(limit)
      .execute();
    return rows.map((row) => ({ ...row, openTime: toEpoch(row.openTime) }));
  }

  /** Whether an account still has bars up to this one to work through, or none has begun yet. */
  async isAwaited(symbol: string, lastOpenTime: number): Promise<boolean> {
    const accounts = await this.accounts(symbol).execute();
    return accounts.length === 0 || accounts.some(({ processedBar }) => (toEpoch(processedBar) ?? 0) < lastOpenTime);
  }

  /** Whether a bot holds a position in the symbol, or an entry of it was taken in that the next candle may fill. */
  async hasPosition(symbol: string): Promise<boolean> {
    const holding = await this.accounts(symbol)
      .where(({ eb, or, exists, selectFrom }) => {
        const entries = selectFrom("orders").select("bar").whereRef("orders.bot", "=", "accounts.bot").where("action", "=", "enter").where("status", "=", "accepted");
        return or([eb("entryBar", "is not", null), exists(entries)]);
      })
      .limit(1)
      .execute();
    return holding.length > 0;
  }

  /** Whether an order was decided on the bar and not refused, be it filled or still to be, or one was filled in it. */
  async wasTraded(symbol: string, openTime: number): Promise<boolean> {
    const bar = toDate(openTime);
    const trading = await this.accounts(symbol)
      .where(({ or, exists, selectFrom }) => {
        const orders = selectFrom("orders").select("bar").whereRef("orders.bot", "=", "accounts.bot").where("bar", "=", bar).where("status", "<>", "rejected");
        const fills = selectFrom("fills").select("bar").whereRef("fills.bot", "=", "accounts.bot").where("bar", "=", bar);
        return or([exists(orders), exists(fills)]);
      })
      .limit(1)
      .execute();
    return trading.length > 0;
  }

  private accounts(symbol: string) {
    return this.db.selectFrom("accounts").select(["processedBar", "entryBar"]).where("symbol", "=", symbol).where("interval", "=", this.interval);
  }
}
