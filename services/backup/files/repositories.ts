import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { z } from "zod";
import type { BackupContext, Paths } from "../context";
import { writeDurably } from "../durableFile";
import { demandMounted } from "../mounts";
import { hiddenParts, openSeconds, restic, ResticFailure, sourceWords, type Repository } from "./restic";

/** What is remembered of the repositories, so that one that has gone is never taken for one that was not begun yet. */
const knownSchema = z.strictObject({
  first: z.string().nullable(),
  second: z.string().nullable(),
  /** Host names under which restic has worked for us; under the mutex, a lock of any of them belongs to a program that is dead. */
  hosts: z.array(z.string()),
});
type Known = z.infer<typeof knownSchema>;

/** Newest host names that are remembered. */
const keptHosts = 100;

/** The repository in the volume of the backups. */
export function firstRepository(paths: Paths): Repository {
  return { name: "the first copy", place: { kind: "folder", path: paths.files }, passwordFile: path.join(paths.secrets, "restic-password"), hidden: [] };
}

/** @throws when the secret file with the address is missing */
export async function secondRepository(paths: Paths): Promise<Repository> {
  const addressFile = path.join(paths.secrets, "second-copy-address");
  const address = await readSecret(addressFile);
  const isServer = /^[a-z0-9]+:/i.test(address);
  return {
    name: "the second copy",
    place: isServer ? { kind: "server", addressFile } : { kind: "folder", path: address },
    passwordFile: path.join(paths.secrets, "second-copy-password"),
    hidden: isServer ? hiddenParts(address) : [],
  };
}

/** A copy to read from. @throws when it is not there, with what may be the reason */
export async function openToRead(paths: Paths, from: "first" | "second", signal?: AbortSignal): Promise<Repository> {
  const repository = from === "first" ? firstRepository(paths) : await secondRepository(paths);
  if ((await identity(repository, signal)) === null) throw missing(repository);
  return repository;
}

/** The first copy to work with: made when it was never begun, and freed from locks of dead programs. Under the mutex. */
export async function workOnFirst(context: BackupContext): Promise<Repository> {
  const repository = firstRepository(context.paths);
  const known = await readKnown(context.paths);
  let id = await identity(repository, context.signal);
  if (id === null) {
    if (known.first !== null) throw missing(repository);
    id = await beginFirst(context, repository);
  }
  if (known.first !== null && known.first !== id) throw new Error(`${repository.name}: the repository at ${context.paths.files} is another one than the one that was begun there`);
  await remember(context.paths, { ...known, first: id });
  await clearDeadLocks(repository, context);
  return repository;
}

/**
 * The second copy to work with: made when it was never begun. One with another id than before is taken as a disk that was
 * changed for another: only our own key opens it. Under the mutex.
 */
export async function workOnSecond(context: BackupContext, first: Repository): Promise<Repository> {
  const repository = await secondRepository(context.paths);
  const { place } = repository;
  if (place.kind === "folder") await demandMounted(repository.name, place.path);
  const known = await readKnown(context.paths);
  let id = await identity(repository, context.signal);
  if (id === null) {
    if (known.second !== null) throw missing(repository);
    id = await beginSecond(context, repository, first);
  }
  await remember(context.paths, { ...known, second: id });
  await clearDeadLocks(repository, context);
  return repository;
}

/**
 * Forgets that there was a second copy, so that the next copy begins a new one where none is: for a disk that was lost or
 * changed. What is there is not touched.
 */
export async function letSecondBegin(paths: Paths): Promise<void> {
  const known = await readKnown(paths);
  await writeDurably(knownFile(paths), JSON.stringify({ ...known, second: null }));
}

/**
 * Ids of repositories in folders that restic opened before, by their sealed `config` and the password: deriving the key
 * again takes half a second of a processor and 60 MB of memory traffic, beside a bot that decides.
 */
const opened = new Map<string, string>();

/** The repository's id; null where there is no repository. @throws ResticFailure when that cannot be told */
export async function identity(repository: Repository, signal?: AbortSignal, timeoutSeconds = openSeconds): Promise<string | null> {
  const seal = await sealOf(repository);
  const before = seal === undefined ? undefined : opened.get(seal);
  if (before !== undefined) return before;
  try {
    const { stdout } = await restic(repository, ["cat", "config", "--no-lock"], { timeoutSeconds, ...(signal && { signal }) });
    const { id } = z.object({ id: z.string() }).parse(JSON.parse(stdout));
    // Another disk may have been mounted meanwhile.
    if (seal !== undefined && seal === (await sealOf(repository))) opened.set(seal, id);
    return id;
  } catch (error) {
    if (error instanceof ResticFailure && error.reason === "missing") return null;
    throw error;
  }
}

/** SHA-256 of what tells a repository in a folder and its password from every other; undefined where they cannot be read. */
async function sealOf({ place, passwordFile }: Repository): Promise<string | undefined> {
  if (place.kind !== "folder") return undefined;
  try {
    const parts = await Promise.all([path.join(place.path, "config"), passwordFile].map((file) => fs.readFile(file)));
    return parts.map(sha256).join(" ");
  } catch {
    return undefined;
  }
}

function missing({ name, place }: Repository): Error {
  const at = place.kind === "folder" ? `at ${place.path}` : "at its address";
  return new Error(`${name}: the repository ${at} is missing (is the disk mounted?)`);
}

/** Made aside and renamed, so that a crash leaves none rather than half of one. */
async function beginFirst(context: BackupContext, repository: Repository): Promise<string> {
  const { files } = context.paths;
  const there = await fs.readdir(files).catch(() => []);
  if (there.length > 0) throw new Error(`${repository.name}: ${files} holds files and is no repository: it is not begun anew over them`);
  const aside = `${files}.new`;
  await fs.rm(aside, { recursive: true, force: true });
  const made = { ...repository, place: { kind: "folder", path: aside } } as const;
  await restic(made, ["init", "--json"], { timeoutSeconds: openSeconds, signal: context.signal });
  const id = await identity(made, context.signal);
  if (id === null) throw new Error(`${repository.name}: restic init made no repository`);
  await fs.rename(aside, files);
  await syncFolder(path.dirname(files));
  context.log.info({ repository: id }, "the first copy of files was begun");
  return id;
}

/** With the chunks of the first copy, so that what is copied takes no more room than there. */
async function beginSecond(context: BackupContext, repository: Repository, first: Repository): Promise<string> {
  if (repository.place.kind === "folder") await removeUnfinishedInit(repository.place.path);
  await restic(repository, ["init", "--json", ...sourceWords(first), "--copy-chunker-params"], { timeoutSeconds: openSeconds, signal: context.signal });
  const id = await identity(repository, context.signal);
  if (id === null) throw new Error(`${repository.name}: restic init made no repository`);
  context.log.info({ repository: id }, "the second copy was begun");
  return id;
}

/** The key of an init that a crash cut off would open the next one wrongly. Only where nothing was stored yet. */
async function removeUnfinishedInit(folder: string): Promise<void> {
  for (const part of ["snapshots", "index"]) {
    const stored = await fs.readdir(path.join(folder, part)).catch(() => []);
    if (stored.length > 0) throw new Error(`the second copy: ${folder} holds stored data and no file "config": it is not begun anew over them`);
  }
  await fs.rm(path.join(folder, "keys"), { recursive: true, force: true });
}

const lockSchema = z.object({ time: z.string(), hostname: z.string(), pid: z.number() });

/**
 * Takes away the locks that dead programs of ours left: a process number may be in use again after a restart, and then
 * restic itself waits for half an hour. Locks of anybody else stay, and restic fails on them with the holder's name.
 */
async function clearDeadLocks(repository: Repository, context: BackupContext): Promise<void> {
  const { place } = repository;
  const options = { timeoutSeconds: openSeconds, signal: context.signal };
  const ids =
    place.kind === "folder"
      ? await fs.readdir(path.join(place.path, "locks")).catch(() => [])
      : (await restic(repository, ["list", "locks", "--no-lock"], options)).stdout.split("\n").filter((line) => line !== "");
  if (ids.length === 0) return;
  const { hosts } = await readKnown(context.paths);
  let others = 0;
  for (const id of ids) {
    // One that has gone meanwhile needs no further look.
    const text = await restic(repository, ["cat", "lock", id, "--no-lock"], options).then(({ stdout }) => stdout, () => undefined);
    if (text === undefined && place.kind === "folder" && (await isDamaged(path.join(place.path, "locks", id)))) {
      context.log.warn({ repository: repository.name, lock: id }, "a lock that a power cut left half written is taken away");
      await fs.rm(path.join(place.path, "locks", id), { force: true });
      continue;
    }
    const lock = text === undefined ? undefined : lockSchema.safeParse(JSON.parse(text)).data;
    if (lock === undefined || !hosts.includes(lock.hostname)) {
      others += 1;
      continue;
    }
    context.log.warn({ repository: repository.name, ...lock }, "a lock of a program that was killed is taken away");
    if (place.kind === "folder") await fs.rm(path.join(place.path, "locks", id), { force: true });
  }
  if (others > 0) await restic(repository, ["unlock"], options);
  else if (place.kind === "server") await restic(repository, ["unlock", "--remove-all"], options);
}

/** A lock is called by the SHA-256 of its content, and written under another name first. */
async function isDamaged(file: string): Promise<boolean> {
  const content = await fs.readFile(file).catch(() => undefined);
  return content !== undefined && sha256(content) !== path.basename(file);
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function knownFile(paths: Paths): string {
  return path.join(paths.journal, "repositories.json");
}

async function readKnown(paths: Paths): Promise<Known> {
  let text: string;
  try {
    text = await fs.readFile(knownFile(paths), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { first: null, second: null, hosts: [] };
    throw error;
  }
  try {
    return knownSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${knownFile(paths)} cannot be understood (${(error as Error).message}): it says which repositories there are; look at them, then remove it`);
  }
}

/** Written before restic makes its first lock under a host name. */
async function remember(paths: Paths, known: Known): Promise<void> {
  const host = os.hostname();
  const next = known.hosts.includes(host) ? known : { ...known, hosts: [...known.hosts, host].slice(-keptHosts) };
  const before = await readKnown(paths);
  if (JSON.stringify(before) === JSON.stringify(next)) return;
  await fs.mkdir(paths.journal, { recursive: true });
  await writeDurably(knownFile(paths), JSON.stringify(next));
}

async function readSecret(file: string): Promise<string> {
  const text = await fs.readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === "ENOENT" ? `the secret file ${file} is missing` : error.message);
  });
  if (text.trim() === "") throw new Error(`the secret file ${file} is empty`);
  return text.trim();
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
