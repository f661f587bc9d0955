import { once } from "node:events";
import { createStrategy } from "../../domain/strategies";
import { readAccount } from "../shared/accountRecord";
import type { Database, DatabaseSettings } from "../shared/database";
import { startWorkLoop } from "../shared/listen";
import type { Logger } from "../shared/log";
import type { BrokerClient } from "./brokerClient";
import { Decider } from "./Decider";
import { acquireLock, type LockSession } from "./lockSession";
import type { BotMetrics } from "./metrics";
import type { BotProgress } from "./readiness";
import type { BotSettings } from "./settings";

export interface BotContext {
  readonly stack: string;
  readonly settings: BotSettings;
  readonly databaseSettings: DatabaseSettings;
  readonly database: Database;
  readonly broker: BrokerClient;
  readonly metrics: BotMetrics;
  readonly log: Logger;
  /** Aborted when the bot has to stop. */
  readonly signal: AbortSignal;
  /** Told the broker's hash of the configuration at every registration. */
  readonly onRegistered: (configurationHash: string) => void;
}

const pollMilliseconds = 1000;

/** The bot's life: lock, registration, decisions; and again from the start when the lock is lost. */
export class Bot {
  private waitingFor: string | null = "starting";
  private decidedBar: number | null = null;
  private lastProgress = Date.now();

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
      try {
        await this.decideWhileHeld(session);
      } finally {
        await session.close();
      }
      if (!signal.aborted) log.error({ reason: (session.lost.reason as Error).message }, "the bot's lock is lost, no more decisions");
    }
  }

  /** For /readyz; fails when the database cannot be reached. */
  async progress(): Promise<BotProgress> {
    const { waitingFor, decidedBar, lastProgress } = this;
    const record = await readAccount(this.context.database.db, this.context.settings.bot);
    return { waitingFor, decidedBar, lastProgress, processedBar: record?.account.processedBar ?? null };
  }

  private async decideWhileHeld(session: LockSession): Promise<void> {
    const { settings, databaseSettings, broker, log } = this.context;
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
    const { startBar, warmupFrom } = registration;
    log.info({ startBar, warmupFrom, warmupBars }, "registered at the broker");
    this.context.onRegistered(registration.configurationHash);
    this.waitingFor = null;
    this.lastProgress = Date.now();

    let decider: Decider | undefined;
    const loop = startWorkLoop({
      database: databaseSettings,
      applicationName: `bot-${settings.bot}-listen`,
      channels: ["account"],
      pollMilliseconds,
      log,
      work: async () => {
        if (signal.aborted) return;
        try {
          decider ??= await Decider.open({ ...this.context, session, registration, signal });
          await decider.work();
          this.note(decider.decidedBar);
        } catch (error) {
          // The indicators may be ahead of what was written: the next turn computes them anew.
          decider = undefined;
          if (!signal.aborted) throw error;
        }
      },
    });
    if (!signal.aborted) await once(signal, "abort");
    await loop.close();
    this.waitingFor = "the bot's lock is lost";
  }

  private note(decidedBar: number | null): void {
    if (decidedBar === this.decidedBar) return;
    this.decidedBar = decidedBar;
    this.lastProgress = Date.now();
  }
}
