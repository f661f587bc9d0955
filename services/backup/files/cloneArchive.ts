import * as path from "node:path";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { extract, pack, type Header, type Pack } from "tar-stream";
import { z } from "zod";
import { pointId } from "../../../domain/backup/recoveryPoint";
import { standardPaths, type Paths } from "../context";
import type { ToolContext } from "../progress";
import { bundleFile } from "./clone";
import { openToRead } from "./repositories";
import { restic } from "./restic";
import { listSnapshots, type Snapshot } from "./snapshots";

export const cloneArchiveRequest = z.strictObject({ from: z.enum(["first", "second"]), point: pointId.nullable() });
export type CloneArchiveRequest = z.infer<typeof cloneArchiveRequest>;

export interface CloneArchive {
  /** Point it belongs to. */
  readonly point: string;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Tool `dump-clone`: writes a tar archive of the clone as it was stored, `.trading/...`, `repository.bundle`, and
 * `working-files/...` for the stacks' files and what was not committed. The archive is ended only where all of it is there.
 */
export async function cloneArchive(request: CloneArchiveRequest, tool: ToolContext, output: Writable, paths: Paths = standardPaths): Promise<CloneArchive> {
  const { progress, signal } = tool;
  progress({ step: "open", text: "the copy is opened" });
  const repository = await openToRead(paths, request.from, signal);
  const snapshot = newestClone(await listSnapshots(repository, { signal }), request.point, repository.name);
  progress({ step: "clone", text: "the clone is read", done: 0, total: snapshot.bytes });
  const renamed = pack();
  const entries = extract();
  const counted = { files: 0, bytes: 0 };
  const moved = (async () => {
    for await (const entry of entries) {
      const { header } = entry;
      const name = archiveName(header.name, paths);
      if (header.type !== "file" || name === null) {
        entry.resume();
        continue;
      }
      const target = renamed.entry(headerOf(header, name));
      await pipeline(entry as unknown as Readable, target as unknown as Writable);
      counted.files += 1;
      counted.bytes += header.size;
      progress({ step: "clone", text: "the clone is read", done: counted.bytes, total: snapshot.bytes });
    }
  })();
  moved.catch(() => undefined);
  const written = pipeline(renamed as unknown as Readable, output);
  written.catch(() => undefined);
  const source = new PassThrough();
  source.pipe(entries);
  // A broken end is passed on as one: what is written then is no complete archive.
  source.on("close", () => !source.readableEnded && entries.destroy(new Error("the clone could not be read to its end")));
  try {
    await restic(repository, ["dump", "--no-lock", "--archive", "tar", snapshot.id, "/"], { output: source, signal });
    await moved;
    if (counted.files !== snapshot.files || counted.bytes !== snapshot.bytes) {
      throw new Error(`${repository.name}: ${counted.files} files of ${counted.bytes} bytes of the clone came back instead of ${snapshot.files} of ${snapshot.bytes}`);
    }
    renamed.finalize();
    await written;
  } catch (error) {
    renamed.destroy();
    await finished(renamed as unknown as Readable).catch(() => undefined);
    throw error;
  }
  return { point: snapshot.point!, ...counted };
}

/** @throws when there is none */
export function newestClone(snapshots: readonly Snapshot[], point: string | null, where: string): Snapshot {
  const found = snapshots.filter((snapshot) => snapshot.kind === "clone" && snapshot.point !== undefined && (point === null || snapshot.point === point)).at(-1);
  if (!found) throw new Error(point === null ? `${where} holds no clone` : `${where} holds no clone of the recovery point ${point}`);
  return found;
}

/** @param stored path of a file in the snapshot, with or without its first slash @returns null for what is no part of the clone */
export function archiveName(stored: string, paths: Pick<Paths, "project" | "temporary">): string | null {
  const file = path.posix.join("/", stored);
  if (file === bundleFile(paths as Paths)) return "repository.bundle";
  const name = path.posix.relative(paths.project, file);
  if (name === "" || name.startsWith("..")) return null;
  return name.startsWith(".trading/") ? name : `working-files/${name}`;
}

/** The owner's rights alone: whoever unpacks it becomes the owner. */
function headerOf({ size, mode, mtime }: Header, name: string): Parameters<Pack["entry"]>[0] {
  return { name, size, mode: mode & 0o777, mtime, type: "file" };
}
