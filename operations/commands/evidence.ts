import { Command } from "commander";
import { readStackFile } from "../../config/stackFile";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT } from "../errors";
import { judge, productionMeans, type JudgeMeans } from "../promotion/judge";
import { itemsText } from "../promotion/text";
import { chosenBot, declaredStack, type DeclaredStack } from "../stack";

interface Options {
  readonly bot?: string;
  readonly to: string;
}

/** `evidence`: all that a promotion needs, and what the data cannot prove. */
export function evidenceCommand(context: Context, wrap: Wrap, means: JudgeMeans = productionMeans): Command {
  return new Command("evidence")
    .description("show each condition of a promotion with its value, limit, distance, window and source, and what is not proven")
    .option("--bot <name>", "bot to look at; the stack's first when left out")
    .option("--to <stack>", "stack that would be promoted to; its file says what is asked for", "live")
    .action(wrap<Options>((options) => evidence(context, means, options)));
}

async function evidence(context: Context, means: JudgeMeans, { stack, bot: name, to }: Options & GlobalOptions): Promise<Outcome> {
  const from = declaredStack(context.root, stack);
  const bot = chosenBot(from, name);
  const { items, unproven, notes } = await judge(context, means, { from, bots: [bot], to: targetOf(context, to), toName: to });
  const failing = items.filter(({ holds }) => !holds);
  const head = `Bot ${bot.name}: ${failing.length === 0 ? "all that a promotion asks for holds" : `${failing.length} of ${items.length} conditions do NOT hold`}`;
  const lines = [head, itemsText(items.map((item) => ({ ...item, overridden: null })), false), ...unproven.map((line) => `Not proven: ${line}`), ...notes.map((note) => `Note: ${note}`)];
  return {
    exitCode: failing.length === 0 ? EXIT.ok : EXIT.failed,
    text: `${lines.join("\n")}\n`,
    document: { stack, bot: bot.name, at: new Date(context.now()).toISOString(), holds: failing.length === 0, items, unproven, notes },
  };
}

/** A look at the evidence needs no stack to promote to: then the usual is asked for. */
function targetOf({ root }: Context, stack: string): DeclaredStack | undefined {
  try {
    readStackFile(root, stack);
  } catch {
    return undefined;
  }
  return declaredStack(root, stack);
}
