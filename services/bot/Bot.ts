import { createStrategy } from "../../domain/strategies";
import { isConnectionError, type DatabaseSettings } from "../shared/database";
import type { Logger } from "../shared/log";
import type { BrokerClient, Registration } from "./brokerClient";
import { Decider } from "./Decider";
import { acquireLock, type LockSession } from "./lockSession";
import type { BotMetrics } from "./metrics";
import { Progress } from "./Progress";
import { readMarket, type BotProgress } from "./readiness";
import type { BotSettings } from "./settings";
import { WakeUp } from "./wakeUp";

export interface BotContext {
  readonly stack: string;
  readonly settings: BotSettings;
  readonly databaseSettings: DatabaseSettings;
  readonly broker: BrokerClient;
  readonly metrics: BotMetrics;
  readonly log: Logger;
  /** Aborted when the bot has to stop. */
  readonly signal: AbortSignal;
  /** Told at every registration, with the lock held; must return at once. */
  readonly onRegistered: (registration: Registration) => void;
  /** Told the account's last bar, epoch ms, whenever it has changed. */
  readonly onBar: (processedBar: number) => void;
}

/** Notifications wake the bot; this is for one that was lost, and notices a connection that is dead. */
const pollMilliseconds = 5000;
/** After a turn that failed, or with an intent that the broker has not answered: doubled each time up to the poll. */
const retryMilliseconds = 250;

/** The bot's life: lock, registration, decisions; and again from the start when the lock is lost. */
export class Bot {
  private waitingFor: string | null = "starting";
  private session: LockSession | undefined;
  private readonly following = new Progress();

  constructor(private readonly context: BotContext) {}

  /** Runs until the signal is aborted; what is being written then is finished first. */
  async run(): Promise<void> {
    const { settings, databaseSettings, log, signal } = this.context;
    while (!signal.aborted) {
      this.waitingFor = "waiting for the bot's lock";
      const session = await acquireLock({
        database: databaseSettings,
        bot: settings.bot,
        log,
        signal,
        onWaiting: (reason) => (this.waitingFor = reason),
      }).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
      if (session === undefined) return;
      log.info("the bot's lock is held");
      this.session = session;
      try {
        await this.decideWhileHeld(session);
      } finally {
        this.session = undefined;
        await session.close();
      }
      if (!signal.aborted) log.error({ reason: (session.lost.reason as Error).message }, "the bot's lock is lost, no more decisions");
    }
  }

  /** For /readyz, asked over the lock's own connection; fails when the database does not answer. */
  async progress(): Promise<BotProgress> {
    const market = this.session === undefined ? undefined : await readMarket(this.session.db, this.context.settings.bot);
    this.noteAccount(market?.processedBar ?? null);
    const { decidedBar, processedBar, behindSince, processedAt } = this.following;
    const { waitingFor } = this;
    return { waitingFor, decidedBar, processedBar, behindSince, processedAt, waitingCandle: market?.waitingCandle ?? null };
  }

  private async decideWhileHeld(session: LockSession): Promise<void> {
    const { settings, broker, log } = this.context;
    const signal = AbortSignal.any([this.context.signal, session.lost]);
    const { warmupBars } = createStrategy(settings.strategy, settings.strategySettings);
    this.waitingFor = "not registered at the broker";
    const registration = await broker
      .register(warmupBars, { signal, onFailure: (reason) => (this.waitingFor = `not registered at the broker: ${reason}`) })
      .catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
    if (registration === undefined) return;
    const { startBar, warmupFrom, decisionWindowMilliseconds } = registration;
    log.info({ startBar, warmupFrom, warmupBars, decisionWindowMilliseconds }, "registered at the broker");
    this.context.onRegistered(registration);
    this.waitingFor = null;
    this.following.begin();
    await this.turns(session, registration, signal);
    this.waitingFor = "the bot's lock is lost";
  }

  /** Turn after turn, woken by what the broker says of this bot's account, until the signal is aborted. */
  private async turns(session: LockSession, registration: Registration, signal: AbortSignal): Promise<void> {
    const { settings, log } = this.context;
    const wakeUp = new WakeUp();
    let listening = false;
    let decider: Decider | undefined;
    let retry = retryMilliseconds;
    while (!signal.aborted) {
      let again = false;
      try {
        if (!listening) {
          await session.listen("account", (bot) => bot === settings.bot && wakeUp.call());
          listening = true;
        }
        const onAccount = (bar: number | null): void => this.noteAccount(bar);
        const onDecided = (bar: number | null): void => this.following.decided(bar);
        decider ??= await Decider.open({ ...this.context, session, registration, signal, onAccount, onDecided });
        await decider.work();
        again = decider.hasOpenIntents;
      } catch (error) {
        // The indicators may be ahead of what was written: the next turn computes them anew.
        decider = undefined;
        again = true;
        if (signal.aborted) return;
        if (isConnectionError(error)) log.warn({ error: (error as Error).message }, "database not reachable");
        else log.error({ err: error }, "turn failed, it is tried again");
      }
      await wakeUp.sleep(again ? retry : pollMilliseconds, signal);
      retry = again ? Math.min(2 * retry, pollMilliseconds) : retryMilliseconds;
    }
  }

  private noteAccount(processedBar: number | null): void {
    if (this.following.account(processedBar)) this.context.onBar(processedBar!);
  }
}
