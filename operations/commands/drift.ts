import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { checkDrift, type LookAtDocker } from "../drift/check";
import { driftText } from "../drift/text";
import { CommandError, EXIT } from "../errors";
import { declaredStack } from "../stack";

/** What this command ends with where something differs; all that goes wrong is {@link EXIT.failed}. */
export const DRIFTED = 2;

/** `drift`: what runs against what was deployed, also in what Pulumi does not read back. */
export function driftCommand(context: Context, wrap: Wrap, look?: LookAtDocker): Command {
  return new Command("drift")
    .description("compare what runs with what was deployed, also in what Pulumi does not read back (environment, mounts, networks, labels, health checks); changes nothing")
    .addHelpText(
      "after",
      `\nA bot that you or a halt want stopped is no drift, nor is what a stack's file or an image's files differ in from what was deployed: npm run pulumi -- preview tells that.` +
        `\n\nExit codes of this command: 0 all is as it was deployed, 1 it cannot be told or the command line is wrong, ${DRIFTED} something differs.`,
    )
    .action(wrap((options) => drift(context, options, look)));
}

async function drift(context: Context, { stack }: GlobalOptions, look: LookAtDocker | undefined): Promise<Outcome> {
  try {
    const report = await checkDrift(context, declaredStack(context.root, stack), look);
    return { exitCode: report.differences.length === 0 ? EXIT.ok : DRIFTED, text: driftText(report), document: { drift: report.differences.length > 0, ...report } };
  } catch (error) {
    // 2 is an answer here.
    throw error instanceof CommandError ? new CommandError(error.message, EXIT.failed, error.details) : error;
  }
}
