import type pg from "pg";
import { readBrokerSight } from "../../control/brokerSight";
import { standingOf } from "../../control/standing";
import { ClockWatch } from "../../domain/guard/ClockWatch";
import type { DriftFacts } from "../../domain/guard/facts";
import { judge } from "../../domain/guard/judge";
import { isDue } from "../../domain/guard/latch";
import type { Verdict } from "../../domain/guard/verdict";
import type { Alarm } from "../shared/alerts/AlertChannel";
import { isConnectionError } from "../shared/database";
import type { Logger } from "../shared/log";
import { ActionLog } from "./ActionLog";
import { alarmsOf } from "./alarms";
import { BotKeeper } from "./BotKeeper";
import { reasonAgainstRunning, type ControlDesk, type ControlSight, type RestartMemory } from "./ControlDesk";
import type { Engine } from "./Engine";
import { newestBarAt, readFactRows, type FactRows } from "./factsQuery";
import { LeaseKeeper, type Lease } from "./LeaseKeeper";
import { Observer, openLines } from "./Observer";
import type { GuardSettings } from "./settings";

export interface GuardOptions {
  readonly stack: string;
  readonly mode: "paper" | "live";
  readonly settings: GuardSettings;
  readonly pool: Pick<pg.Pool, "query">;
  readonly engine: Pick<Engine, "inspect" | "stop" | "restart">;
  readonly desk: ControlDesk;
  /** Told what is wrong now, all of it, each time. */
  readonly tell: (alarms: readonly Alarm[]) => void;
  /** Since when this stack has a guard, epoch ms. */
  readonly firstStart: number;
  readonly log: Logger;
  readonly clocks?: GuardClocks;
}

/** Milliseconds: epoch time, and a clock that never jumps. */
export interface GuardClocks {
  readonly wall: () => number;
  readonly monotonic: () => number;
}

/** From one look to the next. */
const pauseMilliseconds = 750;
/** What does not answer for so long is told of; a restart of it takes less. */
const patienceMilliseconds = 30_000;
/** A look that is older vouches for nothing. */
const freshMilliseconds = 5000;
/** A bot that needs a second restart within this does not get well by restarting. */
const restartMemoryMilliseconds = 3_600_000;
/** The same for one that still decides nothing on the same bar. */
const causeMemoryMilliseconds = 86_400_000;
/** How often it is read when the newest halt drill was. */
const drillMilliseconds = 60_000;
/** The same for the newest drift check: who has mended what it found waits for the alert to go. */
const driftMilliseconds = 5000;
/** The broker says this often that it is there. */
const brokerMilliseconds = 30_000;
/** A halt is given so long until the bot it found running is worth an alarm. */
const foundMilliseconds = 45_000;

/** How the guard stands. Times are milliseconds of its monotonic clock. */
export interface GuardState {
  readonly lease: Lease;
  readonly lookedAt: number | null;
  /** Why the newest look came to nothing; null when it did not. */
  readonly lookProblem: string | null;
  readonly verdicts: readonly Verdict[];
  readonly problems: Readonly<Record<string, string>>;
  readonly looks: number;
}

/**
 * Looks again and again at what is known of the stack, and does what the rules say. Holding to halts needs the control
 * folder and the Engine alone: it goes on while the database is away, or answers nothing.
 */
export class Guard {
  readonly keeper: BotKeeper;
  private readonly actions: ActionLog;
  private readonly lease: LeaseKeeper;
  private readonly observer: Observer;
  private readonly clockWatch: ClockWatch;
  private readonly clocks: GuardClocks;
  private readonly rearmBars = new Map<string, number>();
  private restarts: RestartMemory[] = [];
  private sight: ControlSight;
  private rows: FactRows | undefined;
  private verdicts: readonly Verdict[] = [];
  private clockVerdict: Verdict | null = null;
  private lookedAt: number | null = null;
  private lookProblem: string | null = "the guard has not looked yet";
  private looks = 0;
  private readonly startedAt: number;
  /** Bots found running under a halt, by monotonic time. */
  private readonly found = new Map<string, { readonly at: number; readonly reason: string }>();
  private drift: { readonly readAt: number; readonly last: Omit<DriftFacts, "firstStart" | "now"> } | undefined;
  private drill: { readonly readAt: number; readonly last: number | null } | undefined;
  private looking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private told = "";
  private closed = false;

  constructor(private readonly options: GuardOptions) {
    const { settings, pool, engine, desk, log } = options;
    this.clocks = options.clocks ?? { wall: () => Date.now(), monotonic: () => performance.now() };
    this.startedAt = this.clocks.monotonic();
    this.actions = new ActionLog(pool, log, this.clocks.wall);
    this.lease = new LeaseKeeper(pool, this.clocks.monotonic);
    this.observer = new Observer(settings);
    this.clockWatch = new ClockWatch(settings.thresholds.clockSeconds * 1000);
    this.keeper = new BotKeeper({ bots: settings.bots, engine, desk, log, clock: this.clocks.monotonic, onFound: (bot, reason) => this.foundRunning(bot, reason) });
    this.sight = desk.look();
    this.restarts = desk.restarts();
  }

  start(): void {
    void this.turn();
    this.timer = setInterval(() => void this.turn(), pauseMilliseconds);
  }

  /** Takes the lease back: whoever ends does not vouch for anything. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.looking;
    await this.keeper.settle();
    await this.lease.keep({ state: "WITHHELD", reason: "the guard was stopped" }).catch(() => undefined);
  }

  get state(): GuardState {
    return { lease: this.lease.last, lookedAt: this.lookedAt, lookProblem: this.lookProblem, verdicts: this.presentVerdicts(), problems: this.problems(), looks: this.looks };
  }

  /** One turn: halts at once, the database as fast as it answers. Ends with the look; never rejects. */
  turn(): Promise<void> {
    this.enforce();
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private enforce(): void {
    this.sight = this.options.desk.look();
    this.keeper.enforce(this.sight);
    this.tellAlarms();
  }

  /** Reads the facts, judges them, acts, and renews the lease. Never throws. */
  private async look(): Promise<void> {
    const { log } = this.options;
    try {
      await this.readAndJudge();
      this.lookProblem = null;
      this.lookedAt = this.clocks.monotonic();
      this.looks++;
      this.tellAlarms();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (this.lookProblem !== problem) log[isConnectionError(error) ? "warn" : "error"]({ err: error }, "the guard cannot look");
      this.lookProblem = problem;
    }
    if (this.closed) return;
    try {
      await this.keepLease();
      await this.actions.flush();
    } catch (error) {
      if (!isConnectionError(error)) log.error({ err: error }, "the guard's record cannot be written");
    }
  }

  private async readAndJudge(): Promise<void> {
    const { settings, pool } = this.options;
    const { liftedHalts } = this.sight;
    for (const halt of this.observer.rearms(liftedHalts)) {
      if (this.rearmBars.has(halt.id)) continue;
      const { symbol } = settings.bots.find(({ name }) => name === halt.bot) ?? settings.bots[0]!;
      this.rearmBars.set(halt.id, (await newestBarAt(pool, symbol, settings.interval, halt.liftedAt)) ?? Number.NEGATIVE_INFINITY);
    }
    const askedAt = this.clocks.wall();
    const rows = await readFactRows(pool, settings.interval, this.observer.equityAfter(liftedHalts, this.rearmBars));
    const answeredAt = this.clocks.wall();
    const at = this.clocks.monotonic();
    this.rows = rows;
    const skews = rows.feeds.flatMap(({ skewMilliseconds }) => (skewMilliseconds === null ? [] : [skewMilliseconds]));
    const exchangeSkew = skews.reduce<number | null>((worst, skew) => (worst === null || Math.abs(skew) > Math.abs(worst) ? skew : worst), null);
    this.setClocks(this.clockWatch.look({ wall: answeredAt, monotonic: at, database: { now: rows.now, askedAt, answeredAt }, exchangeSkew }));
    const facts = this.observer.observe(rows, liftedHalts, this.rearmBars, {
      at,
      containers: new Map(settings.bots.map(({ name }) => [name, this.keeper.of(name).state])),
      held: new Set(settings.bots.filter(({ name }) => this.keeper.isRestarting(name) || reasonAgainstRunning(this.sight, name) !== null).map(({ name }) => name)),
      brokerAlive: () => this.brokerAlive(),
      restarted: (bot, decidedBar) => this.wasRestarted(bot, String(decidedBar)),
      drill: this.options.mode === "paper" ? { last: this.lastDrill(at), firstStart: this.options.firstStart, now: answeredAt } : null,
      drift: { ...this.lastDrift(at), firstStart: this.options.firstStart, now: answeredAt },
    });
    this.verdicts = judge(facts, settings.thresholds);
    for (const verdict of this.verdicts) this.act(verdict, facts.bots.find(({ name }) => name === verdict.bot)?.undecided?.decidedBar ?? null);
  }

  private act(verdict: Verdict, decidedBar: number | null): void {
    const { kind } = verdict.act;
    if (kind === "halt") this.halt(verdict, verdict.act.level);
    else if (kind === "freeze") this.freeze(verdict);
    else if (kind === "restart" && verdict.bot !== null) void this.restart(verdict, verdict.bot, String(decidedBar));
  }

  /** The halt first, then the containers, then what is written about it: nothing of that may hold up what comes before. */
  private halt(verdict: Verdict, level: "pause" | "reduce" | "kill"): void {
    const { desk, log, settings } = this.options;
    const sight = desk.look();
    const concerned = settings.bots.filter(({ name }) => verdict.bot === null || verdict.bot === name);
    if (sight.halts.problem !== null) {
      // What stands, and what was lifted, is not known: nothing is placed on top of it, and a bot that should be halted is stopped.
      if (level === "kill") for (const { name } of concerned) if (this.keeper.of(name).state?.running !== false) this.keeper.stop(name);
      return;
    }
    if (!isDue(verdict, sight.halts.halts, sight.liftedHalts)) return;
    const now = this.clocks.wall();
    const open = this.rows === undefined ? [] : openLines(this.rows);
    let incident: string | null = null;
    try {
      incident = desk.placeHalt(verdict, level, open, now).id;
    } catch (error) {
      // The container is stopped all the same; the next look places the halt, when it can.
      log.error({ err: error, rule: verdict.rule }, "the halt cannot be placed");
    }
    if (level === "kill") for (const { name } of concerned) this.keeper.stop(name);
    this.sight = desk.look();
    const { rule, bot, reason, numbers } = verdict;
    if (incident !== null) this.note({ act: "halt", rule, bot, level, incident, reason, numbers, open }, "halt", now);
    this.tellAlarms();
  }

  private freeze(verdict: Verdict): void {
    const { desk, log } = this.options;
    const sight = desk.look();
    if (sight.halts.problem !== null || !isDue(verdict, sight.freezes, sight.liftedFreezes)) return;
    const now = this.clocks.wall();
    const open = this.rows === undefined ? [] : openLines(this.rows);
    try {
      const { id } = desk.placeFreeze(verdict, open, now);
      const { rule, bot, reason, numbers } = verdict;
      this.note({ act: "freeze", rule, bot, level: null, incident: id, reason, numbers, open }, "freeze", now);
    } catch (error) {
      log.error({ err: error, rule: verdict.rule }, "the freeze cannot be placed");
    }
    this.sight = desk.look();
    this.tellAlarms();
  }

  private async restart(verdict: Verdict, bot: string, decidedBar: string): Promise<void> {
    const { log } = this.options;
    if (this.keeper.isRestarting(bot) || this.wasRestarted(bot, decidedBar)) return;
    if (standingOf(this.sight.halts, bot).level !== null) return;
    const now = this.clocks.wall();
    // Remembered before it is done: one that ends in between must not be done again and again.
    this.restarts = [...this.restarts, { bot, cause: decidedBar, at: now }];
    const { rule, reason, numbers } = verdict;
    this.note({ act: "restart bot", rule, bot, level: null, incident: null, reason, numbers: { ...numbers, cause: decidedBar }, open: [] }, "restart", now);
    try {
      const against = await this.keeper.restart(bot);
      if (against !== null) log.warn({ bot, reason: against }, "the bot was not restarted");
    } catch (error) {
      log.error({ bot, error: (error as Error).message }, "the bot could not be restarted");
    }
  }

  /** Audit log, the database's own record, and the program's log. */
  private note(entry: Parameters<ControlDesk["audit"]>[0] & { readonly incident: string | null; readonly level: string | null; readonly numbers: Verdict["numbers"] }, action: "halt" | "freeze" | "restart" | "stop", now: number): void {
    const { rule, bot, level, incident, reason, numbers } = entry;
    try {
      this.options.desk.audit(entry, now);
    } catch (error) {
      this.options.log.error({ err: error }, "the audit log cannot be written");
    }
    this.actions.note({ rule, bot, action, level, incident, reason, numbers });
  }

  private foundRunning(bot: string, reason: string): void {
    const at = this.clocks.monotonic();
    const before = this.found.get(bot);
    this.found.set(bot, { at, reason });
    // A stop that did not get through is tried again and again; that is one thing.
    if (before !== undefined && at - before.at < 5000) return;
    const { incidents } = standingOf(this.sight.halts, bot);
    this.note({ act: "stop bot", rule: "bot-runs-halted", bot, level: null, incident: incidents[0] ?? null, reason: `its container ran although ${reason}`, numbers: {}, open: [] }, "stop", this.clocks.wall());
  }

  private wasRestarted(bot: string, cause: string): boolean {
    const age = ({ at }: RestartMemory) => Math.abs(this.clocks.wall() - at);
    return this.restarts.some((known) => known.bot === bot && age(known) < (known.cause === cause ? causeMemoryMilliseconds : restartMemoryMilliseconds));
  }

  private brokerAlive(): boolean {
    const sight = readBrokerSight(this.options.desk.folder);
    return sight !== undefined && Math.abs(this.clocks.wall() - Date.parse(sight.at)) < brokerMilliseconds;
  }

  /** A drill is days old before it matters. */
  private lastDrill(at: number): number | null {
    if (this.drill === undefined || at - this.drill.readAt > drillMilliseconds) this.drill = { readAt: at, last: this.options.desk.lastDrill() };
    return this.drill.last;
  }

  private lastDrift(at: number): Omit<DriftFacts, "firstStart" | "now"> {
    if (this.drift === undefined || at - this.drift.readAt > driftMilliseconds) {
      const check = this.options.desk.lastDriftCheck();
      this.drift = { readAt: at, last: check === undefined ? { checked: null, differences: 0, found: [] } : { checked: Date.parse(check.at), differences: check.differences, found: check.found } };
    }
    return this.drift.last;
  }

  private setClocks(verdict: Verdict | null): void {
    if ((verdict === null) !== (this.clockVerdict === null)) {
      const { reason, numbers } = verdict ?? { reason: "the clocks agree again", numbers: {} };
      this.actions.note({ rule: "clock", bot: null, action: verdict === null ? "grant" : "withhold", level: null, incident: null, reason, numbers });
    }
    this.clockVerdict = verdict;
  }

  private async keepLease(): Promise<void> {
    const changed = await this.lease.keep(this.wantedLease());
    if (changed) this.options.log.info(this.lease.last, "the guard's lease");
  }

  /** The lease vouches for looks that succeed, clocks that agree, and hands that reach the bots. */
  private wantedLease(): Lease {
    const withheld = (reason: string): Lease => ({ state: "WITHHELD", reason });
    const now = this.clocks.monotonic();
    if (this.lookProblem !== null || this.lookedAt === null || now - this.lookedAt > freshMilliseconds) return withheld(this.lookProblem ?? "the guard's newest look is too old");
    if (this.clockVerdict !== null) return withheld(this.clockVerdict.reason);
    if (this.sight.halts.problem !== null) return withheld(this.sight.halts.problem);
    const unreachable = this.engineProblem();
    return unreachable === null ? { state: "GRANTED", reason: "all is looked after" } : withheld(unreachable);
  }

  /** Why the bots cannot be reached; null while the Engine answers, or is not yet known not to. */
  private engineProblem(): string | null {
    const kept = this.options.settings.bots.map(({ name }) => this.keeper.of(name));
    return kept.map(({ problem }) => problem).find((problem) => problem !== null) ?? null;
  }

  private problems(): Record<string, string> {
    const now = this.clocks.monotonic();
    const problems: Record<string, string> = {};
    if (this.lookProblem !== null && now - (this.lookedAt ?? this.startedAt) > patienceMilliseconds) {
      problems["database"] = `the guard has read nothing from the database for ${Math.round((now - (this.lookedAt ?? this.startedAt)) / 10_000) * 10} s (${this.lookProblem}): its rules watch nothing, and there are no entries; halts are held to`;
    }
    const engine = this.engineProblem();
    if (engine !== null) problems["engine"] = `the guard does not reach the Docker Engine (${engine}): it cannot stop a bot, and there are no entries; the broker holds to every halt`;
    if (this.sight.halts.problem !== null) problems["control"] = `whether trading is halted cannot be read (${this.sight.halts.problem}): the broker lets exits out and no entry`;
    return problems;
  }

  private presentVerdicts(): readonly Verdict[] {
    return this.clockVerdict === null ? this.verdicts : [...this.verdicts, this.clockVerdict];
  }

  private tellAlarms(): void {
    const { halts, freezes } = this.sight;
    const now = this.clocks.monotonic();
    const stopped: Record<string, string> = {};
    for (const [bot, { at, reason }] of this.found) {
      if (now - at > foundMilliseconds) this.found.delete(bot);
      else if (this.isLate(bot)) stopped[bot] = `the container of ${bot} ran although ${reason}; the guard stops it. Something started it again, or it does not let itself be stopped`;
    }
    const alarms = alarmsOf({ stack: this.options.stack, halts: halts.halts, freezes, verdicts: this.presentVerdicts(), problems: this.problems(), stopped });
    const text = JSON.stringify(alarms);
    if (text === this.told) return;
    this.told = text;
    this.options.tell(alarms);
  }

  /** Whether every halt of a bot is older than what stopping it may take: then it should not have run any more. */
  private isLate(bot: string): boolean {
    const about = this.sight.halts.halts.filter((halt) => halt.level === "kill" && (halt.bot === null || halt.bot === bot));
    return about.length > 0 && about.every(({ at }) => this.clocks.wall() - Date.parse(at) > foundMilliseconds);
  }
}
