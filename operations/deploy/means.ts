import type { ProgramOptions, ProgramOutcome } from "../backup/program";
import { pulumi } from "../backup/restoreConfiguration";
import { revisionsOf, timescaleVersion } from "../backup/restoreHost";
import { serverQuery } from "../backup/serverContent";
import type { Context } from "../context";
import { failure } from "../errors";
import { backupMeans } from "../releases/archivedImages";
import type { BringMeans } from "../releases/pinnedImages";
import type { DeclaredStack } from "../stack";

/** What bringing a stack up needs of the world beyond the context of the commands. Tests put their own in its place. */
export interface DeployMeans {
  /** Runs the Pulumi CLI with this clone's settings. */
  pulumi(root: string, words: readonly string[], options?: Pick<ProgramOptions, "onText" | "signal">): Promise<ProgramOutcome>;
  /** Frees the stack of what an interrupted run left: its lock, unfinished operations, a lost salt. */
  freeStack(context: Context, stack: string): Promise<void>;
  /** Images on the Engine, and those in the stack's backups. */
  images(context: Context, declared: DeclaredStack): BringMeans;
  /** @throws {CommandError} where the database does not answer */
  query(stack: string, database: string, sql: string): Promise<string>;
  mlflowRevisions(image: string): Promise<readonly string[]>;
  timescaleVersion(image: string): Promise<string>;
}

export const productionMeans: DeployMeans = {
  pulumi,
  freeStack,
  images: backupMeans,
  query: serverQuery,
  mlflowRevisions: revisionsOf,
  timescaleVersion: (image) => timescaleVersion({ image }),
};

async function freeStack(context: Context, stack: string): Promise<void> {
  const { createContext } = await import("../../setup/context.mjs");
  const { freeStack: free } = await import("../../setup/steps/stack.mjs");
  const say = (text: string) => context.writeError(`- ${text}\n`);
  try {
    await free(createContext({ root: context.root, stack }), { say, at: () => undefined });
  } catch (error) {
    throw failure((error as Error).message, { stack });
  }
}
