/**
 * Runs one function of the backup's database part inside the backup image, for tests of what is no tool of its own:
 * `call NAME JSON`. Bundled and mounted over /app/main.js by backupRig.ts.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { recoveryPoint, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { standardPaths } from "../../services/backup/context";
import { adoptDatabase, ensureStanza } from "../../services/backup/database/stanza";
import { archiveState } from "../../services/backup/database/archive";
import { withClient } from "../../services/backup/database/connection";
import { contentOf } from "../../services/backup/database/content";
import { takeDump } from "../../services/backup/database/dump";
import { expire } from "../../services/backup/database/expire";
import { takePoint } from "../../services/backup/database/point";
import { repositoryInfo } from "../../services/backup/database/pgbackrest";
import { restorableLog } from "../../services/backup/database/repositoryHistory";
import { markMoment } from "../../services/backup/database/snapshot";
import type { SnapshotPart } from "../../services/backup/database/types";
import { verifyRepository } from "../../services/backup/database/verifyRepository";

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort(new Error("stopped")));

const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const context = {
  paths: standardPaths,
  signal: stop.signal,
  step: (text: string) => write({ kind: "progress", step: "job", text }),
};

/** A point with its manifest, of what the database alone says. */
async function point(id: string): Promise<RecoveryPoint> {
  const startedAt = new Date().toISOString();
  const { reason: _, physical, storedBytes, ...part } = await takePoint(context, id);
  return writeManifest({ id, kind: "point", startedAt, physical, storedBytes, dump: null, part });
}

async function writeManifest(given: Pick<RecoveryPoint, "id" | "kind" | "startedAt" | "physical" | "storedBytes" | "dump"> & { part: SnapshotPart }): Promise<RecoveryPoint> {
  const { part, ...rest } = given;
  const manifest = recoveryPoint.parse({
    ...{ format: 1, stack: "test", mode: "paper", finishedAt: new Date().toISOString(), images: {}, artifacts: null, clone: null },
    ...{ ...rest, ...part, versions: { ...part.versions, restic: "0.18.0" } },
  });
  await mkdir(standardPaths.points, { recursive: true });
  await writeFile(`${standardPaths.points}/${manifest.id}.json`, JSON.stringify(manifest));
  return manifest;
}

const functions: Record<string, (argument: never) => Promise<unknown>> = {
  takePoint: (id: string) => takePoint(context, id),
  point,
  restorableLog: (repository: string) => restorableLog(context, repository),
  takeDump: async (id: string) => {
    const folder = `${standardPaths.temporary}/dump-${id}`;
    await mkdir(folder, { recursive: true });
    return takeDump(context, id, folder);
  },
  content: (database: string) => withClient({ sockets: standardPaths.sockets, database }, (client) => contentOf(client)),
  markMoment: async ({ name, patience }: { name: string; patience: number }) => {
    const { snapshot, ...moment } = await markMoment(context, name, patience);
    await snapshot.close();
    return moment;
  },
  ensureStanza: () => ensureStanza(context),
  adoptDatabase: () => adoptDatabase(context),
  archiveState: () => archiveState(context),
  repositoryInfo: () => repositoryInfo(context),
  verifyRepository: () => verifyRepository(context),
  expire: (fulls: number) => expire(context, fulls),
};

async function main(): Promise<void> {
  const [, , , name, argument] = process.argv;
  const called = functions[name!];
  if (!called) throw new Error(`the driver knows no function ${name}`);
  const started = performance.now();
  const value = (await called(JSON.parse(argument ?? "null") as never)) ?? null;
  write({ kind: "result", value, seconds: (performance.now() - started) / 1000 });
}

main().catch((error: unknown) => {
  write({ kind: "error", message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
});
