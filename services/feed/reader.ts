import type { Kysely } from "kysely";
import type { Candle } from "../../domain/candles";
import { toDate, toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";

/** What the feed reads of others' work, and what it shows of its own: over connections that need no lock. */
export class FeedReader {
  /** @param length of a candle in milliseconds */
  constructor(
    private readonly db: Kysely<TradingSchema>,
    private readonly interval: string,
    private readonly length: number,
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

  /** Whether a bot holds a position in the symbol. */
  async hasPosition(symbol: string): Promise<boolean> {
    return (await this.accounts(symbol).where("entryBar", "is not", null).limit(1).execute()).length > 0;
  }

  /** Whether an order was filled in the bar, or in the one after, which is decided on this bar. */
  async wasTraded(symbol: string, openTime: number): Promise<boolean> {
    const fills = await this.db
      .selectFrom("fills")
      .innerJoin("accounts", "accounts.bot", "fills.bot")
      .select("fills.bar")
      .where("accounts.symbol", "=", symbol)
      .where("accounts.interval", "=", this.interval)
      .where("fills.bar", "in", [toDate(openTime), toDate(openTime + this.length)])
      .limit(1)
      .execute();
    return fills.length > 0;
  }

  private accounts(symbol: string) {
    return this.db.selectFrom("accounts").select(["processedBar", "entryBar"]).where("symbol", "=", symbol).where("interval", "=", this.interval);
  }
}
