import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { removeDurably, writeDurably } from "./durableFile";

/** Files that wait to be put into the repository, which containers cannot write to. Paths are those in the repository, with slashes. */
export class Outbox {
  constructor(private readonly folder: string) {}

  /** @returns paths, sorted */
  async list(): Promise<string[]> {
    const names = await readdir(this.folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".partial"))
      .map((entry) => relative(this.folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
      .sort();
  }

  async add(path: string, content: string): Promise<void> {
    const file = this.resolve(path);
    await mkdir(dirname(file), { recursive: true });
    await writeDurably(file, content);
  }

  async has(path: string): Promise<boolean> {
    return stat(this.resolve(path)).then(
      () => true,
      () => false,
    );
  }

  /** @throws when there is no such file */
  async read(path: string): Promise<Buffer> {
    return readFile(this.resolve(path));
  }

  /** Takes a file away that is in the repository now; one that is gone already is no error. */
  async done(path: string): Promise<void> {
    await removeDurably(this.resolve(path));
  }

  private resolve(path: string): string {
    const file = resolve(this.folder, path);
    if (!file.startsWith(resolve(this.folder) + sep)) throw new Error(`${JSON.stringify(path)} is no path inside the outbox`);
    return file;
  }
}
