import { clientOrderId } from "../../domain/clientOrderId";
import { orderReasons, type BarResult } from "../../domain/execution";
import { intervalMilliseconds } from "../../domain/intervals";
import { isConnectionError, type Database } from "../shared/database";
import type { Logger } from "../shared/log";
import { readBotState, withheldOf, workBar, type BotState } from "./barWork";
import type { BrokerLock } from "./BrokerLock";
import { CandleQueue, type Following } from "./CandleQueue";
import type { CandleReader } from "./CandleReader";
import type { Halts } from "./Halts";
import type { BrokerMetrics } from "./metrics";
import { readPassedStop } from "./passedStop";
import { Presence } from "./Presence";
import type { Venue } from "./venue";
import { missingOf, nextStep, type Missing, type Step } from "./waitRule";

export interface BarLoopOptions {
  readonly stack: string;
  readonly bot: string;
  readonly symbol: string;
  readonly database: Database;
  readonly candles: CandleReader;
  readonly venue: Venue;
  /** Without it nothing is worked. */
  readonly lock: Pick<BrokerLock, "held">;
  readonly halts: Pick<Halts, "of">;
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
  private readonly queue: CandleQueue;
  /** The feed's repairs that were known when the last bar was worked; there are none before the first. */
  private repairs = 0;
  /** The account with the decision on its last bar, ready for the next candle; its version tells when it is outdated. */
  private prepared: BotState | null = null;
  /** Ids of intents that were answered for good since the last bar; null for one whose id could not be read. */
  private answers: (string | null)[] = [];
  private waiting: { readonly after: number | null; readonly since: number } | null = null;
  private readonly presence: Presence;
  private wasAbsent = false;
  private readonly clock: () => number;
  private status_: LoopStatus;

  constructor(private readonly options: BarLoopOptions) {
    this.clock = options.clock ?? (() => performance.now());
    this.queue = new CandleQueue(options.candles);
    this.presence = new Presence(options, this.clock);
    this.status_ = { lastTurn: this.clock(), lastBar: this.clock(), error: null, waitingFor: null };
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
    this.queue.came();
    this.wake();
  }

  /** The broker's lock is held: what was known before is outdated. */
  begin(): void {
    this.forget();
    this.status_ = { ...this.status_, lastTurn: this.clock() };
    this.wake();
  }

  /** Asks for a turn; asked during one, another follows. */
  wake(): void {
    if (this.closed || !this.options.lock.held) return;
    if (this.running === undefined) this.running = this.run();
    else this.again = true;
  }

  /** The bot has registered: what was known of its presence is outdated. */
  registered(): void {
    this.presence.seen();
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
        while (!this.closed && this.options.lock.held && (await this.turn())) {
          // The next bar may be worked at once.
        }
        this.status_ = { ...this.status_, lastTurn: this.clock(), error: null };
      } catch (error) {
        this.forget();
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
    const { bot, database, venue, halts, metrics, windowMilliseconds } = this.options;
    const prepared = this.prepared;
    if (prepared !== null && this.queue.isEmpty) return false;
    const state = prepared ?? (await readBotState(database.db, bot));
    this.prepared = null;
    const following = state === undefined ? undefined : await this.queue.following(state.record);
    if (state === undefined || following === undefined) {
      if (state !== undefined && this.missing(state) === null) this.prepared = state;
      this.waiting = null;
      this.status_ = { ...this.status_, waitingFor: null };
      return false;
    }
    if (following.repairs !== state.repairs) {
      // The feed has closed a gap in between: account and candles are to be of one moment.
      this.queue.forget();
      return true;
    }
    const step = await this.decideStep(state);
    if (!step.work) {
      this.status_ = { ...this.status_, waitingFor: step.missing };
      this.wakeIn(this.nextLook());
      return false;
    }
    const { candle } = following;
    this.note(step, candle);
    const end = metrics.barSeconds.startTimer({ bot });
    const terms = {
      interval: intervalMilliseconds(state.record.interval),
      withheld: withheldOf(state, following.candles, windowMilliseconds),
      passedStop: await this.passedStop(state),
    };
    const result = this.options.lock.held ? await workBar(database, venue, state, candle, terms, () => halts.of(bot)) : null;
    end();
    if (result === null) {
      this.queue.forget();
      return true;
    }
    this.queue.worked();
    this.repairs = state.repairs;
    this.answers = [];
    this.count(result, candle);
    this.status_ = { lastTurn: this.clock(), lastBar: this.clock(), error: null, waitingFor: null };
    clearTimeout(this.timer);
    this.waiting = null;
    if (this.queue.length > 0) {
      // The next bar could be worked now: the time that the bot has to decide begins.
      this.waiting = { after: candle.openTime, since: this.clock() };
      this.wakeIn(this.nextLook());
    }
    return step.missing !== null;
  }

  /** Asked when the feed has repaired its candles since the last bar, and once after a start: there are none else. */
  private async passedStop(state: BotState): Promise<number | null> {
    return state.repairs === this.repairs ? null : readPassedStop(this.options.database.db, state.record);
  }

  /** Nothing that was known holds any more. */
  private forget(): void {
    this.queue.forget();
    this.prepared = null;
    this.presence.expectBack();
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
    const present = await this.presence.isExpected();
    return nextStep({ ...known, present, waited: now - this.waiting.since, grace: this.options.graceMilliseconds });
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

  /** Counts bars that go on without the bot; an absence is logged once, a slow bot every time. */
  private note(step: Step & { work: true }, candle: Following["candle"]): void {
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

  private count(result: BarResult, candle: Following["candle"]): void {
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
    for (const { clientOrderId: id } of result.orderUpdates.filter(({ reason }) => reason === orderReasons.passedBefore)) {
      log.warn({ bot, clientOrderId: id }, "the stop was reached in a bar whose candle came late: filled now");
    }
  }
}
