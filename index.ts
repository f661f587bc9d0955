import * as fs from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { prepareErrorOutput } from "./components/errorOutput";
import { refuseForeignObjects } from "./components/ownership";
import { recordedHealth } from "./components/recordedHealth";
import { stackContext } from "./components/StackContext";
import { TradingStack, type TradingStackArgs } from "./components/TradingStack";
import { backupSecrets, demandSecondCopyFolder } from "./config/backupSecrets";
import { changelogWarning } from "./config/changelog/check";
import { readOwner, readStackKey } from "./config/clone";
import { readDesiredState } from "./config/desiredState";
import { Fillings } from "./config/fillings";
import { refuseWhileFrozen } from "./config/freezeGate";
import { stackPorts } from "./config/names";
import { refuseDuringRestore } from "./config/restoreInProgress";
import { readPulumiConfiguration } from "./config/pulumiConfiguration";
import { controlFolder, ensureControlFolder } from "./control/folder";
import { HaltReader } from "./control/standing";
import { simulatedFills } from "./domain/simulatedFills";
import { IMAGE_NAMES, type ImageName } from "./images/catalog";
import { ImageContexts } from "./images/context";
import { verifyImages } from "./images/verify";

prepareErrorOutput();

/** Reads and checks everything that can be wrong before any resource is declared. */
async function prepare(root: string, stack: string): Promise<TradingStackArgs> {
  const configuration = readPulumiConfiguration();
  const { backup } = configuration;
  if (!pulumi.runtime.isDryRun()) refuseDuringRestore(root, stack);
  const context = stackContext(stack, configuration.mode, readOwner(root), readStackKey(root, stack), configuration.logLevel);
  const secrets = backup.enabled ? backupSecrets(root, stack, backup, context.key) : undefined;
  // A preview may be read where the disk of the second copy is not.
  if (backup.enabled && !pulumi.runtime.isDryRun()) demandSecondCopyFolder(backup);
  const control = controlFolder(root, stack);
  if (!pulumi.runtime.isDryRun()) ensureControlFolder(control, stack, context.owner);
  // A preview may be read where there is no such folder, for a review.
  const halts = fs.existsSync(control) ? new HaltReader(control, stack).read() : { halts: [], unreadable: [], problem: null };
  const contexts = new ImageContexts(root);
  const say = (text: string) => void pulumi.log.warn(text);
  // Loaded only where it is asked for: few stacks are frozen.
  const images = () => (require("./images/planned") as typeof import("./images/planned")).plannedImages(contexts, configuration.release.images);
  await refuseWhileFrozen({ root, stack, control, configuration, preview: pulumi.runtime.isDryRun(), images, now: Date.now(), say });
  const [hashes, volumes] = await Promise.all([
    // What is pinned is deployed as it is, whatever this checkout would make of it.
    Promise.all(IMAGE_NAMES.filter((name) => configuration.release.images[name] === undefined).map(async (name) => [name, (await contexts.get(name)).hash] as const)),
    refuseForeignObjects(stack, configuration.bots.map((bot) => bot.name), context.owner, !pulumi.runtime.isDryRun()),
    changelogWarning(root, stack, configuration).then((text) => (text === null ? undefined : say(text))),
  ]);
  const fillings = new Fillings(root, stack, pulumi.runtime.isDryRun() ? undefined : volumes);
  return { context: { ...context, fillings }, configuration, desiredState: readDesiredState(root, stack), halts, imageHashes: Object.fromEntries(hashes) as Partial<Record<ImageName, string>>, verifyImages, root, backupSecrets: secrets };
}

/** What of promotions the owner has to know at every `up`. */
function sayPromotion({ promotion: { mayRun, reason, warnings } }: TradingStack): void {
  if (!mayRun) void pulumi.log.warn(`${reason}: the bots are made and not started`);
  for (const warning of warnings) void pulumi.log.warn(warning);
}

export = async () => {
  const args = await prepare(__dirname, pulumi.getStack()).catch((error: Error) => {
    // Shown as it is, without a stack trace: it says what the owner has to change.
    throw new pulumi.RunError(error.message);
  });
  const trading = new TradingStack("trading", args);
  sayPromotion(trading);
  const ports = stackPorts(args.configuration.portBase);
  return {
    page: `http://127.0.0.1:${ports.gui}`,
    fills: simulatedFills,
    mlflow: `http://127.0.0.1:${ports.mlflow}`,
    bots: trading.bots,
    health: recordedHealth(trading, args),
  };
};
