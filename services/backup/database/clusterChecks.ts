import pg from "pg";
import { differences } from "../../../domain/backup/compareContent";
import { withClient } from "./connection";
import { contentOf, qualifiedName } from "./content";
import type { RestoreTarget } from "./restoreTarget";
import { DATABASES, type Contents } from "./types";

const { escapeIdentifier } = pg;

/** One thing that was looked at after a restore. */
export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** What was found, for the owner. */
  readonly detail: string;
}

export interface Verification {
  readonly passed: boolean;
  readonly checks: readonly Check[];
}

/** Every row of a table this small is looked for in its indexes; of larger ones the indexes are checked in themselves. Bytes. */
const wholeTableBytes = 64 * 1024 * 1024;

export function verification(checks: readonly Check[]): Verification {
  return { passed: checks.every(({ passed }) => passed), checks };
}

/** What both databases hold, each seen at one moment. */
export async function readContents(sockets: string, step: (text: string) => void): Promise<Contents> {
  const read = (database: string) =>
    withClient({ sockets, database }, async (client) => {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      return contentOf(client, step);
    });
  return { trading: await read("trading"), mlflow: await read("mlflow") };
}

/** Whether the databases hold what a recovery point says. */
export function compareContents(compare: RestoreTarget["compare"], found: Contents, databases: readonly (keyof Contents)[] = DATABASES): Check {
  const name = "content";
  if (compare === null) return { name, passed: true, detail: "there is no recovery point from before to compare with" };
  const { point, mode } = compare;
  const wrong = databases.flatMap((database) => differences(point.databases[database], found[database], mode).map((text) => `${database}: ${text}`));
  const tables = databases.reduce((sum, database) => sum + point.databases[database].tables.length, 0);
  const rows = databases.reduce((sum, database) => sum + found[database].tables.reduce((all, table) => all + table.rows, 0), 0);
  const good = mode === "exact" ? `all ${tables} tables are what ${point.id} says, ${rows} rows` : `all ${tables} tables of ${point.id} are there and have not shrunk, ${rows} rows`;
  return { name, passed: wrong.length === 0, detail: wrong.length === 0 ? good : some(wrong) };
}

/** Whether all of the log that is archived was read. A hole cannot be mended by restoring otherwise: it is said, and no failure. */
export function logCheck({ endsAt, backup }: RestoreTarget): Check {
  return { name: "log", passed: true, detail: endsAt === null ? `complete since ${backup.label}` : `the archive lacks ${endsAt}: what was written after that is lost` };
}

/** Every hypertable is one still, and every index is valid. */
export function structureCheck(found: Contents, databases: readonly (keyof Contents)[] = DATABASES): Check[] {
  const invalid = databases.reduce((sum, database) => sum + found[database].invalidIndexes, 0);
  const indexes = databases.reduce((sum, database) => sum + found[database].indexes, 0);
  const hypertables = databases.flatMap((database) => Object.entries(found[database].hypertables));
  return [
    { name: "indexes valid", passed: invalid === 0, detail: invalid === 0 ? `${indexes} indexes` : `${invalid} of ${indexes} indexes are not valid` },
    { name: "hypertables", passed: !databases.includes("trading") || hypertables.length > 0 || found.trading.tables.length === 0, detail: hypertables.map(([table, chunks]) => `${table}: ${chunks} chunks`).join(", ") || "none" },
  ];
}

/** amcheck over all B-tree indexes of a database, system tables included. Leaves nothing in the database. */
export async function indexCheck(sockets: string, database: string, signal: AbortSignal): Promise<Check> {
  return withClient({ sockets, database }, async (client) => {
    // Made in a transaction that is taken back: what was restored stays as it was.
    await client.query("BEGIN");
    await client.query("CREATE EXTENSION IF NOT EXISTS amcheck");
    const { rows } = await client.query<{ id: number; name: string; whole: boolean }>(
      `SELECT i.indexrelid::int8 AS id, i.indexrelid::regclass::text AS name, pg_relation_size(i.indrelid) <= $1 AS whole
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisvalid AND i.indisready`,
      [wholeTableBytes],
    );
    const wrong: string[] = [];
    for (const { id, name, whole } of rows) {
      signal.throwIfAborted();
      await client.query("SAVEPOINT one");
      try {
        await client.query("SELECT bt_index_check($1::oid::regclass, $2)", [id, whole]);
      } catch (error) {
        await client.query("ROLLBACK TO one");
        wrong.push(`${name}: ${(error as Error).message}`);
      }
      await client.query("RELEASE one");
    }
    await client.query("ROLLBACK");
    return { name: `amcheck ${database}`, passed: wrong.length === 0, detail: wrong.length === 0 ? `${rows.length} indexes, ${rows.filter(({ whole }) => whole).length} of them with every row` : some(wrong) };
  });
}

interface Dimension {
  schema: string;
  name: string;
  column: string;
  type: string;
  interval: string | null;
}

/** Rows can be written, into a new chunk of every hypertable as well. Everything is taken back. */
export async function writeCheck(sockets: string, database: string): Promise<Check> {
  const name = `writing ${database}`;
  return withClient({ sockets, database }, async (client) => {
    const tried: string[] = [];
    try {
      await client.query("BEGIN");
      await client.query("CREATE TABLE public.written_after_restore (at timestamptz PRIMARY KEY)");
      await client.query("INSERT INTO public.written_after_restore VALUES (now())");
      for (const dimension of await dimensions(client)) tried.push(await writeNewChunk(client, dimension));
    } catch (error) {
      return { name, passed: false, detail: (error as Error).message };
    } finally {
      await client.query("ROLLBACK");
    }
    return { name, passed: true, detail: ["a new table takes rows", ...tried].join("; ") };
  });
}

/** The time dimension of every hypertable. */
async function dimensions(client: pg.Client): Promise<Dimension[]> {
  if ((await client.query("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")).rowCount === 0) return [];
  const { rows } = await client.query<Dimension>(
    `SELECT hypertable_schema AS schema, hypertable_name AS name, column_name AS column, column_type::text AS type, time_interval::text AS interval
       FROM timescaledb_information.dimensions WHERE dimension_number = 1 ORDER BY 1, 2`,
  );
  return rows;
}

/** Copies the newest row to beyond the newest chunk. @throws when the database refuses */
async function writeNewChunk(client: pg.Client, { schema, name, column, type, interval }: Dimension): Promise<string> {
  const table = qualifiedName({ schema, name });
  if (interval === null || !type.startsWith("timestamp")) return `${name}: its chunks are not by time, none was made`;
  const time = escapeIdentifier(column);
  const chunks = async () => (await client.query<{ count: number }>("SELECT count(*) AS count FROM timescaledb_information.chunks WHERE hypertable_schema = $1 AND hypertable_name = $2", [schema, name])).rows[0]!.count;
  const before = await chunks();
  const columns = (
    await client.query<{ name: string }>("SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum", [table])
  ).rows.map((row) => escapeIdentifier(row.name));
  const values = columns.map((each) => (each === time ? `${time} + 2 * $1::interval` : each));
  const { rowCount } = await client.query(
    `INSERT INTO ${table} (${columns.join(", ")}) OVERRIDING SYSTEM VALUE SELECT ${values.join(", ")} FROM (SELECT * FROM ${table} ORDER BY ${time} DESC LIMIT 1) AS newest`,
    [interval],
  );
  if (rowCount === 0) return `${name}: empty, no chunk was made`;
  if ((await chunks()) !== before + 1) throw new Error(`a row beyond the newest chunk of ${name} made no new chunk`);
  return `${name}: a new chunk takes rows`;
}

function some(problems: readonly string[]): string {
  return `${problems.slice(0, 8).join("; ")}${problems.length > 8 ? `; and ${problems.length - 8} more` : ""}`;
}
