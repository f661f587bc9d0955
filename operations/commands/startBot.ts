import { Command } from "commander";
import { promotionStanding } from "../../config/promotionEvidence";
import { followWish, isRunning } from "../botState";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { EXIT, failure } from "../errors";
import { holdOf, holdText, type Hold } from "../haltsHere";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import { botContainer, chosenBot, declaredStack, owner } from "../stack";
import { changeWish, readWish } from "../wishes";

const HEALTH_SECONDS = 90;
const POLL_MILLISECONDS = 500;

/** `start bot [name]`: the wish first, then the container, then its health. */
export function startBotCommand(context: Context, wrap: Wrap): Command {
  return new Command("bot")
    .description("wish a bot running, start its container and wait until it is healthy")
    .argument("[name]", "bot to start; the stack's first when left out")
    .action(wrap((options, name) => startBot(context, options, name)));
}

async function startBot(context: Context, { stack }: GlobalOptions, name: string | undefined): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const bot = chosenBot(declared, name).name;
  const promotion = promotionStanding(context.root, stack, declared.configuration);
  if (!promotion.mayRun) throw failure(`bot ${bot} of stack ${stack} may not be started: ${promotion.reason}; nothing was changed`, { stack, bot });
  owner(context.root);
  const held = holdOf(context.root, stack, bot);
  if (held !== null) throw failure(`bot ${bot} of stack ${stack} may not be started: ${holdText(stack, held)}; nothing was changed`, { stack, bot, incidents: held.incidents });
  const engine = context.engine();
  const wishBefore = await changeWish(context.root, stack, bot, "running");
  const inForce = `the wish "running" of bot ${bot} is in force: the next npm run pulumi -- up --refresh --stack ${stack} starts it too`;
  context.whenInterrupted(inForce);
  const after = await followWish(context, engine, stack, bot).catch((error: unknown) => {
    throw failure(`${(error as Error).message}; ${inForce}`, { stack, bot, wish: "running" });
  });
  if (after.wish !== "running") throw failure(`another command wished bot ${bot} stopped meanwhile: it is stopped`, { stack, bot, wish: after.wish });
  if (after.hold !== null) throw haltedMeanwhile(stack, bot, after.hold);
  if (after.container === undefined) {
    throw failure(`container ${botContainer(stack, bot)} does not exist; the wish "running" is in force: npm run pulumi -- up --refresh --stack ${stack} makes and starts it`, {
      stack,
      bot,
      wish: "running",
    });
  }
  const container = await waitForHealth(context, engine, stack, bot, after.container);
  return {
    exitCode: EXIT.ok,
    text: `Bot ${bot} of stack ${stack} is ${container.health === undefined ? "running" : "running and healthy"}.\nWish: running${wishBefore === "running" ? " (as before)" : ""}\n`,
    document: { stack, bot, wish: "running", wishBefore, state: container.state, health: container.health ?? null },
  };
}

function haltedMeanwhile(stack: string, bot: string, hold: Hold): Error {
  return failure(`bot ${bot} was halted meanwhile and does not run: ${holdText(stack, hold)}; its wish stays "running"`, { stack, bot, wish: "running", incidents: hold.incidents });
}

function describeEnd(container: ContainerFact | undefined, late: boolean): string {
  if (container === undefined) return "its container is gone";
  if (!isRunning(container)) return `ended with exit code ${container.exitCode}`;
  return `is ${container.health ?? container.state}${late ? ` after ${HEALTH_SECONDS} s` : ""}`;
}

/** Waits until the container says that it makes progress; what it ends with otherwise is told with its last log lines. */
async function waitForHealth(context: Context, engine: Engine, stack: string, bot: string, started: ContainerFact): Promise<ContainerFact> {
  const deadline = context.now() + HEALTH_SECONDS * 1000;
  const details = { stack, bot, wish: "running" };
  let container: ContainerFact | undefined = started;
  for (;;) {
    if (container !== undefined) container = await engine.checked(container);
    if (container !== undefined && container.state === "running" && container.health !== "starting" && container.health !== "unhealthy") return container;
    if (readWish(context.root, stack, bot) === "stopped") throw failure(`another command wished bot ${bot} stopped meanwhile: it is stopped`, { ...details, wish: "stopped" });
    const hold = holdOf(context.root, stack, bot);
    if (hold !== null) throw haltedMeanwhile(stack, bot, hold);
    const late = context.now() > deadline;
    if (!isRunning(container) || container?.health === "unhealthy" || late) {
      const what = describeEnd(container, late);
      const log = container === undefined ? "" : (await engine.log(container.id, 5)).trimEnd();
      throw failure(`bot ${bot} was started and ${what}; its wish stays "running"${log === "" ? "" : `; last lines of its log:\n${log}`}`, details);
    }
    await context.wait(POLL_MILLISECONDS);
    container = await engine.container(started.id);
  }
}
