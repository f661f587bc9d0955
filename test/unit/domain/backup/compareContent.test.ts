import { expect } from "chai";
import fc from "fast-check";
import { differences } from "../../../../domain/backup/compareContent";
import type { DatabaseContent, TableContent } from "../../../../domain/backup/recoveryPoint";

const table = (name: string, changes: Partial<TableContent> = {}): TableContent => ({
  schema: "trading",
  name,
  rows: 100,
  newest: "2026-11-21T02:10:00.123456Z",
  hash: { since: null, rows: 100, value: "aaa" },
  ...changes,
});
const settings = table("settings", { rows: 3, newest: null, hash: { since: null, rows: 3, value: "bbb" } });
const candles = table("candles", { rows: 5_000_000, hash: { since: "2026-11-14T02:10:00.000000Z", rows: 9000, value: "ccc" } });
const content = (changes: Partial<DatabaseContent> = {}): DatabaseContent => ({
  tables: [table("fills"), settings, candles],
  hypertables: { "trading.candles": 12 },
  indexes: 40,
  invalidIndexes: 0,
  ...changes,
});
const withTable = (changed: TableContent) => content({ tables: content().tables.map((one) => (one.name === changed.name ? changed : one)) });

describe("a restored database", () => {
  const cases: [name: string, found: DatabaseContent, exact: string[], atLeast: string[]][] = [
    ["is right when it is the same", content(), [], []],
    ["is right in another order of tables", content({ tables: [...content().tables].reverse() }), [], []],
    ["lacks a table", content({ tables: [settings, candles] }), ["table trading.fills is missing"], ["table trading.fills is missing"]],
    ["has a table too many", content({ tables: [...content().tables, table("extra")] }), ["table trading.extra is not in the manifest"], []],
    [
      "lacks a row",
      withTable(table("fills", { rows: 99, hash: { since: null, rows: 99, value: "xxx" } })),
      ["table trading.fills holds 99 rows, not 100", "rows of table trading.fills: 99 were found, not 100"],
      ["table trading.fills holds 99 rows; it held 100 already"],
    ],
    ["has a row more", withTable(table("fills", { rows: 101, hash: { since: null, rows: 101, value: "xxx" } })), ["table trading.fills holds 101 rows, not 100", "rows of table trading.fills: 101 were found, not 100"], []],
    ["has another value in a row", withTable(table("fills", { hash: { since: null, rows: 100, value: "xxx" } })), ["rows of table trading.fills are not the same: their hash is xxx, not aaa"], []],
    [
      "has another value in a large table",
      withTable({ ...candles, hash: { ...candles.hash!, value: "xxx" } }),
      ["rows of table trading.candles since 2026-11-14T02:10:00.000000Z are not the same: their hash is xxx, not ccc"],
      [],
    ],
    ["was not hashed", withTable(table("fills", { hash: null })), ["rows of table trading.fills were not compared: no hash"], []],
    [
      "was hashed from another moment on",
      withTable({ ...candles, hash: { ...candles.hash!, since: null } }),
      ["rows of table trading.candles since 2026-11-14T02:10:00.000000Z were not compared: the hash found is of rows since ever"],
      [],
    ],
    [
      "lost the newest microsecond",
      withTable(table("fills", { newest: "2026-11-21T02:10:00.123455Z" })),
      ["newest row of table trading.fills is of 2026-11-21T02:10:00.123455Z, not 2026-11-21T02:10:00.123456Z"],
      ["newest row of table trading.fills is of 2026-11-21T02:10:00.123455Z; there was one of 2026-11-21T02:10:00.123456Z already"],
    ],
    ["went on", withTable(table("fills", { newest: "2026-11-21T02:11:00Z", rows: 100 })), ["newest row of table trading.fills is of 2026-11-21T02:11:00Z, not 2026-11-21T02:10:00.123456Z"], []],
    [
      "lost all rows of a book",
      withTable(table("fills", { rows: 0, newest: null })),
      ["table trading.fills holds 0 rows, not 100", "newest row of table trading.fills is of no time, not 2026-11-21T02:10:00.123456Z"],
      ["table trading.fills holds 0 rows; it held 100 already", "newest row of table trading.fills is of no time; there was one of 2026-11-21T02:10:00.123456Z already"],
    ],
    ["has fewer rows in a table that is no book", withTable({ ...settings, rows: 2 }), ["table trading.settings holds 2 rows, not 3"], []],
    ["has no rows in a table that is no book", withTable({ ...settings, rows: 0 }), ["table trading.settings holds 0 rows, not 3"], ["table trading.settings is empty; it held 3 rows"]],
    ["has a plain table for a hypertable", content({ hypertables: {} }), ["table trading.candles is no hypertable any more"], ["table trading.candles is no hypertable any more"]],
    ["has a hypertable for a plain table", content({ hypertables: { "trading.candles": 12, "trading.fills": 1 } }), ["table trading.fills is a hypertable, and was none"], []],
    ["lacks a chunk", content({ hypertables: { "trading.candles": 11 } }), ["hypertable trading.candles has 11 chunks, not 12"], ["hypertable trading.candles has 11 chunks, not 12 or more"]],
    ["has a chunk more", content({ hypertables: { "trading.candles": 13 } }), ["hypertable trading.candles has 13 chunks, not 12"], []],
    ["lacks an index", content({ indexes: 39 }), ["there are 39 indexes, not 40"], ["there are 39 indexes, not 40 or more"]],
    ["has an index more", content({ indexes: 41 }), ["there are 41 indexes, not 40"], []],
    ["has an index that is not valid", content({ invalidIndexes: 1 }), ["indexes that are not valid: 1, not 0"], ["indexes that are not valid: 1, not 0"]],
  ];
  for (const [name, found, exact, atLeast] of cases) {
    it(name, () => {
      expect(differences(content(), found, "exact")).to.deep.equal(exact);
      expect(differences(content(), found, "atLeast")).to.deep.equal(atLeast);
    });
  }

  it("may write the same moment in another way", () => {
    const expected = content({ tables: [table("fills", { newest: "2026-11-21T02:10:00Z", hash: { since: "2026-11-20T02:10Z", rows: 1, value: "a" } })] });
    const found = content({ tables: [table("fills", { newest: "2026-11-21T02:10:00.000000Z", hash: { since: "2026-11-20T02:10:00.000Z", rows: 1, value: "a" } })] });
    expect(differences(expected, found, "exact")).to.deep.equal([]);
    expect(differences(expected, found, "atLeast")).to.deep.equal([]);
  });

  it("compares only numbers of a table that was too large to hash", () => {
    const expected = withTable({ ...settings, rows: 900_000, hash: null });
    expect(differences(expected, expected, "exact")).to.deep.equal([]);
    expect(differences(expected, withTable({ ...settings, rows: 899_999, hash: null }), "exact")).to.deep.equal(["table trading.settings holds 899999 rows, not 900000"]);
  });

  const someTable = fc
    .record({ name: fc.constantFrom("a", "b", "c"), rows: fc.nat(3), time: fc.option(fc.nat(3)), hash: fc.option(fc.nat(2)) })
    .map(({ name, rows, time, hash }) =>
      table(name, { rows, newest: time === null ? null : `2026-11-21T00:00:0${time}Z`, hash: hash === null ? null : { since: null, rows, value: String(hash) } }),
    );
  const someContent = fc.record({
    tables: fc.uniqueArray(someTable, { selector: ({ name }) => name }),
    hypertables: fc.dictionary(fc.constantFrom("trading.a", "trading.b"), fc.nat(2)),
    indexes: fc.nat(2),
    invalidIndexes: fc.nat(1),
  });

  it("is right against itself, and what is exactly right is right at least", () => {
    fc.assert(
      fc.property(someContent, someContent, (one, other) => {
        expect(differences(one, one, "exact")).to.deep.equal([]);
        if (differences(one, other, "exact").length === 0) expect(differences(one, other, "atLeast")).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it("is told from another one that has what the first one has not", () => {
    fc.assert(
      fc.property(someContent, someContent, (one, other) => {
        const bare = ({ tables, hypertables, indexes }: DatabaseContent) => JSON.stringify([tables.map(({ schema, name, rows, newest }) => [schema, name, rows, newest]).sort(), Object.entries(hypertables).sort(), indexes]);
        if (bare(one) !== bare(other)) expect(differences(one, other, "exact")).not.to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });
});
