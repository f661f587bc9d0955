import { stackNames } from "../../config/names";
import { failure } from "../errors";
import { dockerCode } from "./docker";
import type { ContentNow, TableNow } from "./losses";

/** Longest time a count of one table may take. */
const STATEMENT_TIMEOUT = "10min";

/**
 * Counts every table of a user, and of those with a time in the primary key the rows after :at. What belongs to
 * PostgreSQL, TimescaleDB or another extension is left out, as it is in the manifests.
 */
const COUNT_ALL = `
set statement_timeout = '${STATEMENT_TIMEOUT}';
set lock_timeout = '30s';
set timezone = 'UTC';
with tables as (
  select c.oid, n.nspname, c.relname,
    (select a.attname from pg_index i
       join unnest(i.indkey::int2[]) with ordinality as k(number, position) on true
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
      where i.indrelid = c.oid and i.indisprimary and a.atttypid = 'timestamptz'::regtype
      order by k.position desc limit 1) as time
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
    and n.nspname !~ '^(_timescaledb_.*|timescaledb_.*|pg_.*|information_schema)$'
    and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))
select format('select %L, count(*), %s, %s from %I.%I', nspname || '.' || relname,
  case when time is null then 'null' else format('to_char(max(%1$I) filter (where isfinite(%1$I)), %2$L)', time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end,
  case when time is null then 'null' else format('count(*) filter (where %I > %L::timestamptz)', time, :'at') end,
  nspname, relname)
from tables order by nspname, relname \\gexec
`;

/** Lines `schema.table|rows|newest|newer`. */
export function parseCounts(text: string): Record<string, TableNow> {
  const lines = text.split("\n").filter((line) => line.includes("|"));
  return Object.fromEntries(
    lines.map((line) => {
      const [newer = "", newest = "", rows = "", ...name] = line.split("|").reverse();
      return [name.reverse().join("|"), { rows: Number(rows), newest: newest === "" ? null : newest, newer: newer === "" ? null : Number(newer) }] as const;
    }),
  );
}

/** Runs SQL in the stack's own server, as its superuser, over the container's inner socket. @returns what psql printed */
export async function serverQuery(stack: string, database: string, sql: string, variables: Readonly<Record<string, string>> = {}): Promise<string> {
  const container = stackNames(stack).container("timescaledb");
  const words = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--username", "postgres", "--dbname", database];
  const set = Object.entries(variables).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const { code, stdout, stderr } = await dockerCode(["exec", "--interactive", container, ...words, ...set], sql);
  if (code !== 0) throw failure(`the database does not answer: ${stderr.trim().replace(/\s*\n\s*/g, "; ")}`);
  return stdout;
}

/**
 * Every table of the given databases as it is in the running server.
 *
 * @param at moment after which rows count as newer
 * @throws {CommandError} when it does not answer
 */
export async function serverContent(stack: string, databases: readonly string[], at: string): Promise<ContentNow> {
  const found: Record<string, Record<string, TableNow>> = {};
  for (const database of databases) found[database] = parseCounts(await serverQuery(stack, database, COUNT_ALL, { at }));
  return found;
}
