import type { DatabaseContent } from "../../domain/backup/recoveryPoint";

/** Rows by database and `schema.table`. */
export type RowCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** A table as it is in the running server. */
export interface TableNow {
  readonly rows: number;
  /** Newest value of the time in its primary key; null where it has none, or no row. */
  readonly newest: string | null;
  /** Rows whose time is after the moment that was asked for; null where it has no time. */
  readonly newer: number | null;
}

/** Tables by database and `schema.table`. */
export type ContentNow = Readonly<Record<string, Readonly<Record<string, TableNow>>>>;

/** A table that holds something else now than it did then. */
export interface Loss extends TableNow {
  readonly database: string;
  readonly table: string;
  /** null where there was no such table. */
  readonly rowsThen: number | null;
  /** Newest row then; null where it is not known. */
  readonly newestThen: string | null;
}

/** Rows of each table of a database as its manifest has them. */
export function rowsOf(content: DatabaseContent): Record<string, number> {
  return Object.fromEntries(content.tables.map(({ schema, name, rows }) => [`${schema}.${name}`, rows]));
}

/** What the tables hold now and did not then: other numbers of rows, or rows that are newer; others are left out. */
export function losses(now: ContentNow, then: Readonly<Record<string, DatabaseContent>>): Loss[] {
  return Object.entries(now).flatMap(([database, tables]) => {
    const before = new Map((then[database]?.tables ?? []).map((table) => [`${table.schema}.${table.name}`, table]));
    return Object.entries(tables).flatMap(([table, held]): Loss[] => {
      const old = before.get(table);
      const same = old === undefined ? held.rows === 0 : old.rows === held.rows;
      if (same && (held.newer ?? 0) === 0) return [];
      return [{ database, table, ...held, rowsThen: old?.rows ?? null, newestThen: old?.newest ?? null }];
    });
  });
}

/** Only the numbers of rows. */
export function rowCounts(content: ContentNow): RowCounts {
  return Object.fromEntries(Object.entries(content).map(([database, tables]) => [database, Object.fromEntries(Object.entries(tables).map(([table, { rows }]) => [table, rows]))]));
}

/** Tables whose number of rows is not what it has to be, in words; a table that is not expected is no difference. */
export function rowDifferences(expected: RowCounts, found: RowCounts): string[] {
  return Object.entries(expected).flatMap(([database, tables]) =>
    Object.entries(tables).flatMap(([table, rows]) => {
      const there = found[database]?.[table];
      if (there === rows) return [];
      return [`${database}: ${table} ${there === undefined ? "is missing" : `has ${there} rows`}, restored were ${rows}`];
    }),
  );
}
