import * as path from "node:path";
import { imageId } from "../images/build";
import { IMAGE_NAMES } from "../images/catalog";
import { ImageContexts } from "../images/context";

/** Prints the tag of every image that is not built yet, a line each; builds nothing. */
async function main(): Promise<void> {
  const contexts = new ImageContexts(path.resolve(__dirname, ".."));
  const tags = await Promise.all(IMAGE_NAMES.map(async (name) => (await contexts.get(name)).tag));
  const missing = await Promise.all(tags.map(async (tag) => ((await imageId(tag)) === undefined ? [tag] : [])));
  process.stdout.write(missing.flat().map((tag) => `${tag}\n`).join(""));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
