import { failure } from "../errors";
import { loadImage } from "./images";
import { knownSchemas } from "./restoreHost";
import type { RestoreJournal } from "./restoreJournal";
import type { Part, ToolCall } from "./restoreParts";
import { schemaProblems } from "./restorePlan";
import type { RestoreWorld } from "./restoreRun";
import type { ToolResult } from "./toolMessages";
import { demandVerified, lostArtifacts, restoredRows, restoredSchemas } from "./verified";

/** What was brought back beside the running stack. */
export type Brought = Pick<RestoreJournal, "expected" | "lost">;

/** How parts are brought. */
export interface Means {
  /** Throws when the right to do it was lost. */
  readonly check: () => void;
  readonly say: (text: string) => void;
  readonly call: (call: ToolCall) => Promise<ToolResult>;
}

/**
 * Everything of a restore that takes long, beside what runs: nothing of the stack is touched.
 *
 * @throws {CommandError} when it cannot be done, or what was brought back is not right for this stack
 */
export async function bringParts(world: RestoreWorld, state: RestoreJournal, parts: readonly Part[], { check, say, call }: Means): Promise<Brought> {
  // What an interrupted run left in it is not taken for anything.
  await world.workspace.remove();
  await world.workspace.make();
  await world.host.bringImages({ ...world.site, backupsOf: state.stack }, (image) => load(world, image, say));
  if (state.from === "second") {
    say("fetching the backup from the second copy");
    await call({ tool: "fetch", request: { point: state.to.kind === "point" ? state.to.id : null, besideBytes: state.neededBytes }, second: true });
  }
  const expected: Record<string, Record<string, number>> = {};
  const lost: string[] = [];
  for (const part of parts) {
    check();
    say(`restoring ${part.name} beside the old`);
    const result = await call(part.bring);
    const checks = demandVerified(part, result);
    if (checks.length > 0) say(`${part.name}: verified (${checks.join(", ")})`);
    await demandKnownSchemas(world, part, result);
    Object.assign(expected, restoredRows(part, result));
    lost.push(...lostArtifacts(result));
  }
  return { expected, lost };
}

/** The log may lead beyond a change of the schema that the recovery point does not know of yet. */
async function demandKnownSchemas({ context, host, declared: { stack } }: RestoreWorld, part: Part, result: ToolResult): Promise<void> {
  const schemas = restoredSchemas(part, result);
  if (schemas === null) return;
  const problems = schemaProblems(schemas, { trading: knownSchemas(context.root), mlflow: await host.mlflowRevisions(stack) }, stack);
  if (problems.length > 0) throw failure(problems.join("; "));
}

/** @returns whether Docker has the image now, from whichever copy of the stack's own backups */
async function load({ tools, site, declared: { stack } }: RestoreWorld, image: string, say: (text: string) => void): Promise<boolean> {
  say(`bringing image ${image} back out of the backup`);
  const own = { ...site, backupsOf: stack };
  if (await loadImage(tools, own, image, "first")) return true;
  // Of another stack's backups the second copy is another stack's as well.
  return site.backupsOf === stack && site.secondCopy.kind !== "none" && (await loadImage(tools, own, image, "second"));
}
