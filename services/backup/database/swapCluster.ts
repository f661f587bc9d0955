import * as fs from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";
import type { ToolContext } from "../progress";
import { standardPaths } from "../context";
import { withClient } from "./connection";
import type { DatabaseContext } from "./types";

/** Names one restore: what it does can be taken back by this name. */
export const restoreId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,40}$/, "allowed: letters, digits and dashes, for example 20261121T120000Z");

export const swapClusterRequest = z.strictObject({
  id: restoreId,
  restored: z.string().regex(/^\/data\/17\.[a-z][a-z0-9-]*$/, "allowed: /data/17.<word>, for example /data/17.restored"),
});
export const clusterRequest = z.strictObject({ id: restoreId });
export type SwapClusterRequest = z.infer<typeof swapClusterRequest>;
export type ClusterRequest = z.infer<typeof clusterRequest>;

type Paths = Pick<DatabaseContext["paths"], "data" | "cluster" | "sockets">;

/** Folders of one swap; each of them is a whole cluster, and a rename is all that ever happens to one. */
function folders({ data, cluster }: Paths, id: string) {
  const named = (word: string) => path.posix.join(data, `${path.posix.basename(cluster)}.${word}-${id}`);
  return { live: cluster, before: named("before"), undone: named("undone"), discarded: named("discarded") };
}

/**
 * Puts a restored cluster in the place of the one that is used, which is kept aside. Completes what was interrupted.
 * @returns where the one before is kept; null when there was none
 * @throws when the database runs, or there is nothing to put there
 */
export async function swapCluster({ id, restored }: SwapClusterRequest, _context: Partial<ToolContext> = {}, paths: Paths = standardPaths): Promise<{ before: string | null }> {
  const { live, before } = folders(paths, id);
  await mustNotRun(paths);
  const there = { live: await isCluster(live), before: await isCluster(before), restored: await isCluster(restored) };
  if (there.restored) {
    if (there.live && there.before) throw new Error(`the restore ${id} was swapped in already, and ${restored} is another one: give it a name of its own`);
    if (there.live) await fs.rename(live, before);
    await fs.rename(restored, live);
  } else if (!there.live || !there.before) {
    throw new Error(`there is no restored cluster ${restored} to put in the place of ${live}`);
  }
  await forgetPassword(paths);
  await sync(paths.data);
  return { before: (await isCluster(before)) ? before : null };
}

/**
 * Puts the cluster from before back, and removes the restored one. Completes what was interrupted.
 * @returns whether there was anything to take back
 * @throws when the database runs
 */
export async function unswapCluster({ id }: ClusterRequest, _context: Partial<ToolContext> = {}, paths: Paths = standardPaths): Promise<{ undone: boolean }> {
  const { live, before, undone } = folders(paths, id);
  await mustNotRun(paths);
  const back = await isCluster(before);
  if (back) {
    if (await isCluster(live)) {
      await fs.rm(undone, { recursive: true, force: true });
      await fs.rename(live, undone);
    }
    await fs.rename(before, live);
    await forgetPassword(paths);
    await sync(paths.data);
  }
  await fs.rm(undone, { recursive: true, force: true });
  return { undone: back };
}

/** Removes the cluster from before, and restored ones that were not put in place. @throws when there would be none left */
export async function discardCluster({ id }: ClusterRequest, _context: Partial<ToolContext> = {}, paths: Paths = standardPaths): Promise<{ discarded: boolean }> {
  const { live, before, discarded } = folders(paths, id);
  const there = await isCluster(before);
  if (!(await isCluster(live))) throw new Error(`there is no cluster at ${live}: complete the restore or take it back, then discard`);
  if (there) {
    // Half of a cluster must never look like one.
    await fs.rename(before, discarded);
    await sync(paths.data);
  }
  const restored = `${live}.restored`;
  for (const folder of [discarded, restored, `${restored}.partial`]) await fs.rm(folder, { recursive: true, force: true });
  return { discarded: there };
}

async function isCluster(folder: string): Promise<boolean> {
  return fs.access(path.posix.join(folder, "PG_VERSION")).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}

/** Its process is in another container: only its socket says whether it lives. */
async function mustNotRun({ sockets }: Paths): Promise<void> {
  const notThere = ["ENOENT", "ECONNREFUSED"];
  const running = await withClient({ sockets, database: "postgres" }, async () => true).catch((error: NodeJS.ErrnoException) => !notThere.includes(error.code ?? ""));
  if (running) throw new Error("the database runs: its container has to be stopped before its data is replaced");
}

/** The database's container applies the superuser's password anew when this file does not say that it did: an older cluster may have an older one. */
async function forgetPassword({ data }: Paths): Promise<void> {
  await fs.rm(path.posix.join(data, "superuser-password.sha256"), { force: true });
}

async function sync(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
