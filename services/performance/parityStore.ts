import type { Insertable, Kysely, Selectable } from "kysely";
import type { ParitiesTable, TradingSchema } from "../shared/schema";

export type ParityRow = Selectable<ParitiesTable>;
export type NewParity = Insertable<ParitiesTable>;

/** The newest comparison of a bot; it is what freeze and promotion go by. */
export function newestParity(db: Kysely<TradingSchema>, bot: string): Promise<ParityRow | undefined> {
  return db.selectFrom("parities").selectAll().where("bot", "=", bot).orderBy("id", "desc").limit(1).executeTakeFirst();
}

export function insertParity(db: Kysely<TradingSchema>, parity: NewParity): Promise<ParityRow> {
  return db.insertInto("parities").values(parity).returningAll().executeTakeFirstOrThrow();
}
