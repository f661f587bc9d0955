import * as path from "node:path";
import { z } from "zod";

/** What a tree's own code makes of its files. */
const factsSchema = z.object({
  stacks: z.record(z.string(), z.union([z.object({ configuration: z.record(z.string(), z.unknown()) }), z.object({ problem: z.string() })])),
});
export type TreeFacts = z.infer<typeof factsSchema>;

export function parseTreeFacts(text: string): TreeFacts {
  return factsSchema.parse(JSON.parse(text));
}

/**
 * Run as a program, with a tree and its stacks: prints their configurations as the tree's own schema completes them, so that
 * a default which another commit changes counts like a key; and bundles the services, which previews of several stacks share.
 */
async function main([tree = "", ...stacks]: readonly string[]): Promise<void> {
  const { readStackFile } = require(path.join(tree, "config", "stackFile")) as typeof import("../../config/stackFile");
  const facts: TreeFacts = { stacks: {} };
  for (const stack of stacks) {
    try {
      facts.stacks[stack] = { configuration: readStackFile(tree, stack) as unknown as Record<string, unknown> };
    } catch (error) {
      facts.stacks[stack] = { problem: (error as Error).message };
    }
  }
  const { ImageContexts } = require(path.join(tree, "images", "context")) as typeof import("../../images/context");
  const { IMAGE_NAMES } = require(path.join(tree, "images", "catalog")) as typeof import("../../images/catalog");
  const contexts = new ImageContexts(tree);
  // A service that cannot be bundled is for the preview to tell.
  await Promise.all(IMAGE_NAMES.map((name) => contexts.get(name))).catch(() => undefined);
  process.stdout.write(JSON.stringify(facts));
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
