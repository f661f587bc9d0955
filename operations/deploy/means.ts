import { imageId } from "../../images/build";
import { loadImage } from "../backup/images";
import type { ProgramOptions, ProgramOutcome } from "../backup/program";
import { pulumi } from "../backup/restoreConfiguration";
import { revisionsOf, timescaleVersion } from "../backup/restoreHost";
import { serverQuery } from "../backup/serverContent";
import { toolSite } from "../backup/site";
import { dockerTools } from "../backup/tools";
import type { Context } from "../context";
import { failure } from "../errors";
import type { DeclaredStack } from "../stack";

/** What bringing a stack up needs of the world beyond the context of the commands. Tests put their own in its place. */
export interface DeployMeans {
  /** Runs the Pulumi CLI with this clone's settings. */
  pulumi(root: string, words: readonly string[], options?: Pick<ProgramOptions, "onText" | "signal">): Promise<ProgramOutcome>;
  /** Frees the stack of what an interrupted run left: its lock, unfinished operations, a lost salt. */
  freeStack(context: Context, stack: string): Promise<void>;
  imageThere(image: string): Promise<boolean>;
  /** Brings an image out of the backups, of either copy. @returns whether it is there now */
  loadImage(context: Context, declared: DeclaredStack, image: string): Promise<boolean>;
  /** @throws {CommandError} where the database does not answer */
  query(stack: string, database: string, sql: string): Promise<string>;
  mlflowRevisions(image: string): Promise<readonly string[]>;
  timescaleVersion(image: string): Promise<string>;
}

export const productionMeans: DeployMeans = {
  pulumi,
  freeStack,
  imageThere: async (image) => (await imageId(image)) !== undefined,
  loadImage: async (context, declared, image) => {
    if (!declared.configuration.backup.enabled) return false;
    const site = await toolSite(context, declared);
    const tools = dockerTools();
    if (await loadImage(tools, site, image, "first")) return true;
    return site.secondCopy.kind !== "none" && (await loadImage(tools, site, image, "second"));
  },
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
