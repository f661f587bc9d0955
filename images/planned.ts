import { imageId } from "./build";
import { IMAGE_NAMES, type ImageName } from "./catalog";
import type { ImageContexts } from "./context";

/**
 * Ids of the first-party images that an `up` would run: those that the stack's file pins, and of the others what their files
 * were built into. Builds nothing.
 *
 * @returns undefined for an image that would have to be built first
 */
export async function plannedImages(contexts: ImageContexts, pinned: Readonly<Partial<Record<ImageName, string | undefined>>>): Promise<Record<ImageName, string | undefined>> {
  const ids = await Promise.all(IMAGE_NAMES.map(async (name) => [name, pinned[name] ?? (await imageId((await contexts.get(name)).tag))] as const));
  return Object.fromEntries(ids) as Record<ImageName, string | undefined>;
}
