import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { isConnectionError } from "../shared/database";
import type { BackupContext } from "./context";
import { withClient } from "./database/connection";
import { firstMountProblem } from "./mounts";

/** How long a job waits for a database that is being started. */
const patienceMilliseconds = 60_000;

/**
 * Looks at what a recovery point is made of before anything is begun: an empty folder in place of a volume would give an
 * empty backup.
 * @throws naming what is not there
 */
export async function requireMounts({ paths }: Pick<BackupContext, "paths">): Promise<void> {
  const read = [paths.data, paths.sockets, paths.artifacts, paths.project].map((path) => ({ path, access: "read" as const }));
  const problem = await firstMountProblem([{ path: paths.backups, access: "write" }, ...read]);
  if (problem !== null) throw new Error(problem);
  await mkdir(paths.temporary, { recursive: true });
}

/** Waits a little for a database that does not answer yet. @throws when it does not in time, with the reason */
export async function requireDatabase({ paths, signal, step }: Pick<BackupContext, "paths" | "signal" | "step">): Promise<void> {
  step("waiting for the database");
  const end = performance.now() + patienceMilliseconds;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await withClient({ sockets: paths.sockets, database: "trading" }, async (client) => void (await client.query("SELECT 1")));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // A socket that is not there belongs to a server that is not there.
      if (!isConnectionError(error) && code !== "ENOENT") throw error;
      if (performance.now() > end) throw new Error(`the database does not answer: ${message}`);
    }
    await delay(1000, undefined, { signal });
  }
}
