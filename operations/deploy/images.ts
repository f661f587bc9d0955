import type { Release } from "../../config/releases";
import type { Context } from "../context";
import { CommandError, failure } from "../errors";
import type { DeclaredStack } from "../stack";
import type { DeployMeans } from "./means";

/** Image -> what it is of, in words; every image that a release needs, each once. */
export function imagesOf({ images, imageNames }: Pick<Release, "images" | "imageNames">): Map<string, string> {
  const found = new Map<string, string[]>();
  for (const [name, id] of [...Object.entries(imageNames), ...Object.entries(images)]) found.set(id, [...new Set([...(found.get(id) ?? []), name])]);
  return new Map([...found].map(([id, names]) => [id, names.join(", ")]));
}

/**
 * Brings those images of a release out of the backups that Docker has thrown away.
 *
 * @param declared the stack as the release declares it
 * @returns what was brought back, in words
 * @throws {CommandError} naming those that are nowhere
 */
export async function bringImagesBack(context: Context, means: Pick<DeployMeans, "imageThere" | "loadImage">, declared: DeclaredStack, release: Release): Promise<string[]> {
  const brought: string[] = [];
  const nowhere: string[] = [];
  for (const [image, words] of imagesOf(release)) {
    if (await means.imageThere(image)) continue;
    context.writeError(`- the image of ${words} is gone from Docker: bringing it back from the backup\n`);
    const loaded = await means.loadImage(context, declared, image).catch((error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      context.writeError(`-   ${error.message}\n`);
      return false;
    });
    if (loaded) brought.push(words);
    else nowhere.push(`${words} (${image})`);
  }
  if (nowhere.length === 0) return brought;
  const source = release.commit === null ? "" : `; its sources are in commit ${release.commit.slice(0, 12)}, which would build others`;
  throw failure(`images of ${release.id} are neither on this Docker Engine nor in the backup: ${nowhere.join(", ")}${source}; name another release with --to; nothing was changed`, { stack: release.stack, missing: nowhere });
}
