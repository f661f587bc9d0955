import pino from "pino";
import { z } from "zod";
import { proof } from "../../domain/backup/recoveryPoint";
import type { Logger } from "../shared/log";
import { Catalog } from "./catalog";
import { standardPaths as paths, type BackupContext } from "./context";
import { restoreCluster, restoreClusterRequest } from "./database/restoreCluster";
import { restoreDatabase, restoreDatabaseRequest } from "./database/restoreDatabase";
import { adoptDatabase } from "./database/stanza";
import { clusterRequest, discardCluster, swapCluster, swapClusterRequest, unswapCluster } from "./database/swapCluster";
import { discardDatabase, swapDatabase, swapDatabaseRequest, unswapDatabase } from "./database/swapDatabase";
import { cloneArchive, cloneArchiveRequest } from "./files/cloneArchive";
import { fetchRequest, fetchSecond } from "./files/fetch";
import { loadImage, loadImageRequest, storeImages, storeImagesRequest } from "./files/images";
import { letSecondBegin } from "./files/repositories";
import { restoreArtifacts, restoreArtifactsRequest } from "./files/restoreArtifacts";
import { discardArtifacts, swapArtifacts, swapRequest, unswapArtifacts } from "./files/swapArtifacts";
import { hold, holdRequest, withMutex } from "./holdTool";
import { Outbox } from "./outbox";
import { points, pointsRequest } from "./pointsTool";
import { loadToolEnvironment } from "./settings";
import { tool, type Tool, type ToolRun } from "./toolRunner";

const nothing = z.strictObject({});
const outboxRequest = z.discriminatedUnion("action", [
  z.strictObject({ action: z.literal("list") }),
  z.strictObject({ action: z.literal("read"), path: z.string().min(1) }),
  z.strictObject({ action: z.literal("done"), path: z.string().min(1) }),
]);

/** A tool that changes the backups waits so long for a job that runs. */
const waitSeconds = 1800;

/** The log goes to the error output: standard output is for progress and outcome. */
function toolLogger(level: string, stack: string): Logger {
  return pino({ level, base: { service: "backup-tool", stack }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } }, pino.destination({ fd: 2, sync: true }));
}

/** The context of a tool that does what jobs do. @throws SettingsError when the environment does not name the stack */
function contextOf({ progress, signal }: ToolRun, step: string): BackupContext {
  const { stack, mode, logLevel } = loadToolEnvironment();
  return { stack, mode, secondCopy: "none", paths, signal, log: toolLogger(logLevel, stack), step: (text) => progress({ step, text }) };
}

/** What the owner's commands have done in containers of this image, by name. */
export const tools: Readonly<Record<string, Tool>> = {
  points: tool({ request: pointsRequest, run: (request, run) => points(request, run) }),
  hold: tool({ request: holdRequest, run: (request, run) => hold(request, run) }),
  prove: tool({
    request: z.strictObject({ proof }),
    run: async (request) => {
      await new Catalog(paths).addProof(request.proof);
      return { proved: request.proof.point };
    },
  }),
  /** Files as base64: they may be of any kind. */
  outbox: tool({
    request: outboxRequest,
    run: async (request) => {
      const outbox = new Outbox(paths.outbox);
      if (request.action === "list") return { paths: await outbox.list() };
      if (request.action === "read") return { path: request.path, base64: (await outbox.read(request.path)).toString("base64") };
      await outbox.done(request.path);
      return { path: request.path };
    },
  }),

  fetch: tool({ request: fetchRequest, run: (request, run) => fetchSecond(request, run) }),
  "restore-cluster": tool({ request: restoreClusterRequest, run: (request, run) => restoreCluster(request, run) }),
  "swap-cluster": tool({ request: swapClusterRequest, run: (request, run) => swapCluster(request, run) }),
  "unswap-cluster": tool({ request: clusterRequest, run: (request, run) => unswapCluster(request, run) }),
  "discard-cluster": tool({ request: clusterRequest, run: (request, run) => discardCluster(request, run) }),
  "restore-database": tool({ request: restoreDatabaseRequest, run: (request, run) => restoreDatabase(request, run) }),
  "swap-database": tool({ request: swapDatabaseRequest, run: (request, run) => swapDatabase(request, run) }),
  "unswap-database": tool({ request: swapDatabaseRequest, run: (request, run) => unswapDatabase(request, run) }),
  "discard-database": tool({ request: swapDatabaseRequest, run: (request, run) => discardDatabase(request, run) }),
  "restore-artifacts": tool({ request: restoreArtifactsRequest, run: (request, run) => restoreArtifacts(request, run) }),
  "swap-artifacts": tool({ request: swapRequest, run: (request, run) => swapArtifacts(request, run) }),
  "unswap-artifacts": tool({ request: swapRequest, run: (request, run) => unswapArtifacts(request, run) }),
  "discard-artifacts": tool({ request: swapRequest, run: (request, run) => discardArtifacts(request, run) }),
  "dump-clone": tool({ request: cloneArchiveRequest, streams: true, run: (request, run) => cloneArchive(request, run, process.stdout) }),

  "store-images": tool({
    request: storeImagesRequest,
    run: (request, run) => withMutex({ holder: "store-images", waitSeconds }, run, (signal) => storeImages(contextOf({ ...run, signal }, "store"), request, { ...run, signal }, process.stdin)),
  }),
  "load-image": tool({ request: loadImageRequest, streams: true, run: (request, run) => loadImage(request, run, process.stdout) }),
  /** Lets the repository take the log of the database that runs, which is another one than before. */
  "adopt-database": tool({
    request: nothing,
    run: (_request, run) =>
      withMutex({ holder: "adopt-database", waitSeconds }, run, async (signal) => {
        await adoptDatabase(contextOf({ ...run, signal }, "adopt"));
        return { adopted: true };
      }),
  }),
  /** Lets the next copy begin a new second copy, in place of one that was lost. */
  "begin-second": tool({
    request: nothing,
    run: (_request, run) =>
      withMutex({ holder: "begin-second", waitSeconds }, run, async () => {
        await letSecondBegin(paths);
        return { begins: true };
      }),
  }),
};
