import type pg from "pg";
import { withClient } from "./connection";
import type { DatabaseContext } from "./types";

const lookMilliseconds = 100;

/**
 * Gives a session what processor time nobody else wants (SCHED_IDLE, as chrt(1) sets it): reading millions of rows beside
 * a bot that decides would make it wait half as long again for its own queries. The server runs chrt, which it may for its
 * own processes; one that has no chrt works as it did.
 *
 * @param client a superuser's
 * @param session its process at the server; the client's own unless given
 */
export async function yieldToOthers(client: pg.Client, session?: number): Promise<void> {
  const pid = session === undefined ? "pg_backend_pid()" : String(session);
  // Without a row: chrt reads none, and one that it left in the pipe would be an error. Whatever else there is must not fail a backup.
  await client.query(`DO $$ BEGIN
    EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', 'chrt --idle --pid 0 ' || ${pid});
  EXCEPTION WHEN OTHERS THEN NULL;
  END $$`);
}

/** The same for the sessions of a program, from when each is seen, while it works. @returns what the work returns */
export async function yieldWhile<Result>({ paths }: Pick<DatabaseContext, "paths">, application: string, work: Promise<Result>): Promise<Result> {
  let over = false;
  const end = () => void (over = true);
  work.then(end, end);
  const yielding = withClient({ sockets: paths.sockets, database: "postgres" }, async (client) => {
    const seen = new Set<number>();
    while (!over) {
      const { rows } = await client.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE application_name = $1", [application]);
      for (const { pid } of rows) {
        if (!seen.has(pid)) await yieldToOthers(client, pid);
        seen.add(pid);
      }
      await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
    }
  });
  // Politeness alone: what becomes of the work is not its business.
  await yielding.catch(() => undefined);
  return work;
}
