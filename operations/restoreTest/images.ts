import type { IsolatedImage } from "../../components/IsolatedStack";
import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { ImageBuilder, imageId } from "../../images/build";
import { CommandError, failure } from "../errors";

const OWN: readonly IsolatedImage[] = ["base", "timescaledb", "migrate", "mlflow", "broker", "gui", "bot"];

/**
 * What the temporary stack is started from: the images of this checkout, which are what a restore would run, and MLflow's
 * as the recovery point names it: a newer one would change its database without asking.
 *
 * @param load brings an image back out of the backup's archive; false where the archive does not have it
 */
export async function imagesFor(root: string, point: RecoveryPoint, load: (id: string) => Promise<boolean>, say: (text: string) => void): Promise<{ readonly images: Record<IsolatedImage, string>; readonly note: string | null }> {
  const build = built(root, say);
  const ids = Object.fromEntries(await Promise.all(OWN.map(async (name) => [name, await build(name)] as const))) as Record<IsolatedImage, string>;
  const recorded = point.images["mlflow"];
  if (recorded === undefined || recorded === ids.mlflow) return { images: ids, note: null };
  if ((await imageId(recorded)) !== undefined || (await load(recorded))) return { images: { ...ids, mlflow: recorded }, note: null };
  return { images: ids, note: `MLflow's image of the recovery point is neither on this Engine nor in the backup: the one of this checkout was started` };
}

function built(root: string, say: (text: string) => void): (name: IsolatedImage) => Promise<string> {
  const builder = new ImageBuilder(root, say);
  return async (name) => {
    try {
      return await builder.ensure(name);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw failure(`the image ${name} cannot be made: ${(error as Error).message}`);
    }
  };
}
