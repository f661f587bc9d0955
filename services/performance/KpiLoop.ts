import { setTimeout as delay } from "node:timers/promises";
import { sql, type Kysely } from "kysely";
import { intervalMilliseconds } from "../../domain/intervals";
import { kpisOfSpan, SPANS } from "../../domain/kpis/spans";
import { toEpoch } from "../shared/database";
import type { KpisTable, TradingSchema } from "../shared/schema";
import { BotLedger } from "./BotLedger";
import { kpiRow } from "./kpiRow";
import { newestParity } from "./parityStore";

export interface KpiLoopOptions {
  readonly db: Kysely<TradingSchema>;
  readonly bots: readonly string[];
  /** Ends a pause. */
  readonly signal: AbortSignal;
  /** Wall milliseconds from one computation to the next at least; a replay at full speed skips bars. 1 s unless given. */
  readonly paceMilliseconds?: number;
  /** Told the bars that are stored, epoch ms. */
  readonly onStored: (bot: string, bar: number) => void;
}

/** Keeps the figures of every bot up to the newest bar of its account. */
export class KpiLoop {
  private readonly ledgers = new Map<string, BotLedger>();
  /** What is stored: bar and the parity that was known, by bot. */
  private readonly stored = new Map<string, string>();

  constructor(private readonly options: KpiLoopOptions) {}

  /** One round over all bots; takes no less than the pace when there was anything to do. */
  async work(): Promise<void> {
    const { db, bots, signal, paceMilliseconds = 1000 } = this.options;
    const started = performance.now();
    const accounts = await db.selectFrom("accounts").select(["bot", "interval", "processedBar"]).where("bot", "in", [...bots]).where("processedBar", "is not", null).execute();
    let worked = false;
    for (const { bot, interval } of accounts) worked = (await this.bringUp(bot, intervalMilliseconds(interval))) || worked;
    const left = paceMilliseconds - (performance.now() - started);
    if (worked && left > 0) await delay(left, undefined, { signal }).catch(() => undefined);
  }

  private async bringUp(bot: string, interval: number): Promise<boolean> {
    const { db, onStored } = this.options;
    let ledger = this.ledgers.get(bot);
    if (ledger === undefined) this.ledgers.set(bot, (ledger = new BotLedger(bot)));
    await ledger.readOn(db);
    const bar = ledger.lastBar;
    const parity = await newestParity(db, bot);
    const key = `${bar} ${parity?.id ?? "none"}`;
    if (bar === null || this.stored.get(bot) === key) return false;
    const expected = parity?.expectedTrades ?? {};
    const known = parity === undefined ? null : { ...parity, decisionMatch: parity.decisionsCompared > 0 ? parity.decisionsMatched / parity.decisionsCompared : null };
    const rows = SPANS.map((span) => kpiRow({ bot, span, bar }, kpisOfSpan(ledger, span, interval, expected[span] ?? null), known));
    await db
      .insertInto("kpis")
      .values(rows)
      .onConflict((conflict) => conflict.columns(["bot", "span", "bar"]).doUpdateSet((row) => overwritten(row.ref)))
      .execute();
    this.stored.set(bot, key);
    onStored(bot, bar);
    return true;
  }
}

const figures: readonly (keyof KpisTable)[] = [
  ...(["computedAt", "fromBar", "bars", "equity", "totalReturn", "sharpe", "sharpeError", "sharpeProbability", "sharpeMinimumReturns", "sharpeReturns"] as const),
  ...(["drawdownMax", "drawdownCurrent", "drawdownFromPeak", "exposure", "trades", "wins", "losses", "hitRate", "profitFactor", "averageProfit"] as const),
  ...(["tradeRate", "tradesExpected", "tradesAtMost", "tradesAtLeast", "tradesVerdict", "fees", "slippageMedian", "slippageP95"] as const),
  ...(["trackingError", "meanDifference", "equityGap", "decisionMatch"] as const),
];

/** Every figure, taken from the row that was to be inserted. */
function overwritten(ref: (column: any) => unknown): Record<string, any> {
  return Object.fromEntries(figures.map((figure) => [figure, ref(`excluded.${figure}`)]));
}

/** Bars between the account's newest bar and the newest figures, in epoch ms, for /readyz; null where there is none yet. */
export async function readProgress(db: Kysely<TradingSchema>, bots: readonly string[]): Promise<{ bot: string; processedBar: number; kpiBar: number | null }[]> {
  const rows = await db
    .selectFrom("accounts as a")
    .select(["a.bot", "a.processedBar", sql<Date | null>`(SELECT k.bar FROM kpis AS k WHERE k.bot = a.bot AND k.span = 'all' ORDER BY k.bar DESC LIMIT 1)`.as("kpiBar")])
    .where("a.bot", "in", [...bots])
    .where("a.processedBar", "is not", null)
    .execute();
  return rows.map(({ bot, processedBar, kpiBar }) => ({ bot, processedBar: toEpoch(processedBar)!, kpiBar: toEpoch(kpiBar) }));
}
