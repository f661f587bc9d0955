import * as path from "node:path";
import { Writable } from "node:stream";
import { z } from "zod";
import { standardPaths, type Paths } from "../context";
import type { ToolContext } from "../progress";
import { referencesFile } from "./artifacts";
import { hashFile } from "./dump";
import { ReferenceCheck, type ArtifactReference } from "./references";
import { openToRead } from "./repositories";
import { restic, type Repository } from "./restic";
import { restoreFolder } from "./restore";
import { findSnapshot, listSnapshots, walk } from "./snapshots";
import { demandNoSwap, restoreId } from "./swapArtifacts";

export const restoreArtifactsRequest = z.strictObject({
  repository: z.enum(["first", "second"]),
  /** As the manifest of the point names it; the second copy knows it by the same name. */
  snapshot: z.string().regex(/^[0-9a-f]{64}$/),
  id: restoreId,
});
export type RestoreArtifactsRequest = z.infer<typeof restoreArtifactsRequest>;

export interface RestoredArtifacts {
  readonly files: number;
  readonly bytes: number;
  /** References of the point that were held against what came back, and those with a hash among them. */
  readonly references: number;
  readonly hashes: number;
  readonly seconds: number;
}

const storedReferences = z.array(
  z.object({ path: z.string(), kind: z.enum(["file", "folder"]), of: z.string(), bytes: z.int().nullable(), sha256: z.string().nullable() }),
);

/**
 * Tool `restore-artifacts`: brings MLflow's artifacts of a point back beside the present ones and verifies them: count and
 * bytes, every file against its content in the backup, and what the database refers to by size and hash. Can be repeated.
 */
export async function restoreArtifacts(request: RestoreArtifactsRequest, tool: ToolContext, paths: Paths = standardPaths): Promise<RestoredArtifacts> {
  const started = performance.now();
  const { progress, signal } = tool;
  const target = await demandNoSwap(paths, request.id);
  progress({ step: "open", text: "the copy is opened" });
  const repository = await openToRead(paths, request.repository, signal);
  const snapshot = findSnapshot(await listSnapshots(repository, { signal }), request.snapshot, repository.name);
  if (snapshot.kind !== "artifacts") throw new Error(`${repository.name}: snapshot ${snapshot.id} holds no artifacts`);
  const { references, bytes: listBytes } = await readReferences(repository, snapshot.id, paths, signal);
  await restoreFolder(repository, snapshot.id, { folder: paths.artifacts, target, step: "artifacts", text: "MLflow's artifacts are restored" }, tool);

  progress({ step: "verify", text: "the restored artifacts are verified" });
  const check = new ReferenceCheck(references);
  const hashes = new Map(references.flatMap(({ path: name, sha256 }) => (sha256 === null ? [] : [[name, sha256] as const])));
  const found = { files: 0, bytes: 0 };
  const wrong: string[] = [];
  for await (const file of walk(target)) {
    found.files += 1;
    found.bytes += file.bytes;
    const name = path.relative(target, file.path);
    check.see(name, file.bytes);
    const hash = hashes.get(name);
    if (hash !== undefined && (await hashFile(file.path, signal)) !== hash) wrong.push(`${name} has another content than MLflow was given`);
  }
  wrong.push(...check.missing().map((text) => `${text} is not as MLflow's database says`));
  const expected = { files: snapshot.files - 1, bytes: snapshot.bytes - listBytes };
  if (found.files !== expected.files || found.bytes !== expected.bytes) wrong.unshift(`${found.files} files of ${found.bytes} bytes came back instead of ${expected.files} of ${expected.bytes}`);
  if (wrong.length > 0) throw new Error(`the restored artifacts are not right: ${wrong.slice(0, 5).join("; ")}${wrong.length > 5 ? `; and ${wrong.length - 5} more` : ""}`);
  return { ...found, references: references.length, hashes: hashes.size, seconds: (performance.now() - started) / 1000 };
}

/** What the snapshot says that has to be in it. */
async function readReferences(repository: Repository, snapshot: string, paths: Paths, signal: AbortSignal): Promise<{ references: ArtifactReference[]; bytes: number }> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await restic(repository, ["dump", "--no-lock", snapshot, path.join(paths.temporary, referencesFile)], { output, signal });
  const text = Buffer.concat(chunks);
  return { references: storedReferences.parse(JSON.parse(text.toString("utf8"))), bytes: text.length };
}
