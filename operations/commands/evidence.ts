import { Command } from "commander";
import { stackPorts } from "../../config/names";
import type { BotConfiguration } from "../../config/schema";
import { evidenceOf } from "../../domain/promotion/evidence";
import { newestRun, type FoundRun, type RunMarks } from "../../mlflow/newestRun";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT } from "../errors";
import { evidenceFacts } from "../performance/evidenceFacts";
import { PerformanceService } from "../performance/performanceService";
import { evidenceText } from "../performance/text";
import { chosenBot, declaredStack } from "../stack";

interface Options {
  readonly bot?: string;
}

/** What a test puts in the place of MLflow. */
export type FindEvaluation = (address: string, experiment: string, marks: RunMarks) => Promise<FoundRun | undefined>;

/** `evidence`: all that a promotion needs, and what the data cannot prove. */
export function evidenceCommand(context: Context, wrap: Wrap, find: FindEvaluation = newestRun): Command {
  return new Command("evidence")
    .description("show each condition of a promotion with its value, limit, distance, window and source, and what is not proven")
    .option("--bot <name>", "bot to look at; the stack's first when left out")
    .action(wrap<Options>((options) => evidence(context, find, options)));
}

async function evidence(context: Context, find: FindEvaluation, { stack, bot: name }: Options & GlobalOptions): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const { configuration } = declared;
  const bot = chosenBot(declared, name);
  const address = `http://127.0.0.1:${stackPorts(configuration.portBase).mlflow}`;
  const [performance, page, evaluation] = await Promise.all([
    PerformanceService.of(context, stack).then((service) => service.newest()),
    context.page(declared.pagePort),
    newestEvaluation(find, address, `${stack}/${bot.strategy}`, bot).catch((error: Error) => `MLflow does not answer: ${error.message}`),
  ]);
  const found = evidenceOf(evidenceFacts({ configuration, bot, performance, evaluation, page }));
  const note = typeof evaluation === "string" ? `Note: ${evaluation}\n` : "";
  return { exitCode: found.holds ? EXIT.ok : EXIT.failed, text: `${evidenceText(bot.name, found)}${note}`, document: { stack, bot: bot.name, at: new Date(context.now()).toISOString(), ...found } };
}

/** The newest evaluation of what the bot trades; where there is none, the newest one, which is then said to be of another configuration. */
async function newestEvaluation(find: FindEvaluation, address: string, experiment: string, { name, configurationHash }: BotConfiguration): Promise<FoundRun | undefined> {
  const tags = { kind: "evaluation", bot: name };
  return (await find(address, experiment, { tags, params: { configurationHash } })) ?? find(address, experiment, { tags });
}
