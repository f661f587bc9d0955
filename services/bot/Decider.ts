import { clientOrderId } from "../../domain/clientOrderId";
import { intervalMilliseconds } from "../../domain/intervals";
import { createStrategy, type Strategy } from "../../domain/strategies";
import type { Logger } from "../shared/log";
import type { BrokerClient, Registration } from "./brokerClient";
import {
  readDecidedBar,
  readOpenIntents,
  readView,
  writeDecisions,
  type CandleArrival,
  type OpenIntent,
} from "./decisionStore";
import type { LockSession } from "./lockSession";
import type { BotMetrics } from "./metrics";
import { decideOn, type PlannedDecision } from "./plan";
import type { BotSettings } from "./settings";

export interface DeciderContext {
  readonly stack: string;
  readonly settings: BotSettings;
  readonly session: LockSession;
  readonly broker: BrokerClient;
  readonly registration: Registration;
  readonly metrics: BotMetrics;
  readonly log: Logger;
  /** Ends long catch-ups between two batches. */
  readonly signal: AbortSignal;
  /** Told the account's last bar (epoch ms, null before the first) whenever it was read. */
  readonly onAccount: (processedBar: number | null) => void;
  /** Told the last bar with a decision (epoch ms, null before the first) when it was read, and as soon as one is written. */
  readonly onDecided: (decidedBar: number | null) => void;
}

/** Candles read at a time. */
const batch = 1000;

/** Someone else decided on a bar of this bot: what was computed here is no longer what the database holds. */
export class DecidedElsewhere extends Error {
  override readonly name = "DecidedElsewhere";
}

/**
 * Decides on every closed bar once, while it holds the lock. Its indicators are computed anew from the warm-up's start,
 * so that they do not depend on when the bot was started. After an error it is of no more use: open another one.
 */
export class Decider {
  private strategy: Strategy;
  /** The next candle to take into the indicators is not before this time. */
  private next: number;
  /** The feed's repairs that the indicators know of. */
  private repairs: number | null = null;
  private readonly interval: number;

  private constructor(
    private readonly context: DeciderContext,
    /** Last bar with a decision, epoch ms. */
    private decidedBar: number | null,
    private openIntents: readonly OpenIntent[],
  ) {
    this.interval = intervalMilliseconds(context.settings.interval);
    this.strategy = this.freshStrategy();
    this.next = context.registration.warmupFrom;
  }

  static async open(context: DeciderContext): Promise<Decider> {
    const { session, settings } = context;
    const decidedBar = await readDecidedBar(session.db, settings.bot);
    context.onDecided(decidedBar);
    if (decidedBar !== null) context.metrics.lastDecidedBar.set(decidedBar / 1000);
    const openIntents = await readOpenIntents(session.db, settings.bot);
    if (openIntents.length > 0) context.log.info({ openIntents }, "intents without an order are handed in again");
    return new Decider(context, decidedBar, openIntents);
  }

  /** Whether an intent waits for the broker's answer. */
  get hasOpenIntents(): boolean {
    return this.openIntents.length > 0;
  }

  /** Hands in what has no answer yet, then decides up to the account's last bar. */
  async work(): Promise<void> {
    const { settings, session, signal, registration, onAccount } = this.context;
    await this.submitOpenIntents();
    while (!session.lost.aborted && !signal.aborted) {
      const view = await readView(session.db, settings.bot, { from: this.next, limit: batch });
      if (view === undefined) return;
      const { record, now, repairs, candles } = view;
      onAccount(record.account.processedBar);
      if (this.repairs !== null && repairs !== this.repairs) {
        this.beginAnew(repairs);
        continue;
      }
      this.repairs = repairs;
      if (candles.length === 0) return;
      const standing = {
        ...{ startBar: registration.startBar, decidedBar: this.decidedBar, account: record.account },
        ...{ now, interval: this.interval, decisionWindow: registration.decisionWindowMilliseconds },
      };
      const decided = candles.flatMap((candle) => {
        const decision = decideOn(candle, standing, this.strategy);
        return decision === null ? [] : [{ decision, candle }];
      });
      this.next = candles.at(-1)!.openTime + 1;
      await this.write(decided);
      // What came meanwhile was notified: the next turn takes it.
      if (candles.length < batch) return;
    }
  }

  /** A candle was written before ones that are in the indicators already: they are computed again with it. */
  private beginAnew(repairs: number): void {
    this.context.log.info({ repairs }, "the feed repaired its candles: the indicators are computed anew");
    this.repairs = repairs;
    this.strategy = this.freshStrategy();
    this.next = this.context.registration.warmupFrom;
  }

  private freshStrategy(): Strategy {
    const { settings, registration } = this.context;
    return createStrategy(settings.strategy, settings.strategySettings, registration.execution);
  }

  private async write(decided: readonly { decision: PlannedDecision; candle: CandleArrival }[]): Promise<void> {
    const last = decided.at(-1);
    if (last === undefined) return;
    const { stack, settings, session, metrics, log } = this.context;
    const decisions = decided.map(({ decision }) => decision);
    const orderIds = decisions.map(({ bar, intent }) => intent && clientOrderId(stack, settings.bot, bar, intent.action));
    const { written, at } = await writeDecisions(session.db, settings.bot, decisions, orderIds);
    if (written !== decisions.length) {
      throw new DecidedElsewhere(`${decisions.length - written} of ${decisions.length} bars were decided on elsewhere`);
    }
    this.decidedBar = last.decision.bar;
    this.context.onDecided(this.decidedBar);
    metrics.lastDecidedBar.set(this.decidedBar / 1000);
    for (const { decision, candle } of decided) {
      metrics.decisions.inc({ action: decision.action, late: String(decision.late) });
      if (!decision.late) metrics.decisionSeconds.observe(Math.max(0, at - candle.receivedAt) / 1000);
    }
    const late = decisions.filter((decision) => decision.late);
    if (late.length > 0) {
      log.warn({ late: late.length, until: iso(this.decidedBar), reason: late.at(-1)!.reason }, "held on bars that were over");
    }
    const intents = decisions.flatMap(({ bar, intent }, index) =>
      intent === null ? [] : [{ clientOrderId: orderIds[index]!, bar, intent }],
    );
    this.openIntents = [...this.openIntents, ...intents];
    await this.submitOpenIntents();
  }

  /** An intent stays open until the broker has answered for good; the next turn tries again. */
  private async submitOpenIntents(): Promise<void> {
    const { broker, metrics, log, signal } = this.context;
    const left: OpenIntent[] = [];
    for (const open of this.openIntents) {
      // A bot that stops asks a broker that does not answer once, not once for each intent.
      if (signal.aborted && left.length > 0) {
        left.push(open);
        continue;
      }
      const { clientOrderId, bar, intent } = open;
      const answer = await broker.submit(clientOrderId, bar, intent, signal);
      metrics.intents.inc({ action: intent.action, result: answer.kind });
      if (answer.kind === "taken") {
        log.info({ bar: iso(bar), clientOrderId, intent, status: answer.status }, "intent taken by the broker");
      } else {
        log.warn({ bar: iso(bar), clientOrderId, intent, reason: answer.reason }, `intent ${answer.kind}`);
      }
      if (answer.kind === "unanswered") left.push(open);
    }
    this.openIntents = left;
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
