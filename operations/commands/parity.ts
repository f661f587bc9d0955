import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import { PerformanceService, type ParityAnswer } from "../performance/performanceService";
import { parityText } from "../performance/text";
import { chosenBot, declaredStack } from "../stack";

interface Options {
  readonly bot?: string;
  readonly days?: string;
}

const MOST_DAYS = 1100;

/** `parity`: replays what was recorded and compares each bot with it, now. */
export function parityCommand(context: Context, wrap: Wrap): Command {
  return new Command("parity")
    .description("replay the recorded candles through the image that runs, and compare every decision and trade with it")
    .option("--bot <name>", "only this bot; all of the stack's when left out")
    .option("--days <number>", "newest days to compare; trading:performance.parityDays when left out")
    .action(wrap<Options>((options) => parity(context, options)));
}

async function parity(context: Context, { stack, bot, days }: Options & GlobalOptions): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const names = bot === undefined ? declared.configuration.bots.map(({ name }) => name) : [chosenBot(declared, bot).name];
  const newest = days === undefined ? undefined : Number(days);
  if (newest !== undefined && !(Number.isInteger(newest) && newest >= 1 && newest <= MOST_DAYS)) throw usage(`--days "${days}"; allowed: a whole number from 1 to ${MOST_DAYS}`);
  const service = await PerformanceService.of(context, stack);
  const compared: { bot: string; parity: ParityAnswer | undefined }[] = [];
  for (const name of names) compared.push({ bot: name, parity: await service.compare(name, newest) });
  const differs = compared.some(({ parity: found }) => found !== undefined && (found.frozen || found.verdict === "differs"));
  return { exitCode: differs ? EXIT.failed : EXIT.ok, text: compared.map(({ bot: name, parity: found }) => parityText(name, found)).join(""), document: { stack, bots: compared } };
}
