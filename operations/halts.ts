import * as os from "node:os";
import { stackNames } from "../config/names";
import { appendAudit, readAudit } from "../control/audit";
import { haltsOf } from "../control/LatchFolder";
import type { HaltLevel } from "../control/levels";
import { incidentId, type Halt } from "../control/records";
import { rearmCommandOf } from "../control/standing";
import { followWish, type BotReality } from "./botState";
import { brokerWord, type BrokerWord } from "./brokerWord";
import type { Context } from "./context";
import { CommandError, failure, usage } from "./errors";
import { stopHaltedBots, type HaltedBot } from "./haltedBots";
import { controlHere, haltsHere } from "./haltsHere";
import { checkHaltTarget, pagePortOf } from "./haltTarget";
import { declaredStack } from "./stack";
import { positionText } from "./statusText";

export interface HaltRequest {
  /** null is every bot of the stack. */
  readonly bot: string | null;
  readonly level: HaltLevel;
  readonly reason: string;
  readonly by: "person" | "drill";
  readonly who: string;
}

export interface Halted {
  readonly halt: Halt;
  readonly broker: BrokerWord;
  /** Bots whose containers there are, at level kill; none at the others. */
  readonly bots: readonly HaltedBot[];
  /** What could not be done beside the halt, which is in force all the same. */
  readonly problems: readonly string[];
}

/** Milliseconds that the page has to say what is open. */
const PAGE_MILLISECONDS = 1000;
const UNKNOWN = "not known: the page does not answer";

/**
 * Places a halt and waits until it is known what the broker makes of it; at level kill the containers of the bots are
 * stopped meanwhile. The halt is in force, on the disk too, before anything else is asked.
 *
 * @param say told of each thing when it is known
 * @throws {CommandError} only where the halt could not be written
 */
export async function haltStack(context: Context, stack: string, request: HaltRequest, say: (text: string) => void = () => undefined): Promise<Halted> {
  const { bot, level, reason, by, who } = request;
  checkHaltTarget(context.root, stack, bot);
  const control = controlHere(context.root, stack);
  const now = context.now();
  const halt: Halt = {
    ...{ format: 1, id: incidentId("INC", now), stack, bot, level, reason, by, who, at: new Date(now).toISOString() },
    ...{ rule: null, cause: null, numbers: {}, runbook: null, open: [] },
  };
  try {
    haltsOf(control).place(halt);
  } catch (error) {
    throw failure(`the halt could not be written (${(error as Error).message}): NOTHING IS HALTED; this keeps every order in: docker stop ${stackNames(stack).container("broker")}`, { stack });
  }
  context.whenInterrupted(`halt ${halt.id} at level ${level} is in force; whether the broker has read it and the bots are stopped was not waited for: npx trading status --stack ${stack}`);
  const engine = context.engine();
  const problems: string[] = [];
  const kept = async () => {
    const open = await openNow(context, stack, pagePortOf(context.root, stack), bot);
    try {
      appendAudit(control, { ...actOf(halt, "halt", by, who, reason), at: halt.at, open });
    } catch (error) {
      problems.push(`the halt is not in the audit log: ${(error as Error).message}`);
    }
  };
  const heard = async () => {
    const word = await brokerWord(context, engine, stack, control, ({ incidents }) => incidents.some((seen) => seen.replace(/\.json$/, "") === halt.id), now);
    say(brokerText(word, halt.id));
    return word;
  };
  const stopped = async () => {
    try {
      return level === "kill" ? await stopHaltedBots(context, engine, stack, bot) : [];
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      problems.push(`the bots' containers could not be stopped: ${error.message}`);
      return [];
    }
  };
  const [broker, bots] = await Promise.all([heard(), stopped(), kept()]);
  problems.push(...bots.filter(({ after }) => ["running", "restarting", "paused"].includes(after)).map((each) => `bot ${each.bot} still runs`));
  return { halt, broker, bots, problems };
}

/** What the broker's word means, in a sentence. */
export function brokerText({ state, seconds }: BrokerWord, incident: string): string {
  const after = `after ${seconds.toFixed(1)} s`;
  switch (state) {
    case "confirmed":
      return `${incident} is in force: the broker holds to it (${after})`;
    case "down":
      return `${incident} is in force: the broker does not run, so nothing leaves, and it comes back halted`;
    case "frozen":
      return `${incident} is in force: the broker is paused, so nothing leaves, and it goes on halted`;
    case "silent":
      return `${incident} is placed, and the broker has NOT confirmed it ${after}`;
  }
}

export interface RearmRequest {
  readonly incident: string;
  readonly reason: string;
  readonly by: "person" | "drill";
  readonly who: string;
  /** Whether bots that may run again are started; so unless told otherwise. */
  readonly start?: boolean;
}

export interface Rearmed {
  readonly incident: string;
  /** It had been lifted before, so that nothing was lifted now. */
  readonly before: boolean;
  /** null where its record cannot be read. */
  readonly halt: Halt | null;
  readonly broker: BrokerWord | null;
  readonly bots: readonly (Pick<BotReality, "wish" | "hold"> & { readonly bot: string; readonly state: string })[];
  readonly problems: readonly string[];
}

/**
 * Lifts a halt, and starts the bots that it had stopped, are wished running and no longer held by any other.
 *
 * @throws {CommandError} naming those that are in force where this one never was
 */
export async function rearm(context: Context, stack: string, request: RearmRequest): Promise<Rearmed> {
  const { incident, reason, by, who } = request;
  const control = controlHere(context.root, stack);
  const { halts, unreadable, problem } = haltsHere(context.root, stack);
  if (problem !== null) throw failure(`the halts of stack ${stack} cannot be read (${problem}); nothing was lifted`);
  const present = halts.find(({ id }) => id === incident);
  const latch = haltsOf(control);
  const earlier = latch.liftedOnes().find(({ id }) => id === incident);
  const inForce = present !== undefined || unreadable.includes(`${incident}.json`);
  if (!inForce && earlier === undefined) throw unknown(stack, incident, [...halts.map(({ id }) => id), ...unreadable.map((name) => name.replace(/\.json$/, ""))]);
  const problems: string[] = [];
  let broker: BrokerWord | null = null;
  const engine = context.engine();
  const now = context.now();
  const lifted = inForce && latch.lift(incident, { liftedAt: new Date(now).toISOString(), liftedBy: by, liftedWho: who, liftedReason: reason });
  const halt = present ?? earlier ?? null;
  if (lifted) {
    context.whenInterrupted(`halt ${incident} is lifted; whether its bots are started was not waited for: ${rearmCommandOf(stack, incident)} again`);
    appendAudit(control, { ...actOf(halt ?? { id: incident, bot: null, level: "kill", rule: null }, "rearm", by, who, reason), at: new Date(now).toISOString(), open: [] });
    broker = await brokerWord(context, engine, stack, control, ({ incidents }) => !incidents.some((seen) => seen.replace(/\.json$/, "") === incident), now);
  }
  const bots: Rearmed["bots"][number][] = [];
  // A record that could not be read counted as a kill of all.
  if (request.start !== false && (halt === null || halt.level === "kill")) {
    for (const bot of botsToStart(context, stack, halt?.bot ?? null, problems)) {
      try {
        const { wish, hold, container } = await followWish(context, engine, stack, bot);
        bots.push({ bot, wish, hold, state: container?.state ?? "absent" });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        problems.push(`bot ${bot} was not started: ${error.message}`);
      }
    }
  }
  return { incident, before: !lifted, halt, broker, bots, problems };
}

function unknown(stack: string, incident: string, inForce: readonly string[]): CommandError {
  return usage(`stack ${stack} has no halt "${incident}" in force; in force: ${inForce.join(", ") || "none"}; nothing was lifted`);
}

function botsToStart(context: Context, stack: string, bot: string | null, problems: string[]): string[] {
  try {
    const { configuration } = declaredStack(context.root, stack);
    // The schema takes a while to load, and a halt needs none of it.
    const { promotionStanding } = require("../config/promotionEvidence") as typeof import("../config/promotionEvidence");
    if (!promotionStanding(context.root, stack, configuration).mayRun) return [];
    return configuration.bots.map(({ name }) => name).filter((name) => bot === null || name === bot);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    problems.push(`no bot was started: ${error.message}`);
    return [];
  }
}

function actOf({ id, bot, level, rule }: Pick<Halt, "id" | "bot" | "level" | "rule">, act: "halt" | "rearm", by: Halt["by"], who: string, reason: string) {
  return { act, by, who, incident: id, bot, level, reason, rule, numbers: {} };
}

/** What is open, one line for each bot; never long waited for. */
async function openNow(context: Context, stack: string, port: number | undefined, bot: string | null): Promise<string[]> {
  const page = port === undefined ? undefined : await context.page(port, PAGE_MILLISECONDS);
  if (page?.stack !== stack) return [UNKNOWN];
  return page.bots.filter(({ name }) => bot === null || name === bot).map((each) => `${each.name}: ${positionText(each)}`.slice(0, 300));
}

/** What was open when a halt was placed, as its act has it. */
export function openOf(control: string, { id, open }: Pick<Halt, "id" | "open">): readonly string[] {
  return readAudit(control).find(({ act, incident }) => act === "halt" && incident === id)?.open ?? open;
}

/** Name of the person at this machine. */
export function personHere(): string {
  try {
    return os.userInfo().username || "unknown";
  } catch {
    return "unknown";
  }
}
