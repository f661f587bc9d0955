import { sql, type Kysely } from "kysely";
import { mostPoints } from "../../mlflow/points";
import type { Trade } from "../../domain/orders";
import { toDate, toEpoch } from "../shared/database";
import type { TradingSchema } from "../shared/schema";

export type EndStatus = "FINISHED" | "KILLED" | "FAILED";

/** One start of the bot. Times and bars are epoch ms. */
export interface BotRun {
  readonly id: string;
  readonly image: string | null;
  readonly params: Readonly<Record<string, string>>;
  readonly startedAt: number;
  /** Null while it runs. */
  readonly endedAt: number | null;
  readonly status: "RUNNING" | EndStatus;
  /** Its equity and trades are those of the bars after this one, up to and with `toBar`. */
  readonly fromBar: number | null;
  readonly toBar: number | null;
  /** What its returns are counted from: equity before its first bar. */
  readonly startingEquity: number;
  /** Length of a bar in the account's interval. */
  readonly interval: string;
}

/** A point of a run's curve. */
export interface CurvePoint {
  /** Number of the bar in the run, from 1. */
  readonly step: number;
  /** Open time, epoch ms. */
  readonly bar: number;
  readonly equity: number;
  /** Fraction below the highest equity so far. */
  readonly drawdown: number;
  /** Trades closed so far. */
  readonly trades: number;
}

export interface EquityMark {
  readonly bar: number;
  readonly equity: number;
  readonly cash: number;
  readonly quantity: number;
  readonly close: number;
}

const pageRows = 5000;

/** The bot's rows of table `runs`, and what the tables tell of a run. */
export class RunStore {
  constructor(
    private readonly db: Kysely<TradingSchema>,
    private readonly bot: string,
  ) {}

  /**
   * Notes a start. The bot holds its lock: a run of it that still counts as running belongs to an instance that was
   * killed, and ends with the last that was seen of it.
   * @param startedAt epoch ms
   */
  async begin(run: { id: string; image: string | null; params: Readonly<Record<string, string>>; startedAt: number }): Promise<void> {
    const started = toDate(run.startedAt);
    await sql`
      WITH last AS (
        SELECT bar, decided_at FROM decisions WHERE bot = ${this.bot} AND decided_at < ${started} ORDER BY bar DESC LIMIT 1
      ), killed AS (
        UPDATE runs SET status = 'KILLED', to_bar = greatest(to_bar, (SELECT bar FROM last)),
          ended_at = greatest(seen_at, (SELECT decided_at FROM last))
        WHERE bot = ${this.bot} AND status = 'RUNNING' AND id <> ${run.id}
      )
      INSERT INTO runs (id, bot, image, params, started_at, from_bar, to_bar)
      SELECT ${run.id}, bot, ${run.image}, ${JSON.stringify(run.params)}::jsonb, ${started}, processed_bar, processed_bar
      FROM accounts WHERE bot = ${this.bot}
      ON CONFLICT DO NOTHING`.execute(this.db);
  }

  /** Notes that a run goes on. @returns false when it does not count as running (any more) */
  async touch(id: string, toBar: number | null): Promise<boolean> {
    const { numAffectedRows } = await sql`
      UPDATE runs SET seen_at = clock_timestamp(), to_bar = greatest(to_bar, ${toBar === null ? null : toDate(toBar)}::timestamptz)
      WHERE id = ${id} AND status = 'RUNNING'`.execute(this.db);
    return numAffectedRows === 1n;
  }

  /** Notes the end of a run; one that has ended stays as it is. */
  async end(id: string, status: EndStatus): Promise<void> {
    await sql`
      UPDATE runs SET status = ${status}, ended_at = clock_timestamp(), seen_at = clock_timestamp(),
        to_bar = greatest(to_bar, (SELECT processed_bar FROM accounts WHERE bot = ${this.bot}))
      WHERE id = ${id} AND status = 'RUNNING'`.execute(this.db);
  }

  /** Runs that MLflow has not heard the end of, oldest first. */
  async unsent(excluded: readonly string[], limit: number): Promise<BotRun[]> {
    const { rows } = await sql<{
      id: string;
      image: string | null;
      params: Record<string, string>;
      startedAt: Date;
      endedAt: Date | null;
      status: BotRun["status"];
      fromBar: Date | null;
      toBar: Date | null;
      interval: string;
      startingEquity: number;
    }>`
      SELECT r.id, r.image, r.params, r.started_at, r.ended_at, r.status, r.from_bar, r.to_bar, a.interval,
        coalesce((SELECT e.equity FROM equity AS e WHERE e.bot = r.bot AND e.bar <= r.from_bar ORDER BY e.bar DESC LIMIT 1),
          a.starting_cash) AS starting_equity
      FROM runs AS r JOIN accounts AS a ON a.bot = r.bot
      WHERE r.bot = ${this.bot} AND NOT r.sent AND NOT (r.id = ANY (${[...excluded]}::uuid[]))
      ORDER BY r.started_at, r.id LIMIT ${limit}`.execute(this.db);
    return rows.map((row) => ({
      ...row,
      startedAt: toEpoch(row.startedAt),
      endedAt: toEpoch(row.endedAt),
      fromBar: toEpoch(row.fromBar),
      toBar: toEpoch(row.toBar),
    }));
  }

  async noteMlflowRun(id: string, mlflowRunId: string): Promise<void> {
    await this.db.updateTable("runs").set({ mlflowRunId }).where("id", "=", id).execute();
  }

  /** MLflow has all of a run that has ended. */
  async markSent(id: string, mlflowRunId: string): Promise<void> {
    await this.db.updateTable("runs").set({ mlflowRunId, sent: true }).where("id", "=", id).execute();
  }

  /** Points of a run's curve after a step, thinned to at most 300, the last bar among them. */
  async curve(run: BotRun, afterStep = 0): Promise<CurvePoint[]> {
    if (run.toBar === null) return [];
    const { rows } = await sql<{ step: number; bar: Date; equity: number; drawdown: number; trades: number }>`
      WITH curve AS (
        SELECT row_number() OVER passed AS step, count(*) OVER () AS bars, bar, equity,
          1 - equity / greatest(max(equity) OVER passed, ${run.startingEquity}::numeric) AS drawdown
        FROM equity WHERE bot = ${this.bot} AND bar > ${lower(run.fromBar)} AND bar <= ${toDate(run.toBar)}
        WINDOW passed AS (ORDER BY bar)
      )
      SELECT step, bar, equity, drawdown,
        (SELECT count(*) FROM trades AS t
          WHERE t.bot = ${this.bot} AND t.exit_bar > ${lower(run.fromBar)} AND t.exit_bar <= curve.bar) AS trades
      FROM curve
      WHERE step > ${afterStep} AND (bars - step) % greatest(1, ceil((bars - ${afterStep}) / ${mostPoints}::numeric)::bigint) = 0
      ORDER BY step`.execute(this.db);
    return rows.map((row) => ({ ...row, bar: toEpoch(row.bar) }));
  }

  /** Equity at the close of every bar of a run, page by page. */
  async *equity(run: BotRun): AsyncGenerator<EquityMark[]> {
    let after = lower(run.fromBar);
    while (run.toBar !== null) {
      const page = await this.db
        .selectFrom("equity")
        .select(["bar", "equity", "cash", "quantity", "close"])
        .where("bot", "=", this.bot)
        .where("bar", ">", after)
        .where("bar", "<=", toDate(run.toBar))
        .orderBy("bar")
        .limit(pageRows)
        .execute();
      yield page.map((mark) => ({ ...mark, bar: toEpoch(mark.bar) }));
      if (page.length < pageRows) return;
      after = page.at(-1)!.bar;
    }
  }

  /** Trades that were closed in a run, page by page. */
  async *trades(run: BotRun): AsyncGenerator<Trade[]> {
    let after = lower(run.fromBar);
    while (run.toBar !== null) {
      const page = await this.db
        .selectFrom("trades")
        .select(["entryBar", "exitBar", "quantity", "entryPrice", "exitPrice", "fees", "profit", "exitReason"])
        .where("bot", "=", this.bot)
        .where("exitBar", ">", after)
        .where("exitBar", "<=", toDate(run.toBar))
        .orderBy("exitBar")
        .limit(pageRows)
        .execute();
      yield page.map((row) => ({
        ...row,
        entryBar: toEpoch(row.entryBar),
        exitBar: toEpoch(row.exitBar),
        exitReason: row.exitReason as Trade["exitReason"],
      }));
      if (page.length < pageRows) return;
      after = page.at(-1)!.exitBar;
    }
  }
}

/** Bars after this time belong to the run. */
function lower(fromBar: number | null): Date {
  return toDate(fromBar ?? 0);
}
