import * as fs from "node:fs";
import { freezeLines, isFrozen, readFreezes, thawCommandOf, type Freezes } from "../control/freezes";
import { passesFreeze, type Deployment, type PassOrNot } from "./deployment";
import { readReleases, type Release } from "./releases";
import type { StackConfiguration } from "./schema";

/** What a freeze leaves to its owner. */
const ALLOWED = "halt, rearm, start and stop of bots, backup and restore, an up that changes nothing of what was deployed, and a stable release again";

export interface FreezeQuestion {
  readonly root: string;
  readonly stack: string;
  /** The stack's control folder. */
  readonly control: string;
  readonly configuration: StackConfiguration;
  /** A preview changes nothing: it says what an up would be told, and goes on. */
  readonly preview: boolean;
  /** Which first-party images would run, see {@link Deployment}; asked only where the stack is frozen. */
  readonly images: () => Promise<Deployment["images"]>;
  /** Wall clock, epoch milliseconds. */
  readonly now: number;
  /** Tells the owner something that keeps nothing from going on. */
  readonly say: (text: string) => void;
}

/**
 * Refuses to deploy what a frozen stack does not let through. Nothing has been touched then.
 *
 * @throws with who froze it, why, until when, what this `up` would change, how to go on, and what stays allowed
 */
export async function refuseWhileFrozen(question: FreezeQuestion): Promise<void> {
  const { root, stack, control, configuration, preview, now, say } = question;
  // A preview may be read where there is no such folder, for a review; an up has made it.
  if (!fs.existsSync(control)) return;
  const freezes = readFreezes(control, stack, now);
  if (!isFrozen(freezes)) return;
  const pass = await passOf(question, readReleases(root, stack), { stack, configuration });
  if (!pass.passes && !preview) throw new Error(`${frozenText(stack, freezes)}\nThis up is refused: ${pass.because}; nothing was touched.\n${wayOut(stack, freezes)}`);
  say(`${frozenText(stack, freezes)}\n${preview ? "An" : "This"} up ${pass.passes ? "is let through" : "would be refused"}: ${pass.because}.\n${wayOut(stack, freezes)}`);
}

async function passOf({ images }: FreezeQuestion, releases: readonly Release[], planned: Pick<Deployment, "stack" | "configuration">): Promise<PassOrNot> {
  try {
    return passesFreeze({ ...planned, images: releases.length === 0 ? {} : await images() }, releases);
  } catch (error) {
    return { passes: false, because: `which images it would run cannot be told (${(error as Error).message})` };
  }
}

/** Who froze a stack, since and until when, and why. */
export function frozenText(stack: string, freezes: Freezes): string {
  return [`Stack ${stack} is frozen: no change of it is deployed, and nothing is promoted.`, ...freezeLines(freezes).map((line) => `  ${line}`)].join("\n");
}

/** How a freeze is lifted, and what needs no lifting. */
export function wayOut(stack: string, { entries, unreadable }: Freezes): string {
  const ids = [...entries.map(({ id }) => id), ...unreadable.map((name) => name.replace(/\.json$/, ""))];
  const command = ids.length === 1 ? thawCommandOf(stack, ids[0]!) : `npx trading thaw --reason "..." --stack ${stack}`;
  return `To lift it: ${command}\nAllowed meanwhile: ${ALLOWED} (npx trading rollback --stack ${stack}).`;
}
