import * as path from "node:path";
import { writeDrill, readDrill } from "../../control/drills";
import { HALT_LEVELS, permits, type HaltLevel } from "../../control/levels";
import { stackNames } from "../../config/names";
import { isRunning } from "../botState";
import type { Context } from "../context";
import type { Engine } from "../engine";
import { CommandError, failure, usage } from "../errors";
import { haltStack, personHere, rearm } from "../halts";
import { controlHere, haltsHere, holdOf } from "../haltsHere";
import { underLock } from "../lock";
import { takeInterruptions } from "../restoreTest/interruption";
import { reportId, round } from "../restoreTest/report";
import type { DeclaredStack } from "../stack";
import { readWish } from "../wishes";
import { nextDrill } from "./due";
import { othersHalts, readyForDrill, waitUntilWell, type BotFound } from "./obstacles";
import { drillOf, type Check, type HaltDrillReport, type LevelResult } from "./report";
import type { BotVoices } from "./voices";

export interface HaltDrillWish {
  readonly trigger: HaltDrillReport["trigger"];
  readonly withOpenPositions: boolean;
}

/** How halts are placed and lifted; tests put their own in its place. */
export interface Halts {
  readonly haltStack: typeof haltStack;
  readonly rearm: typeof rearm;
}

/** Longest time from a halt until the broker holds to it. */
const LIMIT_SECONDS = 5;
/** Longest time that a bot has to be healthy after it was started. */
const HEALTH_SECONDS = 90;
/** Longer than a drill takes: after this a lock was left behind. */
const LONGEST_MILLISECONDS = 3_600_000;

/**
 * Tries every level of a halt on a paper stack and lifts it again. Whatever happens, its own halts are lifted and the bots
 * run as before when it returns; what a killed drill left is lifted first. Nothing that is wished of a bot is touched.
 *
 * @returns what was found; it says itself whether the drill passed
 * @throws {HaltDrillPostponed} while a halt is in force or a position is open
 * @throws {CommandError} where nothing could be tried
 */
export async function runHaltDrill(context: Context, declared: DeclaredStack, wish: HaltDrillWish, halts: Halts = { haltStack, rearm }): Promise<HaltDrillReport> {
  const { stack, configuration } = declared;
  if (configuration.mode === "live") throw usage(`stack ${stack} is live: a halt is tried on paper, never on live`);
  const lock = path.join(context.root, ".tools", "run", `halt-drill-${stack}.lock`);
  return await underLock(lock, () => drill(context, declared, wish, halts), { timeoutMilliseconds: 0, staleMilliseconds: LONGEST_MILLISECONDS });
}

async function drill(context: Context, declared: DeclaredStack, wish: HaltDrillWish, halts: Halts): Promise<HaltDrillReport> {
  const engine = context.engine();
  const began = context.now();
  const run = new HaltDrill({ context, engine, declared, wish, halts, began });
  await run.liftLeftOvers();
  const { bots, voices } = await readyForDrill(context, engine, declared, wish.withOpenPositions);
  const interruption = takeInterruptions(() => context.writeError("\ninterrupted: lifting the drill's halts; once more leaves that to the next halt-drill\n"));
  try {
    await run.try(bots, voices, interruption.signal);
  } catch (error) {
    run.failure = interruption.signal.aborted ? "it was interrupted" : error instanceof CommandError ? error.message : String((error as Error).stack ?? error);
    run.interrupted ||= interruption.signal.aborted;
  } finally {
    await run.end(bots);
    interruption.giveBack();
  }
  const report = run.report(bots);
  if (!report.interrupted) writeDrill(controlHere(context.root, declared.stack), drillOf(report));
  return report;
}

interface DrillWorld {
  readonly context: Context;
  readonly engine: Engine;
  readonly declared: DeclaredStack;
  readonly wish: HaltDrillWish;
  readonly halts: Halts;
  /** Epoch milliseconds. */
  readonly began: number;
}

/** One drill, and what is known of it so far: a report can be made of it at any time. */
class HaltDrill {
  failure: string | null = null;
  interrupted = false;
  private readonly checks: Check[] = [];
  private readonly notes: string[] = [];
  private readonly levels: LevelResult[] = [];
  private readonly who = personHere();
  private readonly id: string;

  constructor(private readonly world: DrillWorld) {
    this.id = reportId(world.began);
  }

  private get stack(): string {
    return this.world.declared.stack;
  }

  private say(text: string): void {
    const { context, began } = this.world;
    context.writeError(`[${((context.now() - began) / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
  }

  /** Lifts what a drill left that was killed, and waits for its bots. */
  async liftLeftOvers(): Promise<void> {
    const { context, engine, declared } = this.world;
    const left = await this.liftOwn();
    if (left.length === 0) return;
    this.notes.push(`what an earlier drill had left in force when it was killed was lifted: ${left.join(", ")}`);
    this.say(this.notes[0]!);
    const bots = declared.configuration.bots.map(({ name }) => name).filter((bot) => this.shouldRun(bot));
    await waitUntilWell(context, engine, this.stack, bots, { seconds: HEALTH_SECONDS });
  }

  /** @throws {CommandError} where it cannot go on; an error of the signal where it was interrupted */
  async try(bots: readonly BotFound[], voices: BotVoices, signal: AbortSignal): Promise<void> {
    if (bots.every(({ wish }) => wish === "stopped")) this.notes.push("no bot was wished running: that a bot's container is stopped was not tried");
    for (const { name, position } of bots) if (position !== 0) this.notes.push(`bot ${name} had an open position of ${position}; its protective stop stayed with the broker`);
    await this.notHalted("before", bots, voices);
    for (const level of HALT_LEVELS) {
      signal.throwIfAborted();
      await this.level(level, bots, voices, signal);
    }
  }

  private async level(level: HaltLevel, bots: readonly BotFound[], voices: BotVoices, signal: AbortSignal): Promise<void> {
    const { context, engine, halts } = this.world;
    this.endIfHalted();
    this.say(`${level}: halting`);
    const halted = await halts.haltStack(context, this.stack, { bot: null, level, reason: `halt drill ${this.id}: level ${level} is tried and lifted again`, by: "drill", who: this.who });
    context.whenInterrupted(`the next npx trading halt-drill --stack ${this.stack} lifts what this one has left in force`);
    const { halt, broker } = halted;
    const confirmed = broker.state === "confirmed";
    let result: LevelResult = { level, incident: halt.id, brokerSeconds: confirmed ? hundredths(broker.seconds) : null, stoppedSeconds: null, backSeconds: null };
    const at = this.levels.push(result) - 1;
    this.notes.push(...halted.problems.map((problem) => `${level}: ${problem}`));
    this.check(level, `the broker holds to the halt within ${LIMIT_SECONDS} s`, confirmed && broker.seconds <= LIMIT_SECONDS, confirmed ? `after ${broker.seconds.toFixed(2)} s` : `${broker.state} after ${broker.seconds.toFixed(2)} s`);
    for (const { name } of bots) for (const action of ["enter", "exit"] as const) await this.tried(voices, level, halt.id, name, action);
    if (level === "kill") {
      const ran = bots.filter(({ wish }) => wish === "running");
      for (const { name } of ran) {
        const now = await engine.container(stackNames(this.stack).botContainer(name));
        const how = halted.bots.find(({ bot }) => bot === name);
        this.check(level, `the container of bot ${name} is stopped`, !isRunning(now), `${now?.state ?? "absent"}${how === undefined ? "" : ` after ${how.seconds.toFixed(2)} s`}${how?.killed === true ? ", killed since it did not end within its grace" : ""}`);
      }
      if (ran.length > 0) this.levels[at] = result = { ...result, stoppedSeconds: hundredths(Math.max(0, ...halted.bots.map(({ seconds }) => seconds))) };
    }
    signal.throwIfAborted();
    this.endIfHalted();
    this.say(`${level}: rearming`);
    const since = context.now();
    const { problems } = await halts.rearm(context, this.stack, { incident: halt.id, reason: `halt drill ${this.id}: tried`, by: "drill", who: this.who });
    this.notes.push(...problems.map((problem) => `${level}: ${problem}`));
    const expected = bots.map(({ name }) => name).filter((bot) => this.shouldRun(bot));
    const late = await waitUntilWell(context, engine, this.stack, expected, { seconds: HEALTH_SECONDS, signal });
    this.check(level, "every bot that is wished running is healthy again", late.length === 0, late.length === 0 ? expected.join(", ") || "none is wished running" : `not after ${HEALTH_SECONDS} s: ${late.join(", ")}`);
    if (late.length === 0 && expected.length > 0) this.levels[at] = { ...result, backSeconds: hundredths((context.now() - since) / 1000) };
    await this.notHalted(level, bots, voices);
  }

  /** One order, handed to the broker while a halt is in force. */
  private async tried(voices: BotVoices, level: HaltLevel, incident: string, bot: string, action: "enter" | "exit"): Promise<void> {
    const reason = await voices.refusalOf(bot, action);
    const held = reason.startsWith("halted") && reason.includes(incident);
    const order = `an ${action === "enter" ? "entry" : "exit"} of bot ${bot}`;
    if (permits(level, { action })) this.check(level, `${order} is not held back by the halt`, !reason.startsWith("halted"), reason);
    else this.check(level, `${order} is refused as halted`, held, reason);
  }

  /** Without a halt the same order is refused for what is wrong with it: so the refusals above say something. */
  private async notHalted(when: Check["when"], bots: readonly BotFound[], voices: BotVoices): Promise<void> {
    for (const { name } of bots) {
      const reason = await voices.refusalOf(name, "enter");
      this.check(when, `${when === "before" ? "before any halt" : "lifted again"}, an entry of bot ${name} is not refused as halted`, !reason.startsWith("halted"), reason);
    }
  }

  /** A real halt goes before a drill. @throws {CommandError} while one is in force */
  private endIfHalted(): void {
    const others = othersHalts(this.world.context.root, this.stack);
    if (others.length === 0) return;
    this.interrupted = true;
    throw failure(`the stack was halted meanwhile (${others.join(", ")}): that stays in force, and the drill ended`);
  }

  private shouldRun(bot: string): boolean {
    const { root } = this.world.context;
    return readWish(root, this.stack, bot) === "running" && holdOf(root, this.stack, bot) === null;
  }

  /** Lifts every halt of a drill. @returns their ids */
  private async liftOwn(): Promise<string[]> {
    const { context, halts } = this.world;
    const own = haltsHere(context.root, this.stack).halts.filter(({ by }) => by === "drill").map(({ id }) => id);
    for (const incident of own) {
      const { problems } = await halts.rearm(context, this.stack, { incident, reason: `halt drill ${this.id}: the drill is over`, by: "drill", who: this.who });
      this.notes.push(...problems);
    }
    return own;
  }

  /** Leaves the stack as it was, and looks whether it is. */
  async end(bots: readonly BotFound[]): Promise<void> {
    const { context, engine } = this.world;
    const name = "nothing of the drill is in force, and the bots run as before";
    try {
      await this.liftOwn();
      const expected = bots.map((bot) => bot.name).filter((bot) => this.shouldRun(bot));
      const late = await waitUntilWell(context, engine, this.stack, expected, { seconds: HEALTH_SECONDS });
      const idle = bots.map((bot) => bot.name).filter((bot) => !expected.includes(bot));
      const running: string[] = [];
      for (const bot of idle) if (isRunning(await engine.container(stackNames(this.stack).botContainer(bot)))) running.push(bot);
      const seen = [...(late.length === 0 ? [] : [`not healthy: ${late.join(", ")}`]), ...(running.length === 0 ? [] : [`runs and should not: ${running.join(", ")}`])];
      const well = `healthy: ${expected.join(", ") || "none"}; not running: ${idle.join(", ") || "none"}`;
      this.check("after", name, seen.length === 0, seen.length === 0 ? well : seen.join("; "));
    } catch (error) {
      this.check("after", name, false, `it is not known: ${(error as Error).message}; npx trading halt-drill --stack ${this.stack} again lifts what is left`);
    }
  }

  private check(when: Check["when"], name: string, passed: boolean, detail: string): void {
    this.checks.push({ when, name, passed, detail });
    if (!passed) this.say(`FAILED: ${name}: ${detail}`);
  }

  report(bots: readonly BotFound[]): HaltDrillReport {
    const { context, declared, wish, began } = this.world;
    const finished = context.now();
    return {
      ...{ format: 1, id: this.id, stack: this.stack, trigger: wish.trigger },
      ...{ startedAt: new Date(began).toISOString(), finishedAt: new Date(finished).toISOString() },
      passed: this.failure === null && this.checks.every(({ passed }) => passed),
      ...{ failure: this.failure, interrupted: this.interrupted },
      bots,
      levels: this.levels,
      totalSeconds: round((finished - began) / 1000),
      checks: this.checks,
      notes: this.notes,
      previous: readDrill(controlHere(context.root, this.stack)) ?? null,
      nextDue: new Date(nextDrill(finished, declared.configuration.guard.haltDrillDays)).toISOString(),
    };
  }
}

function hundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
