import * as path from "node:path";
import { Writable } from "node:stream";
import { z } from "zod";
import { standardPaths, type Paths } from "../context";
import type { ToolContext } from "../progress";
import { referencesFile } from "./artifacts";
import { bringAlong } from "./bringAlong";
import { hashFile } from "./dump";
import { storedReferences, writeLosses } from "./losses";
import { ReferenceCheck, type ArtifactReference, type Lacking } from "./references";
import { openToRead } from "./repositories";
import { restic, type Repository } from "./restic";
import { restoredReferences, workFolder } from "./restoredReferences";
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
  /** References of the restored database that were not in the point and were taken from the present artifacts. */
  readonly broughtAlong: number;
  /** References of the restored database that are found nowhere, in words; noted as known losses. */
  readonly lost: readonly string[];
  readonly seconds: number;
}

/**
 * Tool `restore-artifacts`: brings MLflow's artifacts of a point back beside the present ones and verifies them: count and
 * bytes, every file against its content in the backup, and what the database refers to by size and hash. Where the restored
 * database is newer than the point, what it refers to beyond that is taken from the present artifacts, and what is not
 * there either is noted as lost. Can be repeated.
 */
export async function restoreArtifacts(request: RestoreArtifactsRequest, tool: ToolContext, paths: Paths = standardPaths, work = workFolder): Promise<RestoredArtifacts> {
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
  const hashes = new Map<string, string>();
  const { lacking, ...found } = await compare(target, references, hashes, signal);
  const wrong = lacking.map(({ text }) => text);
  const expected = { files: snapshot.files - 1, bytes: snapshot.bytes - listBytes };
  if (found.files !== expected.files || found.bytes !== expected.bytes) wrong.unshift(`${found.files} files of ${found.bytes} bytes came back instead of ${expected.files} of ${expected.bytes}`);
  if (wrong.length > 0) throw new Error(`the restored artifacts are not right: ${wrong.slice(0, 5).join("; ")}${wrong.length > 5 ? `; and ${wrong.length - 5} more` : ""}`);
  const beyond = await completeFor(await restoredReferences(work), target, paths, hashes, tool);
  return { ...found, references: references.length, hashes: references.filter(({ sha256 }) => sha256 !== null).length, ...beyond, seconds: (performance.now() - started) / 1000 };
}

/**
 * Counts what is below a folder and holds it against references, by size and hash.
 * @param hashes file below the folder -> its SHA-256, where that is known; what is hashed is added
 */
async function compare(folder: string, references: readonly ArtifactReference[], hashes: Map<string, string>, signal: AbortSignal): Promise<{ files: number; bytes: number; lacking: Lacking[] }> {
  const check = new ReferenceCheck(references);
  const hashed = new Map(references.flatMap((reference) => (reference.sha256 === null ? [] : [[reference.path, reference] as const])));
  const found = { files: 0, bytes: 0 };
  const changed: Lacking[] = [];
  for await (const file of walk(folder)) {
    found.files += 1;
    found.bytes += file.bytes;
    const name = path.relative(folder, file.path);
    check.see(name, file.bytes);
    const reference = hashed.get(name);
    // One of another size is named for that already.
    if (reference === undefined || reference.bytes !== file.bytes) continue;
    const hash = hashes.get(name) ?? (await hashFile(file.path, signal));
    hashes.set(name, hash);
    if (hash !== reference.sha256) changed.push({ reference, text: `${name} (${reference.of}): another content than MLflow was given` });
  }
  return { ...found, lacking: [...check.lacking(), ...changed] };
}

/** Completes the restored artifacts for a database that may be newer, as far as the present ones have what it refers to. */
async function completeFor(wanted: readonly ArtifactReference[] | null, target: string, paths: Paths, hashes: Map<string, string>, { signal, progress }: ToolContext): Promise<Pick<RestoredArtifacts, "broughtAlong" | "lost">> {
  if (wanted === null) return { broughtAlong: 0, lost: [] };
  const before = (await compare(target, wanted, hashes, signal)).lacking;
  if (before.length > 0) progress({ step: "present", text: "what the database refers to beyond the point is looked for among the present artifacts" });
  for (const { reference } of before) {
    await bringAlong(paths.artifacts, target, reference, signal);
    hashes.delete(reference.path);
  }
  const after = before.length === 0 ? [] : (await compare(target, wanted, hashes, signal)).lacking;
  await writeLosses(target, after.map(({ reference }) => reference));
  return { broughtAlong: before.length - after.length, lost: after.map(({ text }) => text) };
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
