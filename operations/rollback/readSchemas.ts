import * as fs from "node:fs";
import * as path from "node:path";
import type { Release } from "../../config/releases";
import type { DeployMeans } from "../deploy/means";
import { CommandError } from "../errors";
import { olderServicesFollow, type DeployedSchemas, type ReleaseSchemas } from "./schema";

/** The migrator writes the time without its zone, which is UTC. */
const MIGRATIONS = `select name || '|' || to_char(run_on, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') from trading.migrations order by id`;
const TIMESCALE = "select extversion from pg_extension where extname = 'timescaledb'";
const MLFLOW = "select version_num from alembic_version order by 1";

/** Reads what the databases have been brought to. @param newestKnown number of the newest migration that any `up` can have applied */
export async function readDeployedSchemas(means: Pick<DeployMeans, "query">, stack: string, newestKnown: number): Promise<DeployedSchemas> {
  const rows = async (database: string, sql: string): Promise<string[] | null> => {
    try {
      return (await means.query(stack, database, sql)).split("\n").filter((line) => line.trim() !== "");
    } catch (error) {
      if (error instanceof CommandError) return null;
      throw error;
    }
  };
  const [migrations, timescale, mlflow] = await Promise.all([rows("trading", MIGRATIONS), rows("trading", TIMESCALE), rows("mlflow", MLFLOW)]);
  if (migrations === null) return { migrations: null, newestKnown, timescale: null, mlflow: null };
  return {
    migrations: migrations.map((row) => {
      const [name = "", at = ""] = row.split("|");
      return { name, at };
    }),
    ...{ newestKnown, timescale: timescale?.[0] ?? null, mlflow: mlflow?.join(",") ?? null },
  };
}

/** What those images of a release can work with that are not the ones which run. @param running service -> id of its container's image */
export async function readReleaseSchemas(means: Pick<DeployMeans, "mlflowRevisions" | "timescaleVersion">, { images }: Pick<Release, "images">, running: Readonly<Record<string, string>>): Promise<ReleaseSchemas> {
  const other = (service: string) => (images[service] !== undefined && images[service] !== running[service] ? images[service] : undefined);
  const [timescaledb, mlflow] = [other("timescaledb"), other("mlflow")];
  return { timescale: timescaledb === undefined ? null : await means.timescaleVersion(timescaledb), mlflow: mlflow === undefined ? null : await means.mlflowRevisions(mlflow) };
}

/** Whether older services can follow a migration, as its file in this folder says; one that is not here cannot be known to. */
export function followsIn(root: string): (migration: string) => boolean {
  return (migration) => {
    const file = path.join(root, "database", "migrations", `${path.basename(migration)}.sql`);
    return fs.existsSync(file) && olderServicesFollow(fs.readFileSync(file, "utf8"));
  };
}
