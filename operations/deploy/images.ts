import type { Release } from "../../config/releases";
import type { Context } from "../context";
import { CommandError, failure } from "../errors";
import { bringImages } from "../releases/pinnedImages";
import type { DeclaredStack } from "../stack";
import type { DeployMeans } from "./means";

/** What an image is of, in words -> the image; every image that a release needs, each once. */
export function imagesOf({ images, imageNames }: Pick<Release, "images" | "imageNames">): Record<string, string> {
  const found = new Map<string, string[]>();
  for (const [name, id] of [...Object.entries(imageNames), ...Object.entries(images)]) found.set(id, [...new Set([...(found.get(id) ?? []), name])]);
  return Object.fromEntries([...found].map(([id, names]) => [names.join(", "), id]));
}

/**
 * Brings those images of a release out of the backups that Docker has thrown away.
 *
 * @param declared the stack as the release declares it
 * @returns what was brought back, in words
 * @throws {CommandError} naming those that are nowhere
 */
export async function bringImagesBack(context: Context, means: Pick<DeployMeans, "images">, declared: DeclaredStack, release: Release): Promise<readonly string[]> {
  const wanted = imagesOf(release);
  const say = (text: string) => context.writeError(`- ${text}\n`);
  const { isThere, load } = means.images(context, declared);
  // A stack without a backup has none to load; what is wrong with the backup is no reason to say nothing of the others.
  const loadOrNot = (id: string) =>
    load(id).catch((error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      say(error.message);
      return false;
    });
  const { loaded, missing } = await bringImages(wanted, { isThere, load: loadOrNot }, say);
  if (missing.length === 0) return loaded;
  const source = release.commit === null ? "" : `; its sources are in commit ${release.commit.slice(0, 12)}, which would build others`;
  const nowhere = missing.map((words) => `${words} (${wanted[words]})`);
  throw failure(`images of ${release.id} are neither on this Docker Engine nor in the backup: ${nowhere.join(", ")}${source}; name another release with --to; nothing was changed`, { stack: release.stack, missing: nowhere });
}
