import { countFiles } from "./files/snapshots";
import type { BackupContext } from "./context";
import { archiveState } from "./database/archive";
import { restorableLog } from "./database/repositoryHistory";
import { imagesNotArchived } from "./files/images";
import { secondState } from "./files/secondCopy";
import { Holes } from "./holes";
import { deployedImages } from "./manifest";
import type { Outbox } from "./outbox";
import type { Probes } from "./watch";

/** What the watch asks of the database, the repositories and the disk. */
export function createProbes(context: BackupContext, outbox: Outbox): Probes {
  const { paths } = context;
  const holes = new Holes();
  return {
    archive: async () => {
      const state = await archiveState(context);
      const { lastArchivedAt, lastArchivedWal, failedCount, waiting, oldestWaitingSeconds } = state;
      return { lastArchivedAt, lastArchivedWal, failedCount, waiting, oldestWaitingSeconds, missing: holes.thatMatter(state, Date.now()) };
    },
    secondCopy: () => secondState(context),
    imagesNotArchived: async () => imagesNotArchived(context, await deployedImages(paths)),
    restorable: () => restorableLog(context, paths.pgbackrest),
    sizes: async () => ({ databaseBytes: (await countFiles(paths.pgbackrest)).bytes, filesBytes: (await countFiles(paths.files)).bytes }),
    outbox: async () => (await outbox.list()).length,
  };
}
