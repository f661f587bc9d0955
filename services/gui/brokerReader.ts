import { sql, type Selectable, type Transaction } from "kysely";
import type { ReconciliationsTable, RejectionsTable, TradingSchema } from "../shared/schema";

type Reading = Transaction<TradingSchema>;

/** What the broker did with one bot's intents. */
export interface BrokerRows {
  /** Orders of any kind but protective stops in the last hour and day of market time, without the rejected ones. */
  orders: { hour: number; day: number };
  /** The newest entry that was let through. */
  lastEntry: { bar: Date; quantity: number | null; referencePrice: number | null } | undefined;
  rejections: Selectable<RejectionsTable>[];
  reconciliation: Selectable<ReconciliationsTable> | undefined;
}

/** @param processedBar the account's, which is market time's now; undefined before it has any */
export async function brokerRows(db: Reading, bot: string, processedBar: Date | undefined): Promise<BrokerRows> {
  const admitted = db.selectFrom("orders").where("bot", "=", bot).where("status", "!=", "rejected");
  const since = (hours: number) => sql<Date>`${processedBar ?? new Date()}::timestamptz - make_interval(hours => ${hours})`;
  const orders = await admitted
    .select(({ fn }) => [fn.countAll<number>().filterWhere("bar", ">", since(1)).as("hour"), fn.countAll<number>().as("day")])
    .where("action", "!=", "stop")
    .where("bar", ">", since(24))
    .executeTakeFirstOrThrow();
  const lastEntry = await admitted
    .select(({ fn }) => ["bar", fn.coalesce("sizeLimit", "quantity").as("quantity"), "referencePrice"])
    .where("action", "=", "enter")
    .orderBy("bar", "desc")
    .limit(1)
    .executeTakeFirst();
  const reconciliation = await db.selectFrom("reconciliations").selectAll().where("bot", "=", bot).executeTakeFirst();
  return { orders, lastEntry, rejections: await rejectionRows(db, bot), reconciliation };
}

export function rejectionRows(db: Reading, bot: string): Promise<Selectable<RejectionsTable>[]> {
  return db.selectFrom("rejections").selectAll().where("bot", "=", bot).orderBy("lastAt", "desc").execute();
}
