import type { DatabaseContent, TableContent } from "./recoveryPoint";

/**
 * What a restored database lacks of what a manifest says, in words for the owner; empty when it is right.
 * @param mode `exact`: restored to the point itself, or from its dump: nothing more, nothing less. `atLeast`: restored to a
 * later moment: books (tables with a time column) have only grown; other tables may have changed and shrunk, but what
 * held rows is not empty. Hashes are compared in `exact` only.
 */
export function differences(expected: DatabaseContent, found: DatabaseContent, mode: "exact" | "atLeast"): string[] {
  const exact = mode === "exact";
  const foundTables = new Map(found.tables.map((table) => [nameOf(table), table]));
  const expectedTables = new Set(expected.tables.map(nameOf));
  const words: string[] = [];
  for (const table of expected.tables) {
    const other = foundTables.get(nameOf(table));
    if (other === undefined) words.push(`table ${nameOf(table)} is missing`);
    else words.push(...(exact ? exactTable(table, other) : laterTable(table, other)));
  }
  if (exact) words.push(...[...foundTables.keys()].filter((name) => !expectedTables.has(name)).map((name) => `table ${name} is not in the manifest`));
  return [...words, ...hypertables(expected, found, exact), ...indexes(expected, found, exact)];
}

function nameOf({ schema, name }: TableContent): string {
  return `${schema}.${name}`;
}

function exactTable(expected: TableContent, found: TableContent): string[] {
  const words: string[] = [];
  const name = nameOf(expected);
  if (found.rows !== expected.rows) words.push(`table ${name} holds ${found.rows} rows, not ${expected.rows}`);
  if (!sameMoment(found.newest, expected.newest)) words.push(`newest row of table ${name} is of ${found.newest ?? "no time"}, not ${expected.newest ?? "no time"}`);
  if (expected.hash === null) return words;

  const { since, rows, value } = expected.hash;
  const hashed = `rows of table ${name}${since === null ? "" : ` since ${since}`}`;
  if (found.hash === null) words.push(`${hashed} were not compared: no hash`);
  else if (!sameMoment(found.hash.since, since)) words.push(`${hashed} were not compared: the hash found is of rows since ${found.hash.since ?? "ever"}`);
  else if (found.hash.rows !== rows) words.push(`${hashed}: ${found.hash.rows} were found, not ${rows}`);
  else if (found.hash.value !== value) words.push(`${hashed} are not the same: their hash is ${found.hash.value}, not ${value}`);
  return words;
}

function laterTable(expected: TableContent, found: TableContent): string[] {
  const name = nameOf(expected);
  if (expected.newest === null) return expected.rows > 0 && found.rows === 0 ? [`table ${name} is empty; it held ${expected.rows} rows`] : [];
  const words: string[] = [];
  if (found.rows < expected.rows) words.push(`table ${name} holds ${found.rows} rows; it held ${expected.rows} already`);
  if (found.newest === null || sortable(found.newest) < sortable(expected.newest)) {
    words.push(`newest row of table ${name} is of ${found.newest ?? "no time"}; there was one of ${expected.newest} already`);
  }
  return words;
}

function hypertables(expected: DatabaseContent, found: DatabaseContent, exact: boolean): string[] {
  const words: string[] = [];
  for (const [name, chunks] of Object.entries(expected.hypertables)) {
    const other = found.hypertables[name];
    if (other === undefined) words.push(`table ${name} is no hypertable any more`);
    else if (exact ? other !== chunks : other < chunks) words.push(`hypertable ${name} has ${other} chunks, not ${chunks}${exact ? "" : " or more"}`);
  }
  if (!exact) return words;
  const others = Object.keys(found.hypertables).filter((name) => expected.hypertables[name] === undefined);
  return [...words, ...others.map((name) => `table ${name} is a hypertable, and was none`)];
}

function indexes(expected: DatabaseContent, found: DatabaseContent, exact: boolean): string[] {
  const words: string[] = [];
  const wrong = exact ? found.indexes !== expected.indexes : found.indexes < expected.indexes;
  if (wrong) words.push(`there are ${found.indexes} indexes, not ${expected.indexes}${exact ? "" : " or more"}`);
  if (found.invalidIndexes > expected.invalidIndexes) words.push(`indexes that are not valid: ${found.invalidIndexes}, not ${expected.invalidIndexes}`);
  return words;
}

function sameMoment(one: string | null, other: string | null): boolean {
  return one === null || other === null ? one === other : sortable(one) === sortable(other);
}

/** An ISO time in UTC in a form whose order is that of time, to the nanosecond: a Date would drop PostgreSQL's microseconds. */
function sortable(time: string): string {
  const [, minutes = time, seconds = "00", fraction = ""] = /^(.*T\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?Z$/.exec(time) ?? [];
  return `${minutes}:${seconds}.${fraction.padEnd(9, "0")}`;
}
