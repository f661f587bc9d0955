import { promotionStanding } from "../../config/promotionEvidence";
import { writeDriftCheck, type DriftCheck } from "../../control/driftRecord";
import type { Context } from "../context";
import { failure } from "../errors";
import { controlHere, haltsHere } from "../haltsHere";
import { owner, type DeclaredStack } from "../stack";
import { readWishes } from "../wishes";
import { driftOf } from "./compare";
import { deployedIn, readState } from "./deployed";
import type { DriftReport, RunningStack, Deployed } from "./facts";
import { lookAtDocker } from "./running";

/** What a check needs of Docker; tests put their own in its place. */
export type LookAtDocker = (stack: string, deployed: Deployed) => Promise<RunningStack>;

/**
 * Compares what runs with what was deployed, and notes what it found for the guard, which tells the owner. It changes
 * nothing of the stack.
 *
 * @throws {CommandError} where it cannot be told: no state, no Docker, or an `up` that changes both right now
 */
export async function checkDrift(context: Context, { stack, configuration }: DeclaredStack, look: LookAtDocker = lookAtDocker): Promise<DriftReport> {
  const { root } = context;
  const mine = owner(root);
  const state = readState(root, stack);
  const deployed = deployedIn(state);
  const running = await look(stack, deployed);
  if (readState(root, stack).text !== state.text) throw failure(`stack ${stack} was changed while it was looked at: ask again`);
  const report = driftOf({ stack, owner: mine, mode: configuration.mode, promotion: promotionStanding(root, stack, configuration), wishes: readWishes(root, stack), halts: haltsHere(root, stack), deployed, running, now: context.now() });
  writeDriftCheck(controlHere(root, stack), recordOf(report));
  return report;
}

/** The guard hands it to whoever is told of alerts: names, and no values. */
export function recordOf({ checkedAt, differences }: DriftReport): DriftCheck {
  return { format: 1, at: checkedAt, differences: differences.length, found: differences.slice(0, 20).map(({ kind, name, property }) => `${kind} ${name}: ${property}`.slice(0, 300)) };
}
