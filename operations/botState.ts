import type { Wish } from "../config/desiredState";
import type { Context } from "./context";
import type { ContainerFact, Engine } from "./engine";
import { failure } from "./errors";
import { holdOf, type Hold } from "./haltsHere";
import { botContainer, owner } from "./stack";
import { readWish } from "./wishes";

/** Seconds a bot has to finish when its container says nothing else. */
export const DEFAULT_GRACE_SECONDS = 30;

/** Docker's exit code of a process that had to be killed. */
export const KILLED = 137;

/** What bringing a bot's container in line with its wish came to. */
export interface BotReality {
  /** The wish that is in force at the end: another command may have changed it meanwhile. */
  readonly wish: Wish;
  /** What keeps it from running although it is wished; null where nothing does. */
  readonly hold: Hold | null;
  readonly container: ContainerFact | undefined;
  /** The container as it was found. */
  readonly before: ContainerFact | undefined;
}

/** The bot's container, refused when it is another clone's. */
async function ownBotContainer(context: Context, engine: Engine, stack: string, bot: string): Promise<ContainerFact | undefined> {
  const name = botContainer(stack, bot);
  const container = await engine.container(name);
  if (container !== undefined && container.owner !== owner(context.root)) {
    throw failure(`container ${name} belongs to another clone of this project and was left as it is: use another stack name and port base here`);
  }
  return container;
}

export function isRunning(container: ContainerFact | undefined): boolean {
  return container !== undefined && ["running", "restarting", "paused"].includes(container.state);
}

/**
 * Starts or stops the bot's container until it is as the wish says, and never starts one that is halted. Wish and halts are
 * read again after every action, so that of a stop and a start at the same time the last one wins and the container follows it.
 */
export async function followWish(context: Context, engine: Engine, stack: string, bot: string): Promise<BotReality> {
  let before: { readonly container: ContainerFact | undefined } | undefined;
  for (;;) {
    const [wish, hold] = [readWish(context.root, stack, bot), holdOf(context.root, stack, bot)];
    const container = await ownBotContainer(context, engine, stack, bot);
    before ??= { container };
    if (container !== undefined) {
      if ((wish === "stopped" || hold?.kill === true) && isRunning(container)) await engine.stop(container.id, container.stopTimeout ?? DEFAULT_GRACE_SECONDS);
      // Read once more: Docker may have taken its time.
      if (wish === "running" && holdOf(context.root, stack, bot) === null && !isRunning(container)) await engine.start(container.id);
    }
    if (readWish(context.root, stack, bot) !== wish || holdOf(context.root, stack, bot)?.kill !== hold?.kill) continue;
    return { wish, hold, container: container === undefined ? undefined : await engine.container(container.id), before: before.container };
  }
}
