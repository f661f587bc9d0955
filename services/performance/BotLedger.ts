import type { Kysely } from "kysely";
import type { Ledger } from "../../domain/kpis/spans";
import { toDate, toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";

/** A bot's equity, trades and fills, kept in memory: rows of closed bars never change, so that only newer ones are read. */
export class BotLedger implements Ledger {
  readonly marks: { bar: number; equity: number; held: boolean }[] = [];
  readonly trades: { exitBar: number; profit: number; fees: number }[] = [];
  readonly fills: { bar: number; price: number; quantity: number; slippage: number; fee: number }[] = [];

  constructor(private readonly bot: string) {}

  /** Last bar that is in it; null before the first. */
  get lastBar(): number | null {
    return this.marks.at(-1)?.bar ?? null;
  }

  /** Takes in what was written since. What belongs to one bar is written in one transaction, and read here as of one moment. */
  async readOn(database: Kysely<TradingSchema>): Promise<void> {
    const after = toDate(this.lastBar ?? 0);
    const read = await database
      .transaction()
      .setIsolationLevel("repeatable read")
      .setAccessMode("read only")
      .execute(async (db) => ({
        marks: await db.selectFrom("equity").select(["bar", "equity", "quantity"]).where("bot", "=", this.bot).where("bar", ">", after).orderBy("bar").execute(),
        trades: await db.selectFrom("trades").select(["exitBar", "profit", "fees"]).where("bot", "=", this.bot).where("exitBar", ">", after).orderBy("exitBar").execute(),
        fills: await db.selectFrom("fills").select(["bar", "price", "quantity", "slippage", "fee"]).where("bot", "=", this.bot).where("bar", ">", after).orderBy("id").execute(),
      }));
    for (const { bar, equity, quantity } of read.marks) this.marks.push({ bar: toEpoch(bar), equity, held: quantity > 0 });
    for (const { exitBar, ...trade } of read.trades) this.trades.push({ exitBar: toEpoch(exitBar), ...trade });
    for (const { bar, ...fill } of read.fills) this.fills.push({ bar: toEpoch(bar), ...fill });
  }
}
