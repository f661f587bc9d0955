import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { book as bookSchema, emptyBook, type Book } from "./book";

export interface ReadBook {
  readonly book: Book;
  /** What was wrong with the file, and where it lies now; null when it was read, or there was none yet. */
  readonly damage: string | null;
}

/** Reads the file. One that cannot be used is set aside for whoever wants to look at it, and the channel begins anew. */
export async function readBook(file: string, now: number): Promise<ReadBook> {
  let reason: string;
  try {
    const result = bookSchema.safeParse(JSON.parse(await readFile(file, "utf8")));
    if (result.success) return { book: result.data, damage: null };
    reason = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join(", ").slice(0, 300);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { book: emptyBook, damage: null };
    reason = (error as Error).message;
  }
  // No colons: the file may lie on a Windows disk.
  const aside = `${file}.damaged-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}`;
  const where = await rename(file, aside).then(
    () => `set aside as ${aside}`,
    (error: unknown) => `could not be set aside (${(error as Error).message})`,
  );
  return { book: emptyBook, damage: `${file} is damaged and was ${where}: ${reason}` };
}

/**
 * Writes the file so that it is there whole, the old or the new one, also after a power cut. The temporary file's name is
 * always the same: what a crash leaves is overwritten, not collected.
 * @throws the file system's error; the old content is still there then
 */
export function writeBook(file: string, book: Book): Promise<void> {
  return writeWhole(file, JSON.stringify(book));
}

/** The same of any text. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  // Windows cannot open a folder, and need not.
  if (process.platform === "win32") return;
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
