import { Command } from "commander";
import { promotionStanding } from "../../config/promotionEvidence";
import { readDriftCheck } from "../../control/driftRecord";
import { controlFolder } from "../../control/folder";
import type { Context } from "../context";
import { CommandError, EXIT } from "../errors";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import { freezesHere, haltsHere } from "../haltsHere";
import { declaredStack, owner } from "../stack";
import { statusReport } from "../statusModel";
import { statusText } from "../statusText";
import { readWishes } from "../wishes";

/** `status`: what is declared, what is wished, what runs; works with every service down. */
export function statusCommand(context: Context, wrap: Wrap): Command {
  return new Command("status")
    .description("show containers, wishes, halts, feed, account and last decision; exit code 1 when something is not healthy or halted")
    .action(wrap((options) => status(context, options)));
}

async function status(context: Context, { stack }: GlobalOptions): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const wishes = readWishes(context.root, stack);
  const engine = context.engine();
  const [docker, page] = await Promise.all([
    engine
      .containers(stack)
      .then((containers) => Promise.all(containers.map((container) => engine.checked(container))))
      .then(
        (containers) => ({ containers }),
        (error: unknown) => {
          if (error instanceof CommandError) return { containers: undefined, engineProblem: error.message };
          throw error;
        },
      ),
    context.page(declared.pagePort),
  ]);
  const now = context.now();
  const report = statusReport({ declared, wishes, halts: haltsHere(context.root, stack), freezes: freezesHere(context.root, stack, now), driftCheck: readDriftCheck(controlFolder(context.root, stack)), promotion: promotionStanding(context.root, stack, declared.configuration), owner: owner(context.root), ...docker, page, now });
  return { exitCode: report.healthy ? EXIT.ok : EXIT.failed, text: statusText(report, now), document: report };
}
