import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { CommandError, EXIT, failure, usage } from "../errors";
import { personHere, rearm, type Rearmed } from "../halts";
import { haltsHere, holdText } from "../haltsHere";
import { checkStackName, declaredStack } from "../stack";
import { reasonOf } from "./halt";

interface Options extends GlobalOptions {
  readonly incident: string;
  readonly reason?: string;
  readonly yes?: boolean;
  readonly start: boolean;
}

/** `rearm`: lifts a halt; nothing else does. */
export function rearmCommand(context: Context, wrap: Wrap): Command {
  return new Command("rearm")
    .description("lift a halt, and start the bots that it had stopped, are wished running and no longer halted; the one way a halt ends")
    .requiredOption("--incident <id>", "the halt, as halt and status name it, for example INC-20261127-070501-4f2a")
    .option("--reason <text>", "why it may go on, kept in the audit log and in the incident's file")
    .option("--yes", "do not ask for the stack's name, which a live stack does")
    .option("--no-start", "lift it and start no bot: the next start bot or pulumi up --refresh does")
    .action(wrap<Options>((options) => lift(context, options)));
}

async function lift(context: Context, { stack, incident, reason: text, yes = false, start }: Options): Promise<Outcome> {
  checkStackName(stack);
  const reason = text === undefined ? "no reason was given" : reasonOf(text);
  if (!yes && isLive(context, stack)) await confirm(context, stack, incident);
  const rearmed = await rearm(context, stack, { incident, reason, by: "person", who: personHere(), start });
  const left = haltsHere(context.root, stack).halts;
  const lines = [
    rearmed.before ? `Halt ${incident} of stack ${stack} was lifted already.` : `Halt ${incident} of stack ${stack} is lifted.`,
    ...(rearmed.broker === null ? [] : [`Broker    ${brokerNow(rearmed.broker)}`]),
    ...rearmed.bots.map((bot) => botNow(stack, bot)),
    ...left.map(({ id, level, bot }) => `Still     ${id}: ${level}, ${bot === null ? "every bot" : `bot ${bot}`}`),
    ...rearmed.problems.map((problem) => `Problem   ${problem}`),
  ];
  const document = { stack, ...rearmed, inForce: left.map(({ id }) => id) };
  return { exitCode: rearmed.problems.length === 0 ? EXIT.ok : EXIT.failed, text: `${lines.join("\n")}\n`, document };
}

/** A stack whose file cannot be read may be a live one. */
function isLive(context: Context, stack: string): boolean {
  try {
    return declaredStack(context.root, stack).configuration.mode === "live";
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return true;
  }
}

async function confirm(context: Context, stack: string, incident: string): Promise<void> {
  const halt = haltsHere(context.root, stack).halts.find(({ id }) => id === incident);
  if (halt !== undefined) context.writeError(`${incident}: ${halt.level}, ${halt.bot === null ? "every bot" : `bot ${halt.bot}`}, since ${halt.at} by ${halt.who}: ${halt.reason}\n`);
  const answer = await context.ask(`Type the stack's name to lift ${incident} and let it trade again: `);
  if (answer === undefined) throw usage(`nobody can be asked here: add --yes to lift ${incident} of stack ${stack}; nothing was lifted`);
  if (answer.trim() !== stack) throw failure(`"${answer.trim()}" is not "${stack}": nothing was lifted`);
}

function brokerNow({ state, seconds }: NonNullable<Rearmed["broker"]>): string {
  switch (state) {
    case "confirmed":
      return `holds to it no longer (after ${seconds.toFixed(1)} s)`;
    case "down":
      return "does not run; it comes back without it";
    case "frozen":
      return "is paused; it goes on without it";
    case "silent":
      return `has not said within ${seconds.toFixed(1)} s that it read this; it holds to the halt until it has`;
  }
}

function botNow(stack: string, { bot, wish, hold, state }: Rearmed["bots"][number]): string {
  if (hold !== null) return `Bot       ${bot}: stays stopped: ${holdText(stack, hold)}`;
  if (wish === "stopped") return `Bot       ${bot}: stays stopped by wish: npx trading start bot ${bot} --stack ${stack}`;
  if (state === "absent") return `Bot       ${bot}: has no container: npm run pulumi -- up --refresh --stack ${stack}`;
  return `Bot       ${bot}: ${state}`;
}
