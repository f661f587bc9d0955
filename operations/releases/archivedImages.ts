import { loadImage } from "../backup/images";
import { toolSite } from "../backup/site";
import { dockerTools } from "../backup/tools";
import type { Context } from "../context";
import type { DeclaredStack } from "../stack";
import { isOnEngine, type BringMeans } from "./pinnedImages";

/** From the first copy of a stack's backups, and from the second where the first does not have it. The tool is made ready only when it is needed. */
export function backupMeans(context: Context, declared: DeclaredStack): BringMeans {
  const tools = dockerTools();
  let site: ReturnType<typeof toolSite> | undefined;
  return {
    isThere: isOnEngine,
    load: async (id) => {
      const found = await (site ??= toolSite(context, declared));
      return (await loadImage(tools, found, id, "first")) || (found.secondCopy.kind !== "none" && (await loadImage(tools, found, id, "second")));
    },
  };
}
