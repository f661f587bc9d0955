import { imageId } from "../../images/build";
import { failure } from "../errors";

/** What became of images that are to be on the Engine. */
export interface Brought {
  /** Names of those that were there. */
  readonly there: readonly string[];
  readonly loaded: readonly string[];
  /** Neither there nor in the backup. */
  readonly missing: readonly string[];
}

/** What is needed of the world; tests put their own in its place. */
export interface BringMeans {
  isThere(id: string): Promise<boolean>;
  /** Brings an image out of the backup's archive. @returns whether it is on the Engine now */
  load(id: string): Promise<boolean>;
}

/** Whether an image is on this Engine. */
export async function isOnEngine(id: string): Promise<boolean> {
  try {
    return (await imageId(id)) !== undefined;
  } catch (error) {
    throw failure((error as Error).message);
  }
}

/**
 * Sees to it that images are on the Engine, those that were thrown away out of the backup. Run again it goes on.
 *
 * @param images name -> id
 * @param say told of each that is loaded
 */
export async function bringImages(images: Readonly<Record<string, string>>, means: BringMeans, say: (text: string) => void): Promise<Brought> {
  const brought: Record<keyof Brought, string[]> = { there: [], loaded: [], missing: [] };
  const looked = await Promise.all(Object.entries(images).map(async ([name, id]) => ({ name, id, isThere: await means.isThere(id) })));
  // One after the other: an archive is read whole for each.
  for (const { name, id, isThere } of looked) {
    if (isThere) brought.there.push(name);
    else {
      say(`${name}: loading ${id} from the backup`);
      brought[(await means.load(id)) ? "loaded" : "missing"].push(name);
    }
  }
  return brought;
}
