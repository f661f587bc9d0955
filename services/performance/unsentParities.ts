import type { Kysely } from "kysely";
import type { Trade } from "../../domain/orders";
import { toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import type { ParityRow } from "./parityStore";

/** A comparison, and whose it is. */
export type UnsentParity = ParityRow & { readonly symbol: string; readonly interval: string; readonly strategy: string };

/** What was compared, over the bars of a comparison; times are open times of bars, epoch ms. */
export interface ParityEvidence {
  readonly equity: readonly { readonly bar: number; readonly equity: number }[];
  readonly trades: readonly Trade[];
}

/** Comparisons that MLflow has not heard of yet. */
export class UnsentParities {
  constructor(private readonly db: Kysely<TradingSchema>) {}

  /** The oldest one. @param except ids that are left out */
  next(except: readonly number[]): Promise<UnsentParity | undefined> {
    return this.db
      .selectFrom("parities as p")
      .innerJoin("accounts as a", "a.bot", "p.bot")
      .selectAll("p")
      .select(["a.symbol", "a.interval", "a.strategy"])
      .where("p.sent", "=", false)
      .$if(except.length > 0, (query) => query.where("p.id", "not in", [...except]))
      .orderBy("p.id")
      .limit(1)
      .executeTakeFirst();
  }

  async markSent(id: number): Promise<void> {
    await this.db.updateTable("parities").set({ sent: true }).where("id", "=", id).execute();
  }

  /** The bot's own equity and closed trades within what was compared. */
  async evidence({ bot, fromBar, toBar }: ParityRow): Promise<ParityEvidence> {
    if (fromBar === null || toBar === null) return { equity: [], trades: [] };
    const equity = await this.db.selectFrom("equity").select(["bar", "equity"]).where("bot", "=", bot).where("bar", ">=", fromBar).where("bar", "<=", toBar).orderBy("bar").execute();
    const trades = await this.db
      .selectFrom("trades")
      .select(["entryBar", "exitBar", "quantity", "entryPrice", "exitPrice", "fees", "profit", "exitReason"])
      .where("bot", "=", bot)
      .where("entryBar", ">=", fromBar)
      .where("exitBar", "<=", toBar)
      .orderBy("entryBar")
      .execute();
    return {
      equity: equity.map((mark) => ({ bar: toEpoch(mark.bar), equity: mark.equity })),
      trades: trades.map(({ entryBar, exitBar, ...trade }) => ({ ...trade, exitReason: trade.exitReason as Trade["exitReason"], entryBar: toEpoch(entryBar), exitBar: toEpoch(exitBar) })),
    };
  }
}
