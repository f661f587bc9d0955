import type { Selectable, Transaction } from "kysely";
import type { GuardActionsTable, GuardStatusTable, TradingSchema } from "../shared/schema";
import { hasTable } from "./performanceReader";

/** What the database says of the guard. */
export interface GuardRows {
  /** Undefined before the guard ever ran. */
  status: Selectable<GuardStatusTable> | undefined;
  /** Newest first. */
  actions: Selectable<GuardActionsTable>[];
}

/** Actions that are shown. */
const shownActions = 20;

/** A database from before there was a guard has none. */
export async function guardRows(db: Transaction<TradingSchema>): Promise<GuardRows> {
  if (!(await hasTable(db, "guard_status"))) return { status: undefined, actions: [] };
  const status = await db.selectFrom("guardStatus").selectAll().executeTakeFirst();
  const actions = await db.selectFrom("guardActions").selectAll().orderBy("at", "desc").orderBy("id", "desc").limit(shownActions).execute();
  return { status, actions };
}
