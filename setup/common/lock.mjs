import fs from "node:fs/promises";
import path from "node:path";
import { hasCode, readIfThere, writeOnce } from "./files.mjs";
import { processIdentity } from "./identity.mjs";

/** Another run holds the lock. */
export class LockedError extends Error {}

/**
 * Takes a lock that a file stands for. A lock whose process is gone is taken over.
 *
 * @param {string} file
 * @param {string} what what the holder does, for the message
 * @returns {Promise<() => Promise<void>>} gives the lock back
 * @throws {LockedError} while the process that took it runs
 */
export async function takeLock(file, what) {
  await fs.mkdir(path.dirname(file), { recursive: true });
  const own = { pid: process.pid, identity: await processIdentity(process.pid), what };
  const content = `${JSON.stringify(own)}\n`;
  for (;;) {
    if (await writeOnce(file, content)) {
      return async () => {
        if ((await readIfThere(file)) === content) await fs.rm(file, { force: true });
      };
    }
    const found = await readIfThere(file);
    if (found === undefined) continue;
    const holder = parseHolder(found);
    if (holder && (await processIdentity(holder.pid)) === holder.identity) {
      throw new LockedError(`${holder.what} is already running in this folder (process ${holder.pid}): wait until it has ended`);
    }
    // Moved away under a name of its own first: of two that find the same dead lock, one removes it and neither removes a new one.
    const dead = `${file}.${process.pid}.dead`;
    try {
      await fs.rename(file, dead);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      continue;
    }
    const moved = await readIfThere(dead);
    if (moved !== found && moved !== undefined) await writeOnce(file, moved);
    await fs.rm(dead, { force: true });
  }
}

/** @param {string} text @returns {{ pid: number, identity: string, what: string } | undefined} */
function parseHolder(text) {
  try {
    const holder = JSON.parse(text);
    return Number.isInteger(holder.pid) && typeof holder.identity === "string" ? holder : undefined;
  } catch {
    return undefined;
  }
}
