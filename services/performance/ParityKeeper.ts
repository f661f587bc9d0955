import type { Kysely } from "kysely";
import { nextRun } from "../../domain/backup/schedule";
import { isConnectionError } from "../shared/database";
import type { Logger } from "../shared/log";
import type { TradingSchema } from "../shared/schema";
import { parityDue } from "./parityDue";
import { runParity } from "./parityRun";
import { newestParity, type ParityRow } from "./parityStore";
import type { PerformanceSettings, WatchedBot } from "./settings";

export interface ParityKeeperOptions {
  readonly db: Kysely<TradingSchema>;
  readonly settings: PerformanceSettings;
  /** Token of each bot's replay, by bot name. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly log: Logger;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  /** Told of every comparison. */
  readonly onParity: (row: ParityRow) => void;
  /** Epoch ms of the wall clock, and milliseconds of one that nobody sets. */
  readonly wall?: () => number;
  readonly monotonic?: () => number;
}

const tickMilliseconds = 10_000;
/** So long a comparison may be due without being done. */
const graceMilliseconds = 30 * 60_000;

/** Compares every bot when it is due by the schedule, once after it was slept through, and when it is asked for. */
export class ParityKeeper {
  private queue: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private ticking = false;
  /** Since when a bot's comparison is due, by the monotonic clock. */
  private readonly dueSince = new Map<string, number>();
  private readonly wall: () => number;
  private readonly monotonic: () => number;

  constructor(private readonly options: ParityKeeperOptions) {
    this.wall = options.wall ?? Date.now;
    this.monotonic = options.monotonic ?? (() => performance.now());
  }

  start(): void {
    this.timer = setInterval(() => void this.tick(), tickMilliseconds);
  }

  /** Bots whose comparison is due for longer than it may be. */
  get overdue(): readonly string[] {
    return [...this.dueSince].filter(([, since]) => this.monotonic() - since > graceMilliseconds).map(([bot]) => bot);
  }

  /** When the next comparisons are due by the schedule, epoch ms. */
  get next(): number {
    return nextRun(this.options.settings.parity.schedule, this.wall());
  }

  /**
   * Compares bots now, one after the other, after what is under way.
   * @param days newest days that are compared; those of the settings unless given
   * @returns a row for every bot that has something to compare
   */
  ask(bots: readonly WatchedBot[], days = this.options.settings.parity.days): Promise<ParityRow[]> {
    const run = this.queue.then(async () => {
      const rows: ParityRow[] = [];
      for (const bot of bots) rows.push(...(await this.compare(bot, days)));
      return rows;
    });
    this.queue = run.catch(() => undefined);
    return run;
  }

  /** One look at what is due; what is done is done before the next look. */
  async tick(): Promise<void> {
    if (this.ticking) return;
    this.ticking = true;
    const { settings, log, signal } = this.options;
    for (const bot of settings.bots) {
      try {
        if (!(await this.isDue(bot.name))) {
          this.dueSince.delete(bot.name);
          continue;
        }
        if (!this.dueSince.has(bot.name)) this.dueSince.set(bot.name, this.monotonic());
        await this.ask([bot]);
        this.dueSince.delete(bot.name);
      } catch (error) {
        if (signal.aborted) break;
        if (isConnectionError(error)) log.warn({ bot: bot.name, error: (error as Error).message }, "database not reachable");
        else log.error({ err: error, bot: bot.name }, "the bot could not be compared with a replay, it is tried again");
      }
    }
    this.ticking = false;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.queue;
  }

  private async isDue(bot: string): Promise<boolean> {
    const { db, settings } = this.options;
    const last = await newestParity(db, bot);
    if (last !== undefined) return parityDue(settings.parity.schedule, { last: last.at.getTime(), decisions: Number.POSITIVE_INFINITY }, this.wall());
    const { decisions } = await db
      .selectFrom("decisions")
      .select((count) => count.fn.countAll<number>().as("decisions"))
      .where("bot", "=", bot)
      .executeTakeFirstOrThrow();
    return parityDue(settings.parity.schedule, { last: null, decisions }, this.wall());
  }

  private async compare(bot: WatchedBot, days: number): Promise<ParityRow[]> {
    const { db, settings, tokens, log, signal, onParity } = this.options;
    const row = await runParity({ db, execution: settings.execution, days, token: tokens.get(bot.name)!, signal }, bot);
    if (row === undefined) return [];
    const { verdict, frozen, reason, reference, note, seconds } = row;
    log[frozen ? "error" : verdict === "equal" ? "info" : "warn"]({ bot: bot.name, verdict, frozen, reason, reference, note, seconds }, "compared with a replay");
    onParity(row);
    return [row];
  }
}
