import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";

/** @param {unknown} error @param {...string} codes */
export const hasCode = (error, ...codes) => codes.includes(/** @type {NodeJS.ErrnoException} */ (error)?.code ?? "");

/** Content of a text file, or undefined where there is none. @param {string} file */
export async function readIfThere(file) {
  try {
    return await fs.readFile(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** @param {string} file */
export async function exists(file) {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}

/** @param {string} file @param {string} content @param {number} mode */
async function writeAside(file, content, mode) {
  const aside = `${file}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  const handle = await fs.open(aside, "wx", mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return aside;
}

/**
 * Replaces a file as a whole: whoever reads it, at whatever moment this process ends, sees the old content or the new.
 *
 * @param {string} file
 * @param {string} content
 * @param {number} [mode] permissions of the file
 */
export async function replaceFile(file, content, mode = 0o644) {
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.rename(await writeAside(file, content, mode), file);
}

/**
 * Writes a file that must never be written twice. What is there stays as it is, also when two processes try at once.
 *
 * @param {string} file
 * @param {string} content
 * @param {number} [mode] permissions of the file
 * @returns {Promise<boolean>} whether this call wrote it
 */
export async function writeOnce(file, content, mode = 0o600) {
  if (await exists(file)) return false;
  const aside = await writeAside(file, content, mode);
  try {
    await fs.link(aside, file);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    // A file system without hard links has no way to refuse an existing name and to write at once; the lock of set-up does it there.
    if (hasCode(error, "EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP", "EACCES", "EINVAL")) {
      if (await exists(file)) return false;
      await fs.rename(aside, file);
      return true;
    }
    throw error;
  } finally {
    await fs.rm(aside, { force: true });
  }
}

/** SHA-256 of a text, in hexadecimal. @param {string | Buffer} content */
export const hash = (content) => createHash("sha256").update(content).digest("hex");

/**
 * SHA-256 over the names and contents of all files below a folder, in hexadecimal; dependencies and what begins with a
 * dot are left out.
 *
 * @param {string} folder
 */
export async function hashFolder(folder) {
  const files = [];
  for (const entry of await fs.readdir(folder, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    const relative = path.relative(folder, file).split(path.sep);
    if (entry.isFile() && !relative.some((part) => part === "node_modules" || part.startsWith("."))) files.push(relative.join("/"));
  }
  const sum = createHash("sha256");
  for (const file of files.sort()) sum.update(`${file}\n${hash(await fs.readFile(path.join(folder, file)))}\n`);
  return sum.digest("hex");
}
