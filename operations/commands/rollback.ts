import { Command } from "commander";
import type { Release } from "../../config/releases";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { productionMeans, type DeployMeans } from "../deploy/means";
import { demandName, oneDeployAtATime } from "../deploy/owner";
import { previewUp } from "../deploy/up";
import { EXIT, failure } from "../errors";
import { duration } from "../format";
import { readJournal, standOf, type RollbackJournal } from "../rollback/journal";
import { planText, rollbackRefusals, wayForward } from "../rollback/plan";
import { carryOutRollback, doneLines, prepareRollback, withReleaseFile, type RolledBack } from "../rollback/run";
import { knownReleases } from "../rollback/stored";
import { chooseRelease, runningRelease } from "../rollback/target";
import { checkStackName } from "../stack";

interface Options extends GlobalOptions {
  readonly to?: string;
  readonly yes?: boolean;
  readonly keepPositions?: boolean;
  readonly anySchema?: boolean;
}

/** `rollback`: a stack as a release left it, images, configuration and strategy together. */
export function rollbackCommand(context: Context, wrap: Wrap, means: DeployMeans = productionMeans): Command {
  return new Command("rollback")
    .description("go back to a stable release: its stack file from Git with its images pinned, one commit, an up, every container healthy; run it again after an interruption and it goes on; data stays as it is")
    .option("--to <release>", "release to go back, or forward, to (npx trading releases); the newest stable one before what runs when left out")
    .option("--yes", "do not ask, and do not preview what Pulumi would do")
    .option("--keep-positions", "go on although positions are open; their protective stops stay with the broker")
    .option("--any-schema", "go on although the database's schema is newer than the release's services can follow, or not known: a restore has to come next")
    .action(wrap<Options>((options) => oneDeployAtATime(context.root, checkStackName(options.stack), () => rollback(context, means, options))));
}

async function rollback(context: Context, means: DeployMeans, { stack, to, yes = false, keepPositions = false, anySchema = false }: Options): Promise<Outcome> {
  const { root } = context;
  const releases = await knownReleases(root, stack);
  const running = runningRelease(releases, await context.engine().containers(stack));
  const earlier = readJournal(root, stack);
  const stand = standOf(earlier, releases, running, to);
  if (stand === "done") return already(stack, earlier!, releases, running!);
  const goOn = stand === "resume" ? earlier! : undefined;
  if (goOn !== undefined) context.writeError(`- the rollback to ${goOn.to}, begun ${goOn.startedAt}, was interrupted: going on\n`);
  const target = chooseRelease({ stack, releases, running, to: to ?? goOn?.to });
  const request = { stack, target, running, keepPositions: keepPositions || goOn?.keepPositions === true, anySchema: anySchema || goOn?.anySchema === true };
  const prepared = await prepareRollback(context, means, request, releases);
  const refusals = rollbackRefusals(prepared.facts);
  if (refusals.length > 0) throw failure(`${refusals.join("\n")}\nnothing was changed`, { stack, target: target.id, problems: refusals });

  context.writeError(`\n${planText(prepared.facts)}\n`);
  if (!yes) {
    context.writeError("- asking Pulumi what the stack would do\n");
    context.writeError(`${await withReleaseFile(stack, prepared.stored, (file) => previewUp(context, means, stack, { file }))}\n\n`);
    await demandName(context, stack, "roll it back");
  }
  const left = releases.find(({ id }) => id === (goOn === undefined ? running?.id : goOn.left));
  return outcomeOf(stack, target, left, await carryOutRollback(context, means, prepared));
}

function outcomeOf(stack: string, target: Release, left: Release | undefined, done: RolledBack): Outcome {
  const forward = wayForward(stack, left, done.commit);
  const lines = [
    `Stack ${stack} is back at ${target.id}, up and healthy (${duration(done.upSeconds)}).`,
    ...doneLines(stack, done),
    ...(forward.length === 0 ? [] : ["Forward again:", ...forward.map((command) => `  ${command}`)]),
    "Its images stay pinned (trading:release.images): what changes in this folder is built only where the pins are taken out.",
  ];
  return { exitCode: EXIT.ok, text: `${lines.join("\n")}\n`, document: { stack, to: target.id, left: left?.id ?? null, changed: true, ...done, forward } };
}

/** Going back once more by mistake would be going back twice. */
function already(stack: string, { to, left }: RollbackJournal, releases: readonly Release[], running: Release): Outcome {
  let further: string | null = null;
  try {
    further = `npx trading rollback --stack ${stack} --to ${chooseRelease({ stack, releases, running, to: undefined }).id}`;
  } catch {
    // There is nothing further back.
  }
  const forward = left === null ? [] : wayForward(stack, releases.find(({ id }) => id === left), null);
  const lines = [
    `Stack ${stack} is rolled back to ${to} already: nothing was changed.`,
    ...(further === null ? [] : ["Further back:", `  ${further}`]),
    ...(forward.length === 0 ? [] : ["Forward again:", ...forward.map((command) => `  ${command}`)]),
  ];
  return { exitCode: EXIT.ok, text: `${lines.join("\n")}\n`, document: { stack, to, left, changed: false, further, forward } };
}
