import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { productionMeans, type DeployMeans } from "../deploy/means";
import { demandName, oneDeployAtATime } from "../deploy/owner";
import { deployStack, type Deployed } from "../deploy/run";
import { deployedDocument, deployedLines } from "../deploy/text";
import { previewUp } from "../deploy/up";
import { EXIT } from "../errors";
import { knownReleases } from "../rollback/stored";
import { declaredStack, owner } from "../stack";

interface Options extends GlobalOptions {
  readonly yes?: boolean;
}

/** `deploy`: an `up` that ends well or is taken back. */
export function deployCommand(context: Context, wrap: Wrap, means: DeployMeans = productionMeans): Command {
  return new Command("deploy")
    .description("preview, ask, pulumi up, every container healthy; what does not come up healthy is rolled back to the last stable release, or stopped (trading:deploy.onFailure)")
    .option("--yes", "do not ask")
    .action(wrap<Options>((options) => deploy(context, means, options)));
}

async function deploy(context: Context, means: DeployMeans, { stack, yes = false }: Options): Promise<Outcome> {
  const { root } = context;
  const declared = declaredStack(root, stack);
  owner(root);
  return await oneDeployAtATime(root, stack, async () => {
    context.writeError("- asking Pulumi what the stack would do\n");
    context.writeError(`${await previewUp(context, means, stack)}\n\n`);
    if (!yes) await demandName(context, stack, "deploy it");
    return outcomeOf(stack, await deployStack(context, means, declared, await knownReleases(root, stack)));
  });
}

function outcomeOf(stack: string, deployed: Deployed): Outcome {
  return { exitCode: deployed.result === "good" ? EXIT.ok : EXIT.failed, text: `${deployedLines(stack, deployed).join("\n")}\n`, document: deployedDocument(stack, deployed) };
}
