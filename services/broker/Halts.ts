import { writeBrokerSight, type BrokerSight } from "../../control/brokerSight";
import { HALT_LEVELS, type HaltLevel } from "../../control/levels";
import { HaltReader, standingOf, type HaltsInForce, type Standing } from "../../control/standing";
import type { Logger } from "../shared/log";
import type { BrokerMetrics } from "./metrics";

const pollMilliseconds = 250;
/** What the broker holds to is told anew after so long, so that an old word shows a broker that is gone. */
const sightMilliseconds = 5000;

/** How the bots stood at the last look. */
export interface HaltsSeen {
  /** Why the control folder cannot be read, or null. */
  readonly problem: string | null;
  readonly standings: ReadonlyMap<string, Standing>;
}

/**
 * The halts as the control folder holds them. Whoever lets an order out asks `of`, which reads the folder at that very
 * moment; what is polled is for metrics, the log, readiness, and for those who placed a halt and want to see it in force.
 */
export class Halts {
  private readonly reader: HaltReader;
  private readonly timer: NodeJS.Timeout;
  private standings = new Map<string, Standing>();
  private problem: string | null = null;
  /** What was told last, without its time, and when by the monotonic clock. */
  private told: { readonly content: string; readonly at: number } | undefined;
  private silent = false;

  constructor(
    private readonly context: {
      /** The control folder. */
      readonly folder: string;
      readonly stack: string;
      readonly bots: readonly string[];
      readonly metrics: Pick<BrokerMetrics, "haltLevel">;
      readonly log: Logger;
      /** Milliseconds of a clock that nobody sets; performance.now() unless given. */
      readonly clock?: () => number;
    },
  ) {
    this.reader = new HaltReader(context.folder, context.stack);
    this.look();
    this.timer = setInterval(() => this.look(), pollMilliseconds);
  }

  /** How a bot stands now. */
  of(bot: string): Standing {
    return this.reader.of(bot);
  }

  get seen(): HaltsSeen {
    return { problem: this.problem, standings: this.standings };
  }

  /** Looks, says what has changed, and tells what the broker holds to. */
  look(): void {
    const { bots, metrics, log } = this.context;
    const read = this.reader.read();
    if (read.problem !== null && read.problem !== this.problem) log.error({ reason: read.problem }, "the control folder cannot be read: exits only");
    this.problem = read.problem;
    for (const bot of bots) {
      const standing = standingOf(read, bot);
      const before = this.standings.get(bot)?.level ?? null;
      this.standings.set(bot, standing);
      metrics.haltLevel.set({ bot }, rank(standing.level));
      if (standing.level === before) continue;
      const { level, incidents, reason } = standing;
      if (level === null) log.info({ bot, before }, "the bot is no longer halted");
      else log.warn({ bot, level, before, incidents, reason }, "the bot is halted");
    }
    this.tell(read);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private tell({ halts, unreadable, problem }: HaltsInForce): void {
    const { folder, log, clock = () => performance.now() } = this.context;
    const incidents = [...halts.map(({ id }) => id), ...unreadable.map((name) => name.replace(/\.json$/, ""))];
    const sight: Omit<BrokerSight, "at"> = { incidents, problem };
    const content = JSON.stringify(sight);
    const at = clock();
    if (this.told?.content === content && at - this.told.at < sightMilliseconds) return;
    try {
      writeBrokerSight(folder, { at: new Date().toISOString(), ...sight });
      this.told = { content, at };
      this.silent = false;
    } catch (error) {
      // The halts hold all the same; only nobody sees it. A folder that cannot be read was told of already.
      if (!this.silent && problem === null) log.warn({ error: (error as Error).message }, "what the broker holds to cannot be written into the control folder");
      this.silent = true;
    }
  }
}

function rank(level: HaltLevel | null): number {
  return level === null ? 0 : HALT_LEVELS.indexOf(level) + 1;
}
