import type { Context } from "./context";
import type { ContainerFact, Engine } from "./engine";
import { DEFAULT_GRACE_SECONDS, isRunning, KILLED } from "./botState";
import { owner } from "./stack";

/** What became of the container of a bot that was halted. */
export interface HaltedBot {
  readonly bot: string;
  /** Docker's state when it was found, and at the end; `absent` where the container is gone. */
  readonly before: string;
  readonly after: string;
  /** Until it had ended. */
  readonly seconds: number;
  /** It did not end within its grace, and Docker killed it. */
  readonly killed: boolean;
}

/** An up that was under way makes a container anew: so often it is looked whether another one runs. */
const LOOKS = 3;

/**
 * Stops the containers of a bot, or of every bot that has one, declared or not; those of other clones are left alone.
 *
 * @throws {CommandError} when Docker does not answer
 */
export async function stopHaltedBots(context: Context, engine: Engine, stack: string, bot: string | null): Promise<HaltedBot[]> {
  const mine = owner(context.root);
  const since = context.now();
  const done = new Map<string, HaltedBot>();
  for (let look = 0; look < LOOKS; look++) {
    const bots = (await engine.containers(stack)).filter((container) => container.owner === mine && isOf(container, bot));
    const running = bots.filter(isRunning);
    for (const { service, state } of bots) if (!done.has(service)) done.set(service, { bot: nameOf(service), before: state, after: state, seconds: 0, killed: false });
    if (running.length === 0) break;
    await Promise.all(
      running.map(async ({ id, service, stopTimeout }) => {
        await engine.stop(id, stopTimeout ?? DEFAULT_GRACE_SECONDS);
        const after = await engine.container(id);
        const { before } = done.get(service)!;
        done.set(service, { bot: nameOf(service), before, after: after?.state ?? "absent", seconds: (context.now() - since) / 1000, killed: after?.exitCode === KILLED });
      }),
    );
  }
  return [...done.values()];
}

function isOf({ service }: ContainerFact, bot: string | null): boolean {
  return service.startsWith("bot-") && (bot === null || nameOf(service) === bot);
}

function nameOf(service: string): string {
  return service.replace(/^bot-/, "");
}
