import { intervalMilliseconds } from "../../domain/intervals";
import { EquityMeter, type Baseline } from "../../domain/guard/EquityMeter";
import type { BotFacts, FeedFacts, GuardFacts, StackFacts, UndecidedFacts } from "../../domain/guard/facts";
import { isUnwell } from "../../domain/guard/feedRules";
import { newestLifted, type Lifted } from "../../domain/guard/latch";
import type { GuardRule } from "../../domain/guard/verdict";
import { BARS_AT_ONCE, type BotRow, type FactRows, type FeedRow } from "./factsQuery";
import type { ContainerState } from "./Engine";
import type { GuardedBot, GuardSettings } from "./settings";

/** What an observation needs beside the database. */
export interface Beside {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Container of each bot, as far as it is known. */
  readonly containers: ReadonlyMap<string, ContainerState | null>;
  /** Bots that nothing is expected of: halted at level kill, or being restarted. */
  readonly held: ReadonlySet<string>;
  /** Whether the broker is known to work; asked only where it matters. */
  readonly brokerAlive: () => boolean;
  /** Whether the guard restarted a bot for a cause already, or a short while ago. */
  readonly restarted: (bot: string, cause: number | null) => boolean;
  readonly drill: StackFacts["drill"];
  readonly drift: StackFacts["drift"];
}

/** Bar of the newest candle when a halt was lifted, by incident. */
export type RearmBars = ReadonlyMap<string, number>;

interface SeenFeed {
  readonly renewals: number;
  readonly wasUnwell: boolean;
  readonly since: number;
}

const lossRules = ["drawdown", "daily-loss"] as const satisfies readonly GuardRule[];

/**
 * Turns what was read into what the rules are judged by. It remembers what the database does not hold: the highest equity
 * and the start of the day, bar by bar, and since when by its own steady clock something is as it is. A machine that woke
 * up finds everything old, and nothing of it late.
 */
export class Observer {
  private readonly meters = new Map<string, { readonly key: string; readonly meter: EquityMeter }>();
  private readonly feeds = new Map<string, SeenFeed>();
  private readonly waiting = new Map<string, { readonly key: string; readonly since: number }>();

  constructor(private readonly settings: Pick<GuardSettings, "bots" | "interval" | "limits">) {}

  /** Halts whose rearm a loss is counted from, of every bot: their bars have to be known before equity is taken in. */
  rearms(lifted: readonly Lifted[]): Lifted[] {
    return this.settings.bots.flatMap(({ name }) => lossRules.flatMap((rule) => newestLifted(rule, name, lifted) ?? []));
  }

  /** Newest bar of equity that is known of each bot, null for none; one whose losses are counted anew begins from the start. */
  equityAfter(lifted: readonly Lifted[], bars: RearmBars): ReadonlyMap<string, number | null> {
    return new Map(this.settings.bots.map((bot) => [bot.name, this.meterOf(bot, lifted, bars).bar]));
  }

  observe(rows: FactRows, lifted: readonly Lifted[], bars: RearmBars, beside: Beside): GuardFacts {
    for (const bot of this.settings.bots) this.takeIn(bot, rows, this.meterOf(bot, lifted, bars));
    const bots = this.settings.bots.map((bot) => this.botFacts(bot, rows, lifted, bars, beside));
    const { limits } = this.settings;
    const newest = bots.map(({ bar }) => bar ?? Number.NEGATIVE_INFINITY).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    return {
      feeds: rows.feeds.map((feed) => this.feedFacts(feed, beside.at)),
      bots,
      stack: { ...limits, ordersLastHour: bots.reduce((sum, bot) => sum + bot.ordersLastHour, 0), bar: Number.isFinite(newest) ? newest : null, drill: beside.drill, drift: beside.drift },
    };
  }

  private meterOf({ name, startingCash }: GuardedBot, lifted: readonly Lifted[], bars: RearmBars): EquityMeter {
    const baseline = (rule: GuardRule): Baseline | undefined => {
      const halt = newestLifted(rule, name, lifted);
      return halt && { incident: halt.id, bar: bars.get(halt.id) ?? Number.NEGATIVE_INFINITY };
    };
    const baselines = { drawdown: baseline("drawdown"), daily: baseline("daily-loss") };
    const key = JSON.stringify(baselines);
    const known = this.meters.get(name);
    if (known?.key === key) return known.meter;
    const meter = new EquityMeter(intervalMilliseconds(this.settings.interval), startingCash, baselines);
    this.meters.set(name, { key, meter });
    return meter;
  }

  /** What the guard reads of the time before it looked is history, and only where that ends counts. */
  private takeIn({ name }: GuardedBot, rows: FactRows, meter: EquityMeter): void {
    const marks = rows.equity.filter(({ bot }) => bot === name);
    const isHistory = meter.bar === null || marks.length === BARS_AT_ONCE;
    meter.forget();
    for (const mark of marks) meter.add(mark);
    if (isHistory) meter.forget();
  }

  private feedFacts({ renewals, ...feed }: FeedRow, at: number): FeedFacts {
    const before = this.feeds.get(feed.symbol);
    const unwell = isUnwell(feed);
    const same = before !== undefined && before.wasUnwell === unwell && (unwell || before.renewals === renewals);
    const since = same ? before.since : at;
    this.feeds.set(feed.symbol, { renewals, wasUnwell: unwell, since });
    return { ...feed, unwellFor: at - since };
  }

  private botFacts(bot: GuardedBot, rows: FactRows, lifted: readonly Lifted[], bars: RearmBars, beside: Beside): BotFacts {
    const { name, symbol, ordersPerHour } = bot;
    const row = rows.bots.find((found) => found.bot === name);
    const meter = this.meterOf(bot, lifted, bars);
    return {
      ...{ name, symbol, ordersPerHour, equity: meter.facts },
      ...{ exposure: row?.exposure ?? 0, entryBar: row?.entryBar ?? null, ordersLastHour: row?.ordersLastHour ?? 0, bar: row?.bar ?? null },
      undecided: this.undecided(bot, row, rows, beside),
      parity: row?.parityId == null ? null : { id: row.parityId, verdict: row.parityVerdict!, frozen: row.parityFrozen!, trackingError: row.trackingError, reason: row.parityReason! },
      mismatch: row?.mismatch ?? null,
    };
  }

  /** A bot that registered is waited for on its account's bar; one that never did, while there is a market and a broker to register with. */
  private undecided({ name, symbol }: GuardedBot, row: BotRow | undefined, rows: FactRows, beside: Beside): UndecidedFacts | null {
    const container = beside.containers.get(name);
    const decidedBar = row?.decidedBar ?? null;
    const isBehind =
      row === undefined
        ? rows.feeds.some((feed) => feed.symbol === symbol && !isUnwell(feed) && feed.phase !== "ended") && beside.brokerAlive()
        : row.bar !== null && (decidedBar === null || decidedBar < row.bar);
    if (!isBehind || container?.running !== true || beside.held.has(name)) {
      this.waiting.delete(name);
      return null;
    }
    // A start begins it anew, a bar that was decided as well; a further bar without a decision does not.
    const key = `${container.startedAt} ${decidedBar}`;
    const before = this.waiting.get(name);
    const since = before?.key === key ? before.since : beside.at;
    this.waiting.set(name, { key, since });
    return { decidedBar, waitedFor: beside.at - since, restarted: beside.restarted(name, decidedBar) };
  }
}

/** What was open then, one line for each bot. */
export function openLines(rows: FactRows): string[] {
  return rows.bots.map(({ bot, quantity, entryBar, stopPrice, bar }) => {
    const at = bar === null ? "no bar yet" : `at ${new Date(bar).toISOString()}`;
    return quantity === 0 || entryBar === null ? `${bot}: flat, ${at}` : `${bot}: ${quantity} since ${new Date(entryBar).toISOString()}, stop ${stopPrice}, ${at}`;
  });
}
