import { withClient } from "./connection";
import { mustBeFolder, pgbackrest, repositoryInfo, type RepositoryInfo } from "./pgbackrest";
import type { DatabaseContext } from "./types";

/** The repository takes log of another database: nothing is archived until the owner has decided. */
export class OtherDatabase extends Error {
  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(
      `the backup belongs to another database (system identifier ${expected}) than the one that runs (${found}): it was made anew since, and nothing of it is protected. ` +
        "Nothing was overwritten. Either bring the old one back with `npx trading restore`, or let the backup go on with the new one, beside the old: `npx trading backup --adopt-database`",
    );
    this.name = "OtherDatabase";
  }
}

/** A repository that was made, for the database that runs. */
export type MadeRepository = RepositoryInfo & { readonly current: NonNullable<RepositoryInfo["current"]> };

/**
 * Makes the repository when there is none yet. One that is there is left as it is.
 * @returns what is in it
 * @throws OtherDatabase when it belongs to another database
 */
export async function ensureStanza(context: DatabaseContext): Promise<MadeRepository> {
  mustBeFolder(context.paths.backups, "the volume of the backups");
  const found = await systemIdentifier(context);
  const before = await repositoryInfo(context);
  if (!before.made) {
    context.step("making the repository of the database's backup");
    await pgbackrest(context.paths, ["stanza-create", socket(context)], { timeoutSeconds: 120, signal: context.signal });
  }
  const info = before.made ? before : await repositoryInfo(context);
  const { current } = info;
  if (current === null) throw new Error("pgBackRest made its repository, and does not know the database");
  if (current.systemIdentifier !== found) throw new OtherDatabase(current.systemIdentifier, found);
  return { ...info, current };
}

/** Lets the repository take the log of the database that runs, beside that of the one before; what was kept of it stays. */
export async function adoptDatabase(context: DatabaseContext): Promise<void> {
  await pgbackrest(context.paths, ["stanza-upgrade", socket(context)], { timeoutSeconds: 120, signal: context.signal });
  await ensureStanza(context);
}

/** pgBackRest asks the database over the socket that both containers have. */
export function socket(context: Pick<DatabaseContext, "paths">): string {
  return `--pg1-socket-path=${context.paths.sockets}`;
}

async function systemIdentifier(context: DatabaseContext): Promise<string> {
  return withClient({ sockets: context.paths.sockets, database: "postgres" }, async (client) => {
    const { rows } = await client.query<{ identifier: string }>("SELECT system_identifier::text AS identifier FROM pg_control_system()");
    return rows[0]!.identifier;
  });
}
