import { clientOrderId } from "../../domain/clientOrderId";
import { createStrategy, type Strategy } from "../../domain/strategies";
import { readAccount } from "../shared/accountRecord";
import type { Database } from "../shared/database";
import type { Logger } from "../shared/log";
import type { BrokerClient, Registration } from "./brokerClient";
import {
  readCandles,
  readDecidedBar,
  readOpenIntents,
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
  readonly database: Database;
  readonly session: LockSession;
  readonly broker: BrokerClient;
  readonly registration: Registration;
  readonly metrics: BotMetrics;
  readonly log: Logger;
  /** Ends long catch-ups between two batches. */
  readonly signal: AbortSignal;
}

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
  /** Last bar with a decision, epoch ms. */
  decidedBar: number | null;
  private readonly strategy: Strategy;
  /** The next candle to take into the indicators is not before this time. */
  private next: number;

  private constructor(
    private readonly context: DeciderContext,
    decidedBar: number | null,
    private openIntents: readonly OpenIntent[],
  ) {
    const { settings, registration } = context;
    this.decidedBar = decidedBar;
    this.strategy = createStrategy(settings.strategy, settings.strategySettings, registration.execution);
    this.next = registration.warmupFrom;
  }

  static async open(context: DeciderContext): Promise<Decider> {
    const { database, settings } = context;
    const decidedBar = await readDecidedBar(database.db, settings.bot);
    if (decidedBar !== null) context.metrics.lastDecidedBar.set(decidedBar / 1000);
    const openIntents = await readOpenIntents(database.db, settings.bot);
    if (openIntents.length > 0) context.log.info({ openIntents }, "intents without an order are handed in again");
    return new Decider(context, decidedBar, openIntents);
  }

  /** Hands in what has no answer yet, then decides up to the account's last bar. */
  async work(): Promise<void> {
    const { database, settings, session, signal } = this.context;
    await this.submitOpenIntents();
    while (!session.lost.aborted && !signal.aborted) {
      const record = await readAccount(database.db, settings.bot);
      const processedBar = record?.account.processedBar ?? null;
      if (record === undefined || processedBar === null) return;
      const { symbol, interval } = record;
      const candles = await readCandles(database.db, { symbol, interval, from: this.next, to: processedBar, limit: batch });
      if (candles.length === 0) return;
      const standing = { startBar: this.context.registration.startBar, decidedBar: this.decidedBar, account: record.account };
      const decided = candles.flatMap((candle) => {
        const decision = decideOn(candle, standing, this.strategy);
        return decision === null ? [] : [{ decision, candle }];
      });
      this.next = candles.at(-1)!.openTime + 1;
      await this.write(decided);
    }
  }

  private async write(decided: readonly { decision: PlannedDecision; candle: CandleArrival }[]): Promise<void> {
    const last = decided.at(-1);
    if (last === undefined) return;
    const { stack, settings, session, metrics, log } = this.context;
    const decisions = decided.map(({ decision }) => decision);
    const orderIds = decisions.map(({ bar, intent }) => intent && clientOrderId(stack, settings.bot, bar, intent.action));
    const written = await writeDecisions(session, settings.bot, decisions, orderIds);
    if (written !== decisions.length) {
      throw new DecidedElsewhere(`${decisions.length - written} of ${decisions.length} bars were decided on elsewhere`);
    }
    this.decidedBar = last.decision.bar;
    metrics.lastDecidedBar.set(this.decidedBar / 1000);
    for (const { decision, candle } of decided) {
      metrics.decisions.inc({ action: decision.action, late: String(decision.late) });
      if (!decision.late) metrics.decisionSeconds.observe(Math.max(0, Date.now() - candle.receivedAt) / 1000);
    }
    const late = decisions.filter((decision) => decision.late).length;
    if (late > 0) log.warn({ late, until: iso(this.decidedBar) }, "bars passed while the bot was away");
    this.openIntents = decisions.flatMap(({ bar, intent }, index) =>
      intent === null ? [] : [{ clientOrderId: orderIds[index]!, bar, intent }],
    );
    await this.submitOpenIntents();
  }

  /** An intent stays open until the broker has answered for good; the next turn tries again. */
  private async submitOpenIntents(): Promise<void> {
    const { broker, metrics, log, signal } = this.context;
    const left: OpenIntent[] = [];
    for (const open of this.openIntents) {
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
