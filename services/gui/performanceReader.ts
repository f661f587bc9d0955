import { sql, type Kysely } from "kysely";
import { SPANS } from "../../domain/kpis/spans";
import type { TradingSchema } from "../shared/schema";
import type { ParityView, PerformanceView, WindowView } from "./api";

const undefinedTable = "42P01";

/** The newest figures and the newest comparison of a bot; a database from before there were any shows none. */
export async function readPerformance(database: Kysely<TradingSchema>, bot: string): Promise<PerformanceView> {
  try {
    return await database.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(async (db) => ({ windows: await windows(db, bot), parity: await parity(db, bot) }));
  } catch (error) {
    if ((error as { code?: string }).code !== undefinedTable) throw error;
    return { windows: [], parity: null };
  }
}

/** One statement for all windows: each is the first row of an index. */
async function windows(db: Kysely<TradingSchema>, bot: string): Promise<WindowView[]> {
  const rows = await db
    .selectFrom(sql<{ name: string }>`unnest(${sql.val([...SPANS])}::text[])`.as<"s">(sql`s(name)`))
    .innerJoinLateral((query) => query.selectFrom("kpis").selectAll().where("bot", "=", bot).whereRef("span", "=", sql.ref("s.name")).orderBy("bar", "desc").limit(1).as("k"), (join) => join.onTrue())
    .selectAll("k")
    .execute();
  return rows.map(({ span, fromBar, bar, bars, ...row }) => ({
    ...{ window: span, from: fromBar?.getTime() ?? null, bar: bar.getTime(), bars },
    ...{ totalReturn: row.totalReturn, sharpe: row.sharpe, sharpeError: row.sharpeError, drawdownMax: row.drawdownMax, drawdownFromPeak: row.drawdownFromPeak },
    ...{ exposure: row.exposure, trades: row.trades, tradesExpected: row.tradesExpected, tradesVerdict: row.tradesVerdict, hitRate: row.hitRate, profitFactor: row.profitFactor },
    ...{ fees: row.fees, slippageMedian: row.slippageMedian, slippageP95: row.slippageP95, trackingError: row.trackingError },
  }));
}

async function parity(db: Kysely<TradingSchema>, bot: string): Promise<ParityView | null> {
  const row = await db.selectFrom("parities").selectAll().where("bot", "=", bot).orderBy("id", "desc").limit(1).executeTakeFirst();
  if (row === undefined) return null;
  const { at, fromBar, toBar, firstDifference } = row;
  const first = firstDifference as { kind?: unknown; bar?: unknown } | null;
  return {
    ...{ at: at.getTime(), from: fromBar?.getTime() ?? null, to: toBar?.getTime() ?? null },
    ...{ verdict: row.verdict, frozen: row.frozen, reason: row.reason, cause: row.cause, reference: row.reference, note: row.note },
    ...{ decisionsCompared: row.decisionsCompared, decisionsMatched: row.decisionsMatched, tradesCompared: row.tradesCompared, tradesMatched: row.tradesMatched },
    trackingError: row.trackingError,
    firstDifference: typeof first?.bar === "number" ? { kind: String(first.kind), bar: first.bar } : null,
  };
}

/** Whether the database is of a time that has such a table; asked first, for a failed statement would end the snapshot. */
export async function hasTable(db: Kysely<TradingSchema>, table: string): Promise<boolean> {
  const { rows } = await sql<{ there: boolean }>`SELECT to_regclass(${`trading.${table}`}) IS NOT NULL AS there`.execute(db);
  return rows[0]!.there;
}

export function newestComparison(db: Kysely<TradingSchema>, bot: string): Promise<{ frozen: boolean; reason: string } | undefined> {
  return db.selectFrom("parities").select(["frozen", "reason"]).where("bot", "=", bot).orderBy("id", "desc").limit(1).executeTakeFirst();
}
