import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { productionMeans, type DeployMeans } from "../deploy/means";
import { demandName, oneDeployAtATime } from "../deploy/owner";
import { deployStack, type Deployed } from "../deploy/run";
import { previewUp } from "../deploy/up";
import { EXIT } from "../errors";
import { duration } from "../format";
import { wayForward } from "../rollback/plan";
import { doneLines } from "../rollback/run";
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
  if (deployed.result === "good") {
    return { exitCode: EXIT.ok, text: `${[`Stack ${stack} is up and healthy (${duration(deployed.upSeconds)}).`, ...deployed.bots].join("\n")}\n`, document: { stack, ...deployed } };
  }
  const lines = [`The deploy of stack ${stack} failed:`, ...deployed.why.map((line) => `  ${line}`), ...endOf(stack, deployed)];
  return { exitCode: EXIT.failed, text: `${lines.join("\n")}\n`, document: { stack, ...deployed, ...(deployed.result === "rolled back" ? { target: deployed.target.id } : {}) } };
}

/** What was done about it, and what is to be done. */
function endOf(stack: string, deployed: Exclude<Deployed, { result: "good" }>): string[] {
  switch (deployed.result) {
    case "untouched":
      return ["No container was touched."];
    case "rolled back":
      return [
        `It was rolled back to ${deployed.target.id}, which is up and healthy (${duration(deployed.rollback.upSeconds)}).`,
        ...doneLines(stack, deployed.rollback),
        "When it is mended:",
        ...wayForward(stack, undefined, deployed.rollback.commit).map((command) => `  ${command}`),
      ];
    case "stopped":
      return [
        ...(deployed.instead === null ? [] : ["It could not be rolled back:", ...deployed.instead.split("\n").map((line) => `  ${line}`)]),
        deployed.bots.length === 0 ? "No bot runs." : `Stopped: ${deployed.bots.join(", ")}; no bot runs. Protective stops stay with the broker.`,
        `When it is mended: npx trading deploy --stack ${stack}; to go back: npx trading rollback --stack ${stack}`,
      ];
  }
}
