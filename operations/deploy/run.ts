import type { Release } from "../../config/releases";
import { Services } from "../backup/services";
import type { Context } from "../context";
import type { ContainerFact } from "../engine";
import { CommandError } from "../errors";
import { rollbackRefusals } from "../rollback/plan";
import { carryOutRollback, prepareRollback, type RolledBack } from "../rollback/run";
import { chooseRelease } from "../rollback/target";
import type { DeclaredStack } from "../stack";
import type { DeployMeans } from "./means";
import { botLines, botsOf, bringUp } from "./up";

/** What a deploy came to. */
export type Deployed =
  | { readonly result: "good"; readonly upSeconds: number; readonly bots: readonly string[] }
  /** It failed before any container was touched. */
  | { readonly result: "untouched"; readonly why: readonly string[] }
  | { readonly result: "rolled back"; readonly why: readonly string[]; readonly target: Release; readonly rollback: RolledBack }
  /** Its bots are stopped. `instead`: why it was not rolled back, where it was to be. */
  | { readonly result: "stopped"; readonly why: readonly string[]; readonly bots: readonly string[]; readonly instead: string | null };

/**
 * Brings a stack up as its file says, and where it does not come up healthy, does about it what the stack's file wants.
 *
 * @param releases every release that is known, oldest first
 */
export async function deployStack(context: Context, means: DeployMeans, declared: DeclaredStack, releases: readonly Release[]): Promise<Deployed> {
  const { stack, configuration } = declared;
  const engine = context.engine();
  const before = marksOf(await engine.containers(stack));
  context.whenInterrupted(`the stack may be half deployed: npx trading deploy --stack ${stack} again, or npx trading rollback --stack ${stack}`);
  const { good, why, seconds } = await bringUp(context, means, stack);
  if (good) return { result: "good", upSeconds: seconds, bots: botLines(await botsOf(context, means, stack)) };
  if (marksOf(await engine.containers(stack)) === before) return { result: "untouched", why };
  context.writeError(`- it did not come up healthy\n`);
  if (configuration.deploy.onFailure === "stop") return { result: "stopped", why, bots: await stopBots(context, declared), instead: null };
  try {
    const target = chooseRelease({ stack, releases, running: undefined, to: undefined });
    context.writeError(`- going back to ${target.id}\n`);
    // Whatever is open stays open either way, and is better off with what was known to work.
    const prepared = await prepareRollback(context, means, { stack, target, running: undefined, keepPositions: true, anySchema: false }, releases);
    const refusals = rollbackRefusals(prepared.facts);
    if (refusals.length > 0) return { result: "stopped", why, bots: await stopBots(context, declared), instead: refusals.join("\n") };
    return { result: "rolled back", why, target, rollback: await carryOutRollback(context, means, prepared) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { result: "stopped", why, bots: await stopBots(context, declared), instead: error.message };
  }
}

/** Equal marks mean that no container was made or removed, and no bot stopped. */
function marksOf(containers: readonly ContainerFact[]): string {
  return JSON.stringify(containers.map(({ id, service, state }) => [id, service.startsWith("bot-") ? state : null]));
}

/** @returns the bots that ran */
async function stopBots(context: Context, declared: DeclaredStack): Promise<string[]> {
  const services = new Services(context, context.engine(), declared);
  const running = await services.runningBots();
  await services.stop(declared.services.filter((service) => service.startsWith("bot-")));
  return running;
}
