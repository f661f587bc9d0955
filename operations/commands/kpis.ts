import { Command, Option } from "commander";
import { SPANS, type Span } from "../../domain/kpis/spans";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT } from "../errors";
import { PerformanceService } from "../performance/performanceService";
import { kpisText } from "../performance/text";
import { chosenBot, declaredStack } from "../stack";

interface Options {
  readonly bot?: string;
  readonly window: Span;
}

/** `kpis`: the newest key figures of the bots. */
export function kpisCommand(context: Context, wrap: Wrap): Command {
  return new Command("kpis")
    .description("show the newest key figures of the bots: Sharpe ratio, drawdown, trades, costs, distance to the replay")
    .option("--bot <name>", "only this bot; all of the stack's when left out")
    .addOption(new Option("--window <window>", "time that the figures are of").choices([...SPANS]).default("30d"))
    .action(wrap<Options>((options) => kpis(context, options)));
}

async function kpis(context: Context, { stack, bot, window }: Options & GlobalOptions): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const names = bot === undefined ? declared.configuration.bots.map(({ name }) => name) : [chosenBot(declared, bot).name];
  const { bots } = await (await PerformanceService.of(context, stack)).newest();
  const found = names.map((name) => ({ bot: name, kpis: bots.find((each) => each.bot === name)?.kpis.find(({ span }) => span === window) }));
  return { exitCode: EXIT.ok, text: kpisText(window, found), document: { stack, window, bots: found } };
}
