import { sql, type Kysely } from "kysely";
import type { Candle } from "../../domain/candles";
import { toDate, toEpoch } from "../shared/database";
import type { AccountRecord } from "../shared/accountRecord";
import type { TradingSchema } from "../shared/schema";

/** Candles that are read ahead at once. */
export const readAhead = 500;

/** A candle, and when the feed wrote it: epoch ms of the database's clock. */
export interface ArrivedCandle extends Candle {
  readonly receivedAt: number;
}

export interface ReadCandles {
  readonly candles: readonly ArrivedCandle[];
  /** The feed's count of candles written before already written ones, at the same moment; 0 without a candle. */
  readonly repairs: number;
}

/** Reads closed candles for all loops; those that ask for the same at the same time share one answer. */
export class CandleReader {
  private readonly asked = new Map<string, { readonly symbol: string; readonly answer: Promise<ReadCandles> }>();

  constructor(private readonly db: Kysely<TradingSchema>) {}

  /** Candles that follow an account's cursor, oldest first, `readAhead` at most. */
  next({ symbol, interval, startBar, account: { processedBar } }: AccountRecord): Promise<ReadCandles> {
    const key = `${symbol} ${interval} ${processedBar ?? `from ${startBar}`}`;
    const known = this.asked.get(key);
    if (known !== undefined) return known.answer;
    const answer = this.read(symbol, interval, processedBar === null ? ">=" : ">", processedBar ?? startBar);
    const entry = { symbol, answer };
    this.asked.set(key, entry);
    const forget = (): void => {
      if (this.asked.get(key) === entry) this.asked.delete(key);
    };
    answer.then(forget, forget);
    return answer;
  }

  /** A candle was written: an answer that is under way may be without it. @param symbol of all markets unless given */
  outdated(symbol?: string): void {
    for (const [key, entry] of this.asked) {
      if (symbol === undefined || entry.symbol === symbol) this.asked.delete(key);
    }
  }

  private async read(symbol: string, interval: string, operator: ">" | ">=", time: number): Promise<ReadCandles> {
    const rows = await this.db
      .selectFrom("candles")
      .select(["openTime", "open", "high", "low", "close", "volume", "receivedAt"])
      .select(sql<number | null>`(SELECT repairs FROM feed_status WHERE symbol = ${symbol} AND interval = ${interval})`.as("repairs"))
      .where("symbol", "=", symbol)
      .where("interval", "=", interval)
      .where("openTime", operator, toDate(time))
      .orderBy("openTime")
      .limit(readAhead)
      .execute();
    const candles = rows.map(({ openTime, open, high, low, close, volume, receivedAt }) => ({
      ...{ openTime: toEpoch(openTime), open, high, low, close, volume, receivedAt: toEpoch(receivedAt) },
    }));
    return { candles, repairs: rows[0]?.repairs ?? 0 };
  }
}
