import type { Candle } from "../../domain/candles";
import type { BarResult } from "../../domain/execution";
import { isConnectionError, type Database } from "../shared/database";
import type { Logger } from "../shared/log";
import type { AccountRecord } from "../shared/accountRecord";
import { isPresent, readBotState, readCandles, workBar, type BotState } from "./barWork";
import type { BrokerMetrics } from "./metrics";
import type { Venue } from "./venue";
import { missingOf, nextStep, type Missing, type Step } from "./waitRule";

export interface BarLoopOptions {
  readonly bot: string;
  readonly database: Database;
  readonly venue: Venue;
  readonly graceMilliseconds: number;
  readonly metrics: BrokerMetrics;
  readonly log: Logger;
}

/** How a bot's loop is doing. Times are wall milliseconds. */
export interface LoopStatus {
  /** End of the last turn that did not fail. */
  readonly lastTurn: number;
  readonly lastBar: number;
  /** Message of the failure of the last turn, or null. */
  readonly error: string | null;
  /** What a bot that is there is waited for. */
  readonly waitingFor: Missing | null;
}

/** Candles read ahead; closed candles never change. */
const readAhead = 500;
/** How long an answer about a bot's presence may be used again. */
const presenceMilliseconds = 250;
/** How long a bot takes to come back at most, when the whole machine or the database was started again. */
const returnMilliseconds = 10_000;

/** Works the bars of one bot, one after the other. All it knows is in the database, so that it may end anywhere. */
export class BarLoop {
  private running: Promise<void> | undefined;
  private again = false;
  private closed = false;
  private ahead: Candle[] = [];
  private waiting: { readonly after: number | null; readonly since: number } | null = null;
  private presence = { present: false, at: Number.NEGATIVE_INFINITY };
  private wasAbsent = false;
  /** Until then a bot that is away is expected back: whatever struck the broker may have struck the bot as well. */
  private expectedUntil: number;
  private status_: LoopStatus = { lastTurn: Date.now(), lastBar: Date.now(), error: null, waitingFor: null };

  constructor(private readonly options: BarLoopOptions) {
    this.expectedUntil = this.returnTime();
  }

  get bot(): string {
    return this.options.bot;
  }

  get status(): LoopStatus {
    return this.status_;
  }

  /** Asks for a turn; asked during one, another follows. */
  wake(): void {
    if (this.closed) return;
    if (this.running === undefined) this.running = this.run();
    else this.again = true;
  }

  /** The bot has registered: what was known of its presence is outdated. */
  registered(): void {
    this.presence = { present: true, at: Date.now() };
    this.wake();
  }

  /** Waits for the bar in progress. */
  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private async run(): Promise<void> {
    const { bot, log, metrics } = this.options;
    do {
      this.again = false;
      try {
        while (!this.closed && (await this.turn())) {
          // The next bar may be worked at once.
        }
        this.status_ = { ...this.status_, lastTurn: Date.now(), error: null };
      } catch (error) {
        this.ahead = [];
        this.presence = { present: false, at: Number.NEGATIVE_INFINITY };
        this.expectedUntil = this.returnTime();
        metrics.errors.inc({ bot });
        const message = error instanceof Error ? error.message : String(error);
        if (isConnectionError(error)) log.warn({ bot, error: message }, "database not reachable, bars wait");
        else log.error({ err: error, bot }, "bar not worked, it is tried again");
        this.status_ = { ...this.status_, error: message };
      }
    } while (this.again && !this.closed);
    this.running = undefined;
  }

  /** @returns whether to go on at once; a bot that is there wakes the loop with its decision */
  private async turn(): Promise<boolean> {
    const { bot, database, venue, metrics } = this.options;
    const state = await readBotState(database.db, bot);
    const candle = state === undefined ? undefined : await this.nextCandle(state.record);
    if (state === undefined || candle === undefined) {
      this.waiting = null;
      this.status_ = { ...this.status_, waitingFor: null };
      return false;
    }
    const step = await this.decideStep(state);
    if (!step.work) {
      this.status_ = { ...this.status_, waitingFor: step.missing };
      return false;
    }
    this.note(step, candle);
    const end = metrics.barSeconds.startTimer({ bot });
    const result = await workBar(database, venue, state, candle);
    end();
    this.waiting = null;
    if (result === null) {
      this.ahead = [];
      return true;
    }
    this.ahead.shift();
    this.count(result, candle);
    this.status_ = { lastTurn: Date.now(), lastBar: Date.now(), error: null, waitingFor: null };
    return step.missing !== null;
  }

  private async nextCandle(record: AccountRecord): Promise<Candle | undefined> {
    const { processedBar } = record.account;
    const first = this.ahead[0];
    if (first === undefined || (processedBar !== null && first.openTime <= processedBar)) {
      this.ahead = await readCandles(this.options.database.db, record, readAhead);
    }
    return this.ahead[0];
  }

  private async decideStep(state: BotState): Promise<Step> {
    const { decision } = state;
    const { processedBar } = state.record.account;
    const known = { decision, decisionExpected: processedBar !== null };
    const now = Date.now();
    if (missingOf(known) === null) return nextStep({ ...known, present: true, waited: 0, grace: 0 });
    if (this.waiting === null || this.waiting.after !== processedBar) {
      this.waiting = { after: processedBar, since: now };
    }
    const present = (await this.isPresent()) || now < this.expectedUntil;
    return nextStep({ ...known, present, waited: now - this.waiting.since, grace: this.options.graceMilliseconds });
  }

  private async isPresent(): Promise<boolean> {
    if (Date.now() - this.presence.at > presenceMilliseconds) {
      this.presence = { present: await isPresent(this.options.database.db, this.bot), at: Date.now() };
    }
    return this.presence.present;
  }

  private returnTime(): number {
    return Date.now() + Math.min(returnMilliseconds, this.options.graceMilliseconds);
  }

  /** Counts bars that go on without the bot; an absence is logged once, a slow bot every time. */
  private note(step: Step & { work: true }, candle: Candle): void {
    const { bot, log, metrics } = this.options;
    if (step.missing === null) {
      this.wasAbsent = false;
      return;
    }
    metrics.barsWithout.inc({ bot, missing: step.missing, because: step.because });
    const bar = new Date(candle.openTime).toISOString();
    if (step.because === "grace") {
      log.warn({ bot, bar, missing: step.missing }, "bar worked without the bot's decision: it came not in time");
    } else if (!this.wasAbsent) {
      log.warn({ bot, bar, missing: step.missing }, "the bot is away: bars are worked without its decisions");
    }
    this.wasAbsent = step.because === "absent";
  }

  private count(result: BarResult, candle: Candle): void {
    const { bot, log, metrics, venue } = this.options;
    metrics.bars.inc({ bot });
    metrics.equity.set({ bot }, result.equity);
    metrics.quantity.set({ bot }, result.account.position?.quantity ?? 0);
    metrics.processedBar.set({ bot }, candle.openTime / 1000);
    for (const fill of result.fills) {
      metrics.fills.inc({ bot, reason: fill.reason });
      const { side, price, quantity, fee, reason, clientOrderId } = fill;
      const bar = new Date(fill.bar).toISOString();
      log.info({ bot, bar, side, price, quantity, fee, reason, clientOrderId, simulated: venue.simulated }, "fill");
    }
  }
}
