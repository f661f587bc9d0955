import pg from "pg";
import { z } from "zod";
import { standardPaths } from "../context";
import type { ToolContext } from "../progress";
import { withClient } from "./connection";
import { restoredName } from "./restoreDatabase";
import { restoreId } from "./swapCluster";
import { DATABASES, type DatabaseContext } from "./types";

const { escapeIdentifier } = pg;

export const swapDatabaseRequest = z.strictObject({ database: z.enum(DATABASES), id: restoreId });
export type SwapDatabaseRequest = z.infer<typeof swapDatabaseRequest>;

type Paths = Pick<DatabaseContext["paths"], "sockets">;

/** How long sessions may keep coming back before the database is renamed. */
const patienceMilliseconds = 30_000;

function names({ database, id }: SwapDatabaseRequest) {
  return { live: database, restored: restoredName(database), before: `${database}_before_${id.toLowerCase().replaceAll("-", "_")}` };
}

/**
 * Puts a restored database in the place of the one that is used, which is kept aside; sessions are ended. Both names change
 * in one transaction. Does nothing when it was done before.
 * @returns the name of the one before
 */
export async function swapDatabase(request: SwapDatabaseRequest, _context: Partial<ToolContext> = {}, paths: Paths = standardPaths): Promise<{ before: string }> {
  const { live, restored, before } = names(request);
  await withClient({ sockets: paths.sockets, database: "postgres" }, async (client) => {
    const there = await databases(client);
    if (there.has(before) && there.has(live) && !there.has(restored)) return open(client, live);
    if (there.has(before)) throw new Error(`the restore ${request.id} was swapped in already, and ${restored} is another one: give it a name of its own`);
    if (!there.has(restored)) throw new Error(`there is no restored database ${restored} to put in the place of ${live}`);
    await rename(client, [[live, before], [restored, live]]);
    await open(client, live);
  });
  return { before };
}

/** Puts the database from before back, and removes the restored one. @returns whether there was anything to take back */
export async function unswapDatabase(request: SwapDatabaseRequest, _context: Partial<ToolContext> = {}, paths: Paths = standardPaths): Promise<{ undone: boolean }> {
  const { live, restored, before } = names(request);
  return withClient({ sockets: paths.sockets, database: "postgres" }, async (client) => {
    const there = await databases(client);
    const back = there.has(before);
    if (back) {
      // Left of an attempt that was begun anew: the one that was used meanwhile is what goes.
      await drop(client, restored);
      await rename(client, [...(there.has(live) ? [[live, restored] as const] : []), [before, live]]);
    }
    await open(client, live);
    await drop(client, restored);
    return { undone: back };
  });
}

/**
 * Removes the database from before, and a restored one that was not put in its place.
 * @returns whether there was one from before
 * @throws when there would be none left
 */
export async function discardDatabase(request: SwapDatabaseRequest, _context: Partial<ToolContext> = {}, paths: Paths = standardPaths): Promise<{ discarded: boolean }> {
  const { live, restored, before } = names(request);
  return withClient({ sockets: paths.sockets, database: "postgres" }, async (client) => {
    const there = await databases(client);
    if (!there.has(live)) throw new Error(`there is no database ${live}: complete the restore or take it back, then discard`);
    await drop(client, restored);
    await drop(client, before);
    return { discarded: there.has(before) };
  });
}

async function databases(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>("SELECT datname AS name FROM pg_database");
  return new Set(rows.map(({ name }) => name));
}

/** Takes connections again, where an interruption left it closed. */
async function open(client: pg.Client, name: string): Promise<void> {
  await client.query(`ALTER DATABASE ${escapeIdentifier(name)} WITH ALLOW_CONNECTIONS true`);
}

/** Closes the databases, ends their sessions, and gives them their new names all at once. */
async function rename(client: pg.Client, changes: readonly (readonly [from: string, to: string])[]): Promise<void> {
  const inUse = "55006";
  const from = changes.map(([name]) => name);
  for (const name of from) await client.query(`ALTER DATABASE ${escapeIdentifier(name)} WITH ALLOW_CONNECTIONS false`);
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    await client.query("SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = ANY ($1) AND pid <> pg_backend_pid()", [from]);
    try {
      await client.query("BEGIN");
      for (const [name, to] of changes) await client.query(`ALTER DATABASE ${escapeIdentifier(name)} RENAME TO ${escapeIdentifier(to)}`);
      await client.query("COMMIT");
      return;
    } catch (error) {
      await client.query("ROLLBACK");
      if ((error as { code?: string }).code === inUse && Date.now() < deadline) continue;
      for (const name of from) await open(client, name);
      throw error;
    }
  }
}

async function drop(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
}
