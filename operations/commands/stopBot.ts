import { Command } from "commander";
import { followWish, isRunning, KILLED } from "../botState";
import type { Context } from "../context";
import { EXIT, failure } from "../errors";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import { botToStop, owner } from "../stack";
import { positionText } from "../statusText";
import { changeWish } from "../wishes";

/** `stop bot [name]`: the wish first, then the container within its grace. */
export function stopBotCommand(context: Context, wrap: Wrap): Command {
  return new Command("bot")
    .description("stop a bot; it stays stopped through pulumi up, --refresh and a new container, until start bot")
    .argument("[name]", "bot to stop; the stack's first when left out")
    .action(wrap((options, name) => stopBot(context, options, name)));
}

async function stopBot(context: Context, { stack }: GlobalOptions, name: string | undefined): Promise<Outcome> {
  const { bot, pagePort } = botToStop(context.root, stack, name);
  owner(context.root);
  const wishBefore = await changeWish(context.root, stack, bot, "stopped");
  const inForce = `the wish "stopped" of bot ${bot} is in force, its container may still run: npx trading stop bot ${bot} --stack ${stack} again`;
  context.whenInterrupted(inForce);
  const [after, page] = await Promise.all([
    followWish(context, context.engine(), stack, bot).catch((error: unknown) => {
      throw failure(`${(error as Error).message}; ${inForce}`, { stack, bot, wish: "stopped" });
    }),
    pagePort === undefined ? undefined : context.page(pagePort),
  ]);
  const known = page?.stack === stack ? page.bots.find((entry) => entry.name === bot) : undefined;
  if (after.wish !== "stopped") throw failure(`another command wished bot ${bot} running meanwhile: it runs`, { stack, bot, wish: after.wish });
  if (isRunning(after.container)) throw failure(`bot ${bot} still runs; ${inForce}`, { stack, bot, wish: "stopped" });

  const wasRunning = isRunning(after.before);
  const killed = wasRunning && after.container?.exitCode === KILLED;
  const lines = [
    after.container === undefined
      ? `Bot ${bot} of stack ${stack} has no container; it will not be started by the next up.`
      : wasRunning
        ? `Bot ${bot} of stack ${stack} is stopped${killed ? " (it did not end within its grace and was killed)" : ""}.`
        : `Bot ${bot} of stack ${stack} was not running.`,
    `Wish: stopped${wishBefore === "stopped" ? " (as before)" : ""}; it holds until: npx trading start bot ${bot} --stack ${stack}`,
    known === undefined ? "Open position: not known, the page does not answer." : `When it was stopped: ${positionText(known)}.`,
    "Protective stops stay with the broker, which goes on working them.",
  ];
  return {
    exitCode: EXIT.ok,
    text: `${lines.join("\n")}\n`,
    document: { stack, bot, wish: "stopped", wishBefore, state: after.container?.state ?? "absent", killed, position: known ?? null },
  };
}
