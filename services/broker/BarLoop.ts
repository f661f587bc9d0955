import type { Candle } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import type { BarResult } from "../../domain/execution";
import { isConnectionError, type Database } from "../shared/database";
import type { Logger } from "../shared/log";
import type { AccountRecord } from "../shared/accountRecord";
import { isPresent, readBotState, withheldOf, workBar, type BotState } from "./barWork";
import { readAhead, type CandleReader } from "./CandleReader";
import type { BrokerMetrics } from "./metrics";
import type { Venue } from "./venue";
import { missingOf, nextStep, type Missing, type Step } from "./waitRule";

export interface BarLoopOptions {
  readonly stack: string;
  readonly bot: string;
  readonly symbol: string;
  readonly database: Database;
  readonly candles: CandleReader;
  readonly venue: Venue;
  readonly graceMilliseconds: number;
  readonly windowMilliseconds: number;
  readonly metrics: BrokerMetrics;
  readonly log: Logger;
  /** Milliseconds of a clock that nobody sets; performance.now() unless given. */
  readonly clock?: () => number;
}

/** How a bot's loop is doing. Times are milliseconds of the monotonic clock. */
export interface LoopStatus {
  /** End of the last turn that did not fail. */
  readonly lastTurn: number;
  readonly lastBar: number;
  /** Message of the failure of the last turn, or null. */
  readonly error: string | null;
  /** What a bot that is there is waited for. */
  readonly waitingFor: Missing | null;
}

/** How long an answer about a bot's presence may be used again. */
const presenceMilliseconds = 250;
/** How long a bot takes to come back at most, when the whole machine or the database was started again. */
const returnMilliseconds = 10_000;
/** A turn that failed, or that waits for a bot, is followed by another after this long. */
const retryMilliseconds = 1000;
/** Answers to intents that are remembered; a bot gets one or two a bar. */
const answersKept = 20;

/** Works the bars of one bot, one after the other. All it knows is in the database, so that it may end anywhere. */
export class BarLoop {
  private running: Promise<void> | undefined;
  private again = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;
  /** Candles read ahead; closed candles never change. */
  private ahead: Candle[] = [];
  /** Counts the times that there may be new candles, and what it was when there were no more than are read ahead. */
  private arrivals = 1;
  private exhausted = 0;
  /** The account with the decision on its last bar, ready for the next candle; its version tells when it is outdated. */
  private prepared: BotState | null = null;
  /** Ids of intents that were answered for good since the last bar; null for one whose id could not be read. */
  private answers: (string | null)[] = [];
  private waiting: { readonly after: number | null; readonly since: number } | null = null;
  private presence = { present: false, at: Number.NEGATIVE_INFINITY };
  private wasAbsent = false;
  /** Until then a bot that is away is expected back: whatever struck the broker may have struck the bot as well. */
  private expectedUntil: number;
  private readonly clock: () => number;
  private status_: LoopStatus;

  constructor(private readonly options: BarLoopOptions) {
    this.clock = options.clock ?? (() => performance.now());
    this.status_ = { lastTurn: this.clock(), lastBar: this.clock(), error: null, waitingFor: null };
    this.expectedUntil = this.returnTime();
  }

  get bot(): string {
    return this.options.bot;
  }

  get symbol(): string {
    return this.options.symbol;
  }

  get status(): LoopStatus {
    return this.status_;
  }

  /** There may be new candles. */
  candlesCame(): void {
    this.arrivals++;
    this.wake();
  }

  /** Asks for a turn; asked during one, another follows. */
  wake(): void {
    if (this.closed) return;
    if (this.running === undefined) this.running = this.run();
    else this.again = true;
  }

  /** The bot has registered: what was known of its presence is outdated. */
  registered(): void {
    this.presence = { present: true, at: this.clock() };
    this.prepared = null;
    this.candlesCame();
  }

  /**
   * An intent of the bot was answered: taken, or refused for good; either way it is waited for no longer.
   * @param id its client order id, null when it could not be read
   */
  answered(id: string | null): void {
    this.answers = [...this.answers.slice(1 - answersKept), id];
    this.prepared = null;
    this.wake();
  }

  /** Waits for the bar in progress. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
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
        this.status_ = { ...this.status_, lastTurn: this.clock(), error: null };
      } catch (error) {
        this.ahead = [];
        this.arrivals++;
        this.prepared = null;
        this.presence = { present: false, at: Number.NEGATIVE_INFINITY };
        this.expectedUntil = this.returnTime();
        this.wakeIn(retryMilliseconds);
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
    const { bot, database, venue, metrics, windowMilliseconds } = this.options;
    const prepared = this.prepared;
    if (prepared !== null && this.isCaughtUp()) return false;
    const state = prepared ?? (await readBotState(database.db, bot));
    this.prepared = null;
    const candle = state === undefined ? undefined : await this.nextCandle(state.record);
    if (state === undefined || candle === undefined) {
      if (state !== undefined && this.missing(state) === null) this.prepared = state;
      this.waiting = null;
      this.status_ = { ...this.status_, waitingFor: null };
      return false;
    }
    const step = await this.decideStep(state);
    if (!step.work) {
      this.status_ = { ...this.status_, waitingFor: step.missing };
      this.wakeIn(this.nextLook());
      return false;
    }
    this.note(step, candle);
    const end = metrics.barSeconds.startTimer({ bot });
    const result = await workBar(database, venue, state, candle, withheldOf(state, candle, windowMilliseconds));
    end();
    if (result === null) {
      this.ahead = [];
      this.arrivals++;
      return true;
    }
    this.ahead.shift();
    this.answers = [];
    this.count(result, candle);
    this.status_ = { lastTurn: this.clock(), lastBar: this.clock(), error: null, waitingFor: null };
    clearTimeout(this.timer);
    this.waiting = null;
    if (this.ahead.length > 0) {
      // The next bar could be worked now: the time that the bot has to decide begins.
      this.waiting = { after: candle.openTime, since: this.clock() };
      this.wakeIn(this.nextLook());
    }
    return step.missing !== null;
  }

  private async nextCandle(record: AccountRecord): Promise<Candle | undefined> {
    const { processedBar } = record.account;
    const first = this.ahead[0];
    if (first !== undefined && (processedBar === null || first.openTime > processedBar)) return first;
    if (this.isCaughtUp()) return undefined;
    const seen = this.arrivals;
    this.ahead = [...(await this.options.candles.next(record))];
    if (this.ahead.length < readAhead) this.exhausted = seen;
    return this.ahead[0];
  }

  /** Whether there is no candle to be had beyond what was worked. */
  private isCaughtUp(): boolean {
    return this.ahead.length === 0 && this.exhausted === this.arrivals;
  }

  private missing(state: BotState): Missing | null {
    return missingOf(this.known(state));
  }

  private known({ record, decision }: BotState): Parameters<typeof missingOf>[0] {
    const { processedBar } = record.account;
    if (processedBar === null) return { decision: null, decisionExpected: false };
    if (decision === null) return { decision, decisionExpected: true };
    const { action, hasIntent } = decision;
    const id = action === "hold" ? null : clientOrderId(this.options.stack, this.bot, processedBar, action);
    const isAnswered = this.answers.some((answer) => answer === null || answer === id);
    return { decision: { hasIntent, orderKnown: decision.orderKnown || isAnswered }, decisionExpected: true };
  }

  private async decideStep(state: BotState): Promise<Step> {
    const known = this.known(state);
    const { processedBar } = state.record.account;
    const now = this.clock();
    if (missingOf(known) === null) return nextStep({ ...known, present: true, waited: 0, grace: 0 });
    if (this.waiting === null || this.waiting.after !== processedBar) {
      this.waiting = { after: processedBar, since: now };
    }
    const present = (await this.isPresent()) || now < this.expectedUntil;
    return nextStep({ ...known, present, waited: now - this.waiting.since, grace: this.options.graceMilliseconds });
  }

  private async isPresent(): Promise<boolean> {
    if (this.clock() - this.presence.at > presenceMilliseconds) {
      this.presence = { present: await isPresent(this.options.database.db, this.bot), at: this.clock() };
    }
    return this.presence.present;
  }

  /** Milliseconds to the next look at a bot that is waited for: whether it is still there, and when its grace is over. */
  private nextLook(): number {
    const left = (this.waiting?.since ?? this.clock()) + this.options.graceMilliseconds - this.clock();
    return Math.max(1, Math.min(retryMilliseconds, left));
  }

  private wakeIn(milliseconds: number): void {
    clearTimeout(this.timer);
    if (!this.closed) this.timer = setTimeout(() => this.wake(), milliseconds);
  }

  private returnTime(): number {
    return this.clock() + Math.min(returnMilliseconds, this.options.graceMilliseconds);
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
