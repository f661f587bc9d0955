import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { BackupContext, Paths } from "../context";
import { makeBundle, noRepository, openRepository, repositoryFacts, type Git, type RepositoryFacts } from "./git";
import { demandMounted } from "../mounts";
import { workOnFirst } from "./repositories";
import { takeSnapshot, walk, type Taken } from "./snapshots";

/** The clone of a recovery point, as its manifest has it, and what it added. Without a head the repository is not in it. */
export interface ClonePart extends Taken, RepositoryFacts {}

/** Bytes of changed and new files, outside `.trading`, that are taken beside the bundle. */
const changedBytes = 64 * 1024 * 1024;

/** Where the bundle lies when it is stored: the same place each time, so that only what is new is stored. */
export function bundleFile(paths: Paths): string {
  return path.join(paths.temporary, "clone", "repository.bundle");
}

/**
 * Takes the owner's clone: `.trading`, a bundle of the repository, the stacks' files as they are, and what was not
 * committed. It does not write into the clone. Under the mutex.
 */
export async function takeClone(context: BackupContext, id: string): Promise<ClonePart> {
  const { paths, stack, signal } = context;
  await demandMounted("the clone", paths.project);
  const repository = await workOnFirst(context);
  const folder = path.dirname(bundleFile(paths));
  await fs.rm(folder, { recursive: true, force: true });
  await fs.mkdir(folder, { recursive: true });
  try {
    context.step("the repository is bundled");
    const notes: string[] = [];
    let facts = noRepository;
    const git = await openRepository(paths.project, path.join(folder, "git"), signal);
    if (typeof git === "string") notes.push(`the repository is not in the backup: ${git}`);
    else {
      facts = await repositoryFacts(git);
      if (!(await makeBundle(git, bundleFile(paths), signal))) notes.push("the repository has no commit yet");
    }
    context.step("the clone is stored");
    const take = async (): Promise<Taken | string> => {
      const files = [...(await wanted(paths, typeof git === "string" ? null : git, notes))];
      if (facts.head !== null) files.push(bundleFile(paths));
      if (files.length === 0) throw new Error(`the clone: there is nothing in ${paths.project} to store`);
      const list = path.join(folder, "files");
      await fs.writeFile(list, files.map((file) => `${file}\0`).join(""));
      const taken = await takeSnapshot(repository, { host: `trading-${stack}`, tags: ["kind:clone", `point:${id}`], paths: { listFile: list }, signal });
      return taken.files === files.length ? taken : `the snapshot holds ${taken.files} files instead of ${files.length}`;
    };
    // A command of the owner's may have replaced a file meanwhile.
    const first = await take();
    const taken = typeof first === "string" ? await take() : first;
    if (typeof taken === "string") throw new Error(`the clone: ${taken}`);
    for (const note of new Set(notes)) context.log.warn({ point: id }, note);
    return { ...taken, ...facts };
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

/** Files of the clone that are stored beside the bundle, absolute. */
async function wanted(paths: Paths, git: Git | null, notes: string[]): Promise<Set<string>> {
  const files = new Set<string>();
  const trading = path.join(paths.project, ".trading");
  if (!(await exists(trading))) throw new Error(`the clone: ${trading} is missing`);
  for await (const file of walk(trading, (each) => isPassing(path.relative(trading, each)))) files.add(file.path);
  for (const name of await fs.readdir(paths.project)) if (/^Pulumi\..*yaml$/.test(name)) files.add(path.join(paths.project, name));
  if (git === null) return files;
  const changed = (await git.text("ls-files", "-z", "--modified", "--others", "--exclude-standard", "--deduplicate")).split("\0");
  let bytes = 0;
  for (const name of changed.filter((each) => each !== "" && !each.startsWith(".trading/"))) {
    const file = path.join(paths.project, name);
    const entry = await fs.lstat(file).catch(() => undefined);
    if (!entry?.isFile()) continue;
    bytes += entry.size;
    if (bytes > changedBytes) {
      notes.push(`changed and new files beyond ${changedBytes / 1024 / 1024} MB are not in the backup, ${name} among them: commit them, or have Git ignore them`);
      break;
    }
    files.add(file);
  }
  return files;
}

/** Pulumi's locks and ours, and files that are on their way to another name; `name` is relative to `.trading`. */
export function isPassing(name: string): boolean {
  return /^state\/\.pulumi\/locks(\/|$)|^stacks\/[^/]+\/runs\/lock$|\.lock$|\.tmp$/.test(name);
}

function exists(file: string): Promise<boolean> {
  return fs.lstat(file).then(
    () => true,
    () => false,
  );
}
