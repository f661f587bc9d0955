import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as path from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BackupContext } from "../context";
import { workOnFirst } from "./repositories";
import { restic, type Repository } from "./restic";
import { takeSnapshot, walk, type Taken } from "./snapshots";

/** A logical dump as its manifest has it, and what it added. */
export interface DumpFilesPart extends Taken {
  /** Name below the folder -> SHA-256. */
  readonly contents: Record<string, string>;
}

/**
 * Stores the files of a dump, then reads them back and compares: what counts is what is stored. Under the mutex.
 *
 * @param folder with the files of the dump and nothing else
 */
export async function keepDump(context: BackupContext, id: string, folder: string): Promise<DumpFilesPart> {
  const { stack, signal } = context;
  const repository = await workOnFirst(context);
  context.step("the dump is stored");
  const contents: Record<string, string> = {};
  let bytes = 0;
  for await (const file of walk(folder)) {
    contents[path.relative(folder, file.path)] = await hashFile(file.path);
    bytes += file.bytes;
  }
  const names = Object.keys(contents);
  if (names.length === 0) throw new Error(`the dump: there are no files in ${folder}`);
  const taken = await takeSnapshot(repository, { host: `trading-${stack}`, tags: ["kind:dump", `point:${id}`], paths: [folder], signal });
  if (taken.files !== names.length || taken.bytes !== bytes) throw new Error(`the dump: the snapshot holds ${taken.files} files of ${taken.bytes} bytes instead of ${names.length} of ${bytes}`);
  context.step("the dump is read back");
  for (const name of names) {
    const stored = await hashStored(repository, taken.snapshot, path.join(folder, name), signal);
    if (stored !== contents[name]) throw new Error(`the dump: ${name} is not what was stored, its SHA-256 is ${stored} instead of ${contents[name]}`);
  }
  return { ...taken, contents };
}

/** SHA-256 of a file, hexadecimal. */
export async function hashFile(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash, ...(signal ? [{ signal }] : []));
  return hash.digest("hex");
}

/** SHA-256 of a file as a snapshot has it. */
async function hashStored(repository: Repository, snapshot: string, file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done();
    },
  });
  await restic(repository, ["dump", "--no-lock", snapshot, file], { output, signal });
  return hash.digest("hex");
}
