import pg from "pg";
import type { DatabaseContent, TableContent } from "../../../domain/backup/recoveryPoint";
import { standingStill } from "../standingStill";

const { escapeIdentifier } = pg;

/** A table with more rows than this is hashed in part: rows of the newest days, and no more of them than this either. */
const hashedRows = 100_000;
const hashedDays = 7;
/** What that takes. */
const hashMilliseconds = 100;

/** Pages of a table that are counted at a time, some 20 ms. */
const pagesAtATime = 2048;

/** What TimescaleDB keeps for itself: it may differ between two databases with the same content. */
const internalSchemas = "^(_timescaledb_.*|timescaledb_.*|pg_.*|information_schema)$";
/** Chunks and their indexes lie in an internal schema and count all the same. */
const countedIndexes = "^(_timescaledb_(catalog|config|cache|debug|functions)|timescaledb_.*|pg_.*|information_schema)$";

interface Table {
  schema: string;
  name: string;
  /** Column of type timestamptz in the primary key; the last of them where there are more. */
  timeColumn: string | null;
}

/** Tables of users that survive a restart, sorted by schema and name. */
export async function userTables(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT n.nspname AS schema, c.relname AS name,
            (SELECT a.attname FROM pg_index i
               JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, position) ON true
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
              WHERE i.indrelid = c.oid AND i.indisprimary AND a.atttypid = 'timestamptz'::regtype
              ORDER BY k.position DESC LIMIT 1) AS "timeColumn"
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname !~ $1
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
    [internalSchemas],
  );
  return rows;
}

/** The table's name as SQL has it. */
export function qualifiedName(table: { readonly schema: string; readonly name: string }): string {
  return `${escapeIdentifier(table.schema)}.${escapeIdentifier(table.name)}`;
}

/**
 * What the database holds, as this client's transaction sees it: for an exact answer one of isolation REPEATABLE READ.
 * @param step told of each table before it is counted
 * @param beside clients whose transactions see the same: they count other tables meanwhile
 */
export async function contentOf(client: pg.Client, step: (text: string) => void = () => undefined, beside: readonly pg.Client[] = []): Promise<DatabaseContent> {
  const found = await userTables(client);
  const pieces = await piecesOf(client, found);
  const waiting = [...found.entries()];
  const tables: TableContent[] = [];
  const countNext = async (by: pg.Client) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, table] = next;
      step(`counting ${table.schema}.${table.name}`);
      tables[index] = await tableContent(by, table, pieces[index]!);
    }
  };
  await Promise.all([client, ...beside].map(countNext));
  const { rows } = await client.query<{ indexes: number; invalid: number }>(
    `SELECT count(*) AS indexes, count(*) FILTER (WHERE NOT i.indisvalid OR NOT i.indisready) AS invalid
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ $1 AND c.relpersistence = 'p'`,
    [countedIndexes],
  );
  return { tables, hypertables: await hypertables(client), indexes: rows[0]!.indexes, invalidIndexes: rows[0]!.invalid };
}

interface Counted {
  rows: number;
  newest: string | null;
  /** So many days before the newest time. */
  recent: string | null;
}

async function tableContent(client: pg.Client, { schema, name, timeColumn }: Table, pieces: readonly string[]): Promise<TableContent> {
  const from = qualifiedName({ schema, name });
  const counted = await count(client, from, timeColumn, pieces);
  return { schema, name, rows: counted.rows, newest: counted.newest, hash: await hashOf(client, from, timeColumn, counted) };
}

/** Counts a table piece by piece, so that bots that decide meanwhile wait for one piece at most. */
async function count(client: pg.Client, from: string, timeColumn: string | null, pieces: readonly string[]): Promise<Counted> {
  const time = timeColumn === null ? "NULL::timestamptz" : escapeIdentifier(timeColumn);
  let all = 0;
  const newest: string[] = [];
  for (const condition of pieces) {
    await standingStill.free();
    const { rows } = await client.query<{ rows: number; newest: string | null }>(
      `SELECT count(*) AS rows, ${asText(`max(${time}) FILTER (WHERE isfinite(${time}))`)} AS newest FROM ${from} WHERE ${condition}`,
    );
    all += rows[0]!.rows;
    if (rows[0]!.newest !== null) newest.push(rows[0]!.newest);
  }
  const { rows } = await client.query<Omit<Counted, "rows">>(
    `SELECT ${asText("max(moment)")} AS newest, ${asText(`max(moment) - interval '${hashedDays} days'`)} AS recent FROM unnest($1::timestamptz[]) AS moment`,
    [newest],
  );
  return { rows: all, ...rows[0]! };
}

/**
 * Of each table, conditions that together are true of every row exactly once, each for some pages. Of a table that has parts
 * (a hypertable its chunks) each takes some pages of every part.
 */
async function piecesOf(client: pg.Client, tables: readonly Table[]): Promise<string[][]> {
  const { rows } = await client.query<{ parts: number; pages: number }>(
    `WITH RECURSIVE part AS (
       SELECT position, name::regclass::oid AS id FROM unnest($1::text[]) WITH ORDINALITY AS t(name, position)
       UNION ALL SELECT position, i.inhrelid FROM pg_inherits i JOIN part p ON i.inhparent = p.id)
     SELECT count(*) AS parts, max(pg_relation_size(id)) / current_setting('block_size')::int AS pages FROM part GROUP BY position ORDER BY position`,
    [tables.map(qualifiedName)],
  );
  return rows.map(({ parts, pages }) => {
    if (parts * pages <= pagesAtATime) return ["true"];
    const each = Math.max(1, Math.floor(pagesAtATime / parts));
    const starts = Array.from({ length: Math.ceil(pages / each) }, (_, index) => index * each);
    // What was added since the pages were looked at belongs to the last piece.
    return starts.map((start, index) => `ctid >= '(${start},0)'${index + 1 < starts.length ? ` AND ctid < '(${start + each},0)'` : ""}`);
  });
}

async function hashOf(client: pg.Client, from: string, timeColumn: string | null, { rows, recent }: Counted): Promise<TableContent["hash"]> {
  if (rows <= hashedRows) return { since: null, ...(await hashRows(client, from, "true", [])) };
  if (timeColumn === null || recent === null) return null;
  const time = escapeIdentifier(timeColumn);
  const since = (moment: string) => hashRows(client, from, `${time} >= $1::timestamptz AND isfinite(${time})`, [moment]);
  const ofDays = await since(recent);
  if (ofDays.rows <= hashedRows) return { since: recent, ...ofDays };
  // Even the newest days are too many rows: since right after the first one that is too many.
  const beyond = await client.query<{ since: string }>(
    `SELECT ${asText(`${time} + interval '1 microsecond'`)} AS since FROM ${from} WHERE ${time} >= $1::timestamptz AND isfinite(${time}) ORDER BY ${time} DESC OFFSET ${hashedRows} LIMIT 1`,
    [recent],
  );
  const moment = beyond.rows[0]!.since;
  return { since: moment, ...(await since(moment)) };
}

/**
 * The sum of the rows' hashes does not depend on their order, and a row that is there twice counts twice. Where there are
 * more rows than are hashed, it is of some of them.
 */
async function hashRows(client: pg.Client, from: string, condition: string, values: readonly string[]): Promise<{ rows: number; value: string }> {
  await standingStill.free(hashMilliseconds);
  const { rows } = await client.query<{ rows: number; value: string }>(
    `SELECT count(*) AS rows, coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text AS value
       FROM (SELECT * FROM ${from} WHERE ${condition} LIMIT ${hashedRows + 1}) AS t`,
    [...values],
  );
  return rows[0]!;
}

/** SQL that writes a time as ISO 8601 with all its digits. */
function asText(time: string): string {
  return `to_char((${time}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

async function hypertables(client: pg.Client): Promise<Record<string, number>> {
  if ((await client.query("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")).rowCount === 0) return {};
  const { rows } = await client.query<{ name: string; chunks: number }>(
    `SELECT hypertable_schema || '.' || hypertable_name AS name, num_chunks AS chunks FROM timescaledb_information.hypertables ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, chunks }) => [name, chunks]));
}

/** Name of the newest migration, or "none". */
export async function tradingSchema(client: pg.Client): Promise<string> {
  if (!(await exists(client, "trading.migrations"))) return "none";
  const { rows } = await client.query<{ name: string }>("SELECT name FROM trading.migrations ORDER BY id DESC LIMIT 1");
  return rows[0]?.name ?? "none";
}

/** Alembic revision of MLflow's database; null before MLflow used it. */
export async function mlflowSchema(client: pg.Client): Promise<string | null> {
  if (!(await exists(client, "public.alembic_version"))) return null;
  const { rows } = await client.query<{ revision: string }>("SELECT version_num AS revision FROM public.alembic_version ORDER BY 1");
  return rows.length === 0 ? null : rows.map(({ revision }) => revision).join(",");
}

/** Version of TimescaleDB in this database, or "none". */
export async function timescaleVersion(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ version: string }>("SELECT extversion AS version FROM pg_extension WHERE extname = 'timescaledb'");
  return rows[0]?.version ?? "none";
}

/** Version of the server, for example `17.12`. */
export async function postgresVersion(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ version: string }>("SELECT split_part(current_setting('server_version'), ' ', 1) AS version");
  return rows[0]!.version;
}

async function exists(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [table]);
  return rows[0]!.found;
}
