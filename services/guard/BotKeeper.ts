import type { Logger } from "../shared/log";
import { standingOf } from "../../control/standing";
import { reasonAgainstRunning, type ControlDesk, type ControlSight } from "./ControlDesk";
import type { ContainerState, Engine } from "./Engine";
import type { GuardedBot } from "./settings";

export interface BotKeeperOptions {
  readonly bots: readonly GuardedBot[];
  readonly engine: Pick<Engine, "inspect" | "stop" | "restart">;
  readonly desk: Pick<ControlDesk, "look">;
  /** Told when a bot that must not run was found running, before it is stopped. */
  readonly onFound: (bot: string, reason: string) => void;
  readonly log: Logger;
  /** Monotonic milliseconds; performance.now() unless given. */
  readonly clock?: () => number;
}

/** What is known of a bot's container. */
export interface KeptBot {
  readonly state: ContainerState | null;
  /** Monotonic time of the newest answer; null before the first. */
  readonly askedAt: number | null;
  /** Why the Engine was not to be asked at the last try; null when it was. */
  readonly problem: string | null;
}

/** How often a bot that may run is asked for, and one that is known to be stopped. */
const lookMilliseconds = 5000;
const stoppedMilliseconds = 1000;

/** Knows how the bots' containers are, and stops and restarts them. Whoever must not run is stopped again and again. */
export class BotKeeper {
  private readonly known = new Map<string, KeptBot>();
  private readonly asking = new Map<string, Promise<void>>();
  private readonly stopping = new Map<string, Promise<void>>();
  private readonly restarting = new Set<string>();
  private readonly clock: () => number;

  constructor(private readonly options: BotKeeperOptions) {
    this.clock = options.clock ?? (() => performance.now());
  }

  of(bot: string): KeptBot {
    return this.known.get(bot) ?? { state: null, askedAt: null, problem: null };
  }

  /** Begins to stop every bot that must not run and does. Returns at once. */
  enforce(sight: ControlSight): void {
    for (const bot of this.options.bots) {
      const reason = reasonAgainstRunning(sight, bot.name);
      const { askedAt, state, problem } = this.of(bot.name);
      const every = reason === null ? lookMilliseconds : state === null || state.running || problem !== null ? 0 : stoppedMilliseconds;
      if (this.stopping.has(bot.name) || this.asking.has(bot.name)) continue;
      if (askedAt !== null && this.clock() - askedAt < every) continue;
      this.asking.set(
        bot.name,
        this.ask(bot)
          .then(() => {
            // A halt that was lifted meanwhile is none.
            const present = reasonAgainstRunning(this.options.desk.look(), bot.name);
            if (present !== null && this.of(bot.name).state?.running === true) this.stopFound(bot, present);
          })
          .finally(() => this.asking.delete(bot.name)),
      );
    }
  }

  /** Stops a bot that was just halted, without asking first whether it runs. */
  stop(name: string): void {
    const bot = this.options.bots.find((known) => known.name === name);
    if (bot === undefined || this.stopping.has(name)) return;
    const { engine, log } = this.options;
    const began = this.clock();
    const stopped = engine
      .stop(bot.container, bot.graceSeconds)
      .then(async () => {
        log.info({ bot: name, milliseconds: Math.round(this.clock() - began) }, "bot stopped");
        await this.ask(bot);
      })
      .catch((error: Error) => log.error({ bot: name, error: error.message }, "the bot could not be stopped; it is tried again"))
      .finally(() => this.stopping.delete(name));
    this.stopping.set(name, stopped);
  }

  isRestarting(name: string): boolean {
    return this.restarting.has(name);
  }

  /**
   * Restarts a bot, unless anything holds it: looked at right before, and again right after, for a halt may come while it
   * goes on.
   * @returns why not, or null when it was
   */
  async restart(name: string): Promise<string | null> {
    const { bots, desk, engine } = this.options;
    const bot = bots.find((known) => known.name === name);
    const against = this.reasonAgainstRestart(desk.look(), name);
    if (bot === undefined || against !== null) return against ?? `there is no bot ${name}`;
    this.restarting.add(name);
    try {
      await engine.restart(bot.container, bot.graceSeconds);
      const present = reasonAgainstRunning(desk.look(), name);
      if (present !== null) this.stopFound(bot, present);
      // What is known of it is of the time before.
      await this.ask(bot);
      return present;
    } finally {
      this.restarting.delete(name);
    }
  }

  /** Waits for what was begun, as long as the stop of a service leaves time for. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.asking.values()]);
  }

  private reasonAgainstRestart(sight: ControlSight, bot: string): string | null {
    return reasonAgainstRunning(sight, bot) ?? standingOf(sight.halts, bot).reason;
  }

  private stopFound(bot: GuardedBot, reason: string): void {
    if (this.stopping.has(bot.name)) return;
    this.options.onFound(bot.name, reason);
    this.stop(bot.name);
  }

  private async ask(bot: GuardedBot): Promise<void> {
    try {
      const state = await this.options.engine.inspect(bot.container);
      this.known.set(bot.name, { state, askedAt: this.clock(), problem: null });
    } catch (error) {
      const before = this.of(bot.name);
      if (before.problem === null) this.options.log.warn({ bot: bot.name, error: (error as Error).message }, "the Docker Engine does not answer");
      this.known.set(bot.name, { ...before, askedAt: this.clock(), problem: (error as Error).message });
    }
  }
}
