import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import pg from "pg";
import { standardPaths, type BackupContext } from "../../services/backup/context";
import { storeArtifacts, takeArtifacts } from "../../services/backup/files/artifacts";
import { checkFiles } from "../../services/backup/files/check";
import { takeClone } from "../../services/backup/files/clone";
import { cloneArchive, cloneArchiveRequest } from "../../services/backup/files/cloneArchive";
import { keepDump } from "../../services/backup/files/dump";
import { fetchRequest, fetchSecond, secondCatalog } from "../../services/backup/files/fetch";
import { imagesNotArchived, loadImage, loadImageRequest, storeImages, storeImagesRequest } from "../../services/backup/files/images";
import type { ArtifactReferences } from "../../services/backup/files/references";
import { firstRepository, identity, letSecondBegin, openToRead, workOnFirst } from "../../services/backup/files/repositories";
import { restoreArtifacts, restoreArtifactsRequest } from "../../services/backup/files/restoreArtifacts";
import { checkSecond, copyToSecond, secondState } from "../../services/backup/files/secondCopy";
import { forgetSnapshots, listSnapshots, pruneRepository } from "../../services/backup/files/snapshots";
import { discardArtifacts, swapArtifacts, swapRequest, unswapArtifacts } from "../../services/backup/files/swapArtifacts";
import { createLogger } from "../../services/shared/log";

/**
 * In place of the backup image's program: calls one of its functions with a JSON argument, and prints its result as the
 * last line. What streams has standard output for itself and prints its result on the error output.
 */
type Call = (argument: any) => Promise<unknown>;

const tool = { progress: () => undefined, signal: new AbortController().signal };
const context: BackupContext = {
  ...{ stack: "test", mode: "paper", secondCopy: "path", paths: standardPaths, signal: tool.signal },
  log: createLogger("backup", process.env["LOG_LEVEL"] ?? "silent"),
  step: () => undefined,
};

/** Opens the first copy, again, with another password, and where it is not; beside what it says, how often restic was started until then. */
async function openings() {
  const folder = `${standardPaths.temporary}/openings`;
  const runs = `${folder}/runs`;
  await mkdir(folder, { recursive: true });
  await writeFile(runs, "");
  await writeFile(`${folder}/restic`, `#!/bin/sh\necho run >> ${runs}\nexec /usr/bin/restic "$@"\n`);
  await chmod(`${folder}/restic`, 0o700);
  await writeFile(`${folder}/another`, "another");
  process.env["PATH"] = `${folder}:${process.env["PATH"]}`;
  const first = firstRepository(standardPaths);
  const told = [];
  for (const repository of [first, first, { ...first, passwordFile: `${folder}/another` }, { ...first, place: { kind: "folder", path: folder } as const }, first]) {
    const answer = await identity(repository).catch((error: Error) => error.message);
    told.push({ answer, runs: (await readFile(runs, "utf8")).split("\n").length - 1 });
  }
  await rm(folder, { recursive: true });
  return told;
}

const calls: Record<string, Call> = {
  storeArtifacts: ({ id, references }: { id: string; references: ArtifactReferences["references"] }) => storeArtifacts(context, id, () => Promise.resolve({ references, elsewhere: [] })),
  takeArtifacts: async ({ id, database }: { id: string; database: pg.ClientConfig }) => {
    const client = new pg.Client(database);
    await client.connect();
    return takeArtifacts(context, id, client).finally(() => client.end());
  },
  takeClone: (id: string) => takeClone(context, id),
  keepDump: ({ id, folder }: { id: string; folder: string }) => keepDump(context, id, folder),
  copyToSecond: () => copyToSecond(context),
  secondState: () => secondState(context),
  checkSecond: (part: { number: number; of: number }) => checkSecond(context, part),
  letSecondBegin: () => letSecondBegin(standardPaths),
  checkFiles: () => checkFiles(context),
  fetch: (request: unknown) => fetchSecond(fetchRequest.parse(request), tool),
  secondCatalog: () => secondCatalog(tool),
  snapshots: async (from: "first" | "second") => listSnapshots(await openToRead(standardPaths, from)),
  openings,
  forget: async (ids: string[]) => {
    const first = await workOnFirst(context);
    const left = await forgetSnapshots(first, ids);
    await pruneRepository(first);
    return left;
  },
  restoreArtifacts: (request: unknown) => restoreArtifacts(restoreArtifactsRequest.parse(request), tool),
  swapArtifacts: (request: unknown) => swapArtifacts(swapRequest.parse(request), tool),
  unswapArtifacts: (request: unknown) => unswapArtifacts(swapRequest.parse(request), tool),
  discardArtifacts: (request: unknown) => discardArtifacts(swapRequest.parse(request), tool),
  storeImages: (request: unknown) => storeImages(context, storeImagesRequest.parse(request), tool, process.stdin),
  imagesNotArchived: (deployed: Record<string, string>) => imagesNotArchived(context, deployed),
};
const streams: Record<string, Call> = {
  cloneArchive: (request: unknown) => cloneArchive(cloneArchiveRequest.parse(request), tool, process.stdout),
  loadImage: (request: unknown) => loadImage(loadImageRequest.parse(request), tool, process.stdout),
};

async function main(): Promise<void> {
  const [, , name = "", argument = "null"] = process.argv;
  const call = calls[name] ?? streams[name];
  if (!call) throw new Error(`no call ${name}`);
  const value = (await call(JSON.parse(argument))) ?? null;
  (name in streams ? process.stderr : process.stdout).write(`${JSON.stringify({ value })}\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`${JSON.stringify({ error: error.message })}\n`);
  process.exitCode = 1;
});
