import type { Kysely, Selectable } from "kysely";
import { SPANS } from "../../domain/kpis/spans";
import type { KpisTable, TradingSchema } from "../shared/schema";

export type KpiRow = Selectable<KpisTable>;

/** The newest figures of a bot, one row a window. */
export async function newestKpis(db: Kysely<TradingSchema>, bot: string): Promise<KpiRow[]> {
  const rows = await Promise.all(SPANS.map((span) => db.selectFrom("kpis").selectAll().where("bot", "=", bot).where("span", "=", span).orderBy("bar", "desc").limit(1).executeTakeFirst()));
  return rows.filter((row) => row !== undefined);
}
