import type { Wish } from "../../config/desiredState";
import { botService, stackNames } from "../../config/names";
import type { HaltsInForce } from "../../control/standing";
import { isRunning } from "../botState";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { CommandError, EXIT, failure } from "../errors";
import { haltsHere } from "../haltsHere";
import { serviceContainer } from "../insideService";
import type { DeclaredStack } from "../stack";
import { readWish } from "../wishes";
import { BotVoices } from "./voices";

/** Nothing is wrong, and now is not the time: another day is as good. */
export class HaltDrillPostponed extends CommandError {
  constructor(reason: string) {
    super(`${reason}; nothing was tried`, EXIT.failed);
  }
}

/** One bot as the drill found it. */
export interface BotFound {
  readonly name: string;
  readonly wish: Wish;
  /** Quantity of its open position, 0 without one. */
  readonly position: number;
}

/** Halts that are in force and no drill's, by their names; what cannot be read is one as well. */
export function othersHalts(root: string, stack: string): string[] {
  const { halts, unreadable, problem }: HaltsInForce = haltsHere(root, stack);
  if (problem !== null) return [problem];
  return [...halts.filter(({ by }) => by !== "drill").map(({ id, level, by }) => `${id} (${level}, by ${by})`), ...unreadable];
}

/**
 * What the drill has to find before it touches anything.
 *
 * @throws {HaltDrillPostponed} while a halt is in force or a position is open
 * @throws {CommandError} where the drill would prove nothing: the broker or a bot is not as it should be
 */
export async function readyForDrill(context: Context, engine: Engine, { stack, configuration }: DeclaredStack, withOpenPositions: boolean): Promise<{ readonly bots: readonly BotFound[]; readonly voices: BotVoices }> {
  const others = othersHalts(context.root, stack);
  if (others.length > 0) throw new HaltDrillPostponed(`stack ${stack} is halted (${others.join(", ")}): a drill would lift nothing of it, and prove nothing`);
  const broker = await serviceContainer(context, engine, stack, "broker");
  if (broker.state !== "running") throw failure(`container ${broker.name} is ${broker.state}: npm run pulumi -- up --refresh --stack ${stack}`, { stack });
  const voices = new BotVoices(context, engine, broker, stack);
  const bots: BotFound[] = [];
  for (const { name } of configuration.bots) {
    const wish = readWish(context.root, stack, name);
    const container = await serviceContainer(context, engine, stack, botService(name));
    if (wish === "running" && !(await isWell(engine, container))) throw failure(`bot ${name} is wished running and is ${container.health ?? container.state}: mend it first, or stop it (npx trading stop bot ${name} --stack ${stack}); nothing was tried`, { stack });
    if (wish === "stopped" && isRunning(container)) throw failure(`bot ${name} is wished stopped and runs: npx trading stop bot ${name} --stack ${stack}; nothing was tried`, { stack });
    bots.push({ name, wish, position: await voices.position(name) });
  }
  const open = bots.filter(({ position }) => position !== 0);
  if (open.length > 0 && !withOpenPositions) throw new HaltDrillPostponed(`${open.map(({ name, position }) => `bot ${name} has an open position of ${position}`).join(", ")}: wait until it is closed, or say --with-open-positions`);
  return { bots, voices };
}

/** Whether a bot's container does its work, as far as it can be told from outside. */
export async function isWell(engine: Engine, container: ContainerFact | undefined): Promise<boolean> {
  if (container === undefined || container.state !== "running") return false;
  const { health } = await engine.checked(container);
  return health === "healthy" || health === undefined;
}

/** Waits until bots are well. @returns those that are not in time */
export async function waitUntilWell(context: Context, engine: Engine, stack: string, bots: readonly string[], until: { readonly seconds: number; readonly signal?: AbortSignal }): Promise<string[]> {
  const deadline = context.now() + until.seconds * 1000;
  for (;;) {
    until.signal?.throwIfAborted();
    const waiting: string[] = [];
    for (const bot of bots) if (!(await isWell(engine, await engine.container(stackNames(stack).botContainer(bot))))) waiting.push(bot);
    if (waiting.length === 0 || context.now() > deadline) return waiting;
    await context.wait(500);
  }
}
