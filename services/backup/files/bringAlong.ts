import * as fs from "node:fs/promises";
import * as path from "node:path";
import { hashFile } from "./dump";
import type { ArtifactReference } from "./references";

/**
 * Copies what a reference means from one root of artifacts into another, with owners and rights; nothing where it is not
 * there as it has to be. Copied, not linked: the one must not change with the other.
 */
export async function bringAlong(from: string, to: string, reference: ArtifactReference, signal: AbortSignal): Promise<void> {
  const segments = reference.path.split("/");
  // The database is what somebody else wrote: no name of it leads out of the artifacts.
  if (segments.some((segment) => ["", ".", ".."].includes(segment))) return;
  if (!(await isThere(path.join(from, reference.path), reference, signal))) return;
  for (let depth = 1; depth < segments.length; depth += 1) {
    const folder = path.join(...segments.slice(0, depth));
    await fs.mkdir(path.join(to, folder), { recursive: true });
    await sameOwner(path.join(from, folder), path.join(to, folder));
  }
  await copy(path.join(from, reference.path), path.join(to, reference.path));
}

async function isThere(place: string, { kind, bytes, sha256 }: ArtifactReference, signal: AbortSignal): Promise<boolean> {
  const there = await fs.lstat(place).catch(() => undefined);
  if (kind === "folder") return there?.isDirectory() === true || there?.isFile() === true;
  if (there?.isFile() !== true || (bytes !== null && there.size !== bytes)) return false;
  return sha256 === null || (await hashFile(place, signal)) === sha256;
}

/** Files and folders; anything else is nobody's artifact. */
async function copy(from: string, to: string): Promise<void> {
  const there = await fs.lstat(from);
  if (there.isDirectory()) {
    await fs.mkdir(to, { recursive: true });
    for (const name of await fs.readdir(from)) await copy(path.join(from, name), path.join(to, name));
  } else if (there.isFile()) await fs.copyFile(from, to);
  else return;
  await sameOwner(from, to);
}

async function sameOwner(from: string, to: string): Promise<void> {
  const { uid, gid, mode } = await fs.lstat(from);
  await fs.chmod(to, mode & 0o7777);
  await fs.chown(to, uid, gid);
}
