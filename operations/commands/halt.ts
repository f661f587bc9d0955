import { Command, Option } from "commander";
import { HALT_LEVELS, LEVEL_MEANINGS, type HaltLevel } from "../../control/levels";
import { rearmCommandOf } from "../../control/standing";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import type { HaltedBot } from "../haltedBots";
import { brokerText, haltStack, personHere, type Halted } from "../halts";
import { haltsHere } from "../haltsHere";
import { checkStackName } from "../stack";

interface Options extends GlobalOptions {
  readonly bot?: string;
  readonly level: HaltLevel;
  readonly reason: string;
}

export const LONGEST_REASON = 2000;

/** `halt`: stop first, ask later. */
export function haltCommand(context: Context, wrap: Wrap): Command {
  return new Command("halt")
    .description("stop trading at once and keep it stopped, through restarts, reboots and pulumi up, until rearm; exit code 1 when the broker runs and does not confirm it, or a bot still runs")
    .option("--bot <name>", "only this bot; every bot of the stack when left out")
    .addOption(new Option("--level <level>", HALT_LEVELS.map((level) => `${level}: ${LEVEL_MEANINGS[level]}`).join("; ")).choices([...HALT_LEVELS]).default("kill"))
    .requiredOption("--reason <text>", "why, kept with the halt, in the audit log and in the incident's file")
    .action(wrap<Options>((options) => halt(context, options)));
}

async function halt(context: Context, { stack, bot: name, level, reason: text }: Options): Promise<Outcome> {
  checkStackName(stack);
  const reason = reasonOf(text);
  const bot = name ?? null;
  const before = haltsHere(context.root, stack).halts.filter((each) => each.bot === bot && each.level === level);
  const halted = await haltStack(context, stack, { bot, level, reason, by: "person", who: personHere() }, (said) => context.writeError(`- ${said}\n`));
  const good = halted.broker.state !== "silent" && halted.problems.length === 0;
  const lines = [
    `Stack ${stack} is halted at level ${level}${bot === null ? "" : ` for bot ${bot}`}: ${LEVEL_MEANINGS[level]}.`,
    `Incident  ${halted.halt.id}`,
    `Broker    ${brokerText(halted.broker, halted.halt.id)}`,
    ...halted.bots.map(botText),
    ...before.map(({ id, at }) => `Before    the same was in force already: ${id} since ${at}; each is lifted by its own id`),
    ...problemsOf(halted, stack).map((problem) => `Problem   ${problem}`),
    ...(level === "kill" ? ["Stops     protective stops of open positions stay with the broker, which goes on working them"] : []),
    `Lift it   ${rearmCommandOf(stack, halted.halt.id)}`,
  ];
  return { exitCode: good ? EXIT.ok : EXIT.failed, text: `${lines.join("\n")}\n`, document: { stack, ...halted, problems: problemsOf(halted, stack), before: before.map(({ id }) => id) } };
}

function problemsOf({ broker, problems, halt: { id } }: Halted, stack: string): string[] {
  const silent = `the broker has not confirmed ${id}, which is in force all the same and read at its next look: npx trading status --stack ${stack}, docker logs --tail 50 trading-${stack}-broker; to be sure that nothing leaves: docker stop trading-${stack}-broker`;
  return [...(broker.state === "silent" ? [silent] : []), ...problems];
}

function botText({ bot, before, after, seconds, killed }: HaltedBot): string {
  if (before === after) return `Bot       ${bot}: ${after}`;
  return `Bot       ${bot}: ${after} after ${seconds.toFixed(1)} s${killed ? " (it did not end within its grace and was killed)" : ""}`;
}

/** @throws {CommandError} where there is none, or it is too long to keep */
export function reasonOf(text: string): string {
  const reason = text.trim();
  if (reason === "" || reason.length > LONGEST_REASON) throw usage(`--reason has ${reason.length} characters; allowed: 1 to ${LONGEST_REASON}`);
  return reason;
}
