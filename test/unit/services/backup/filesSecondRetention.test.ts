import { expect } from "chai";
import { forgotten, passingCopies } from "../../../../services/backup/files/secondRetention";
import type { Snapshot } from "../../../../services/backup/files/snapshots";

const snapshot = (id: string, kind: string, point: string | undefined, time = "2026-11-21T00:00:00.000Z"): Snapshot => ({ id, origin: id, kind, point, time, tags: [], files: 1, bytes: 1 });

describe("retention of the second copy", () => {
  const there = ["a", "b", "c"].flatMap((point) => ["artifacts", "clone"].map((kind) => snapshot(`${kind}-${point}`, kind, point)));
  const all = new Set(["a", "b", "c"]);
  const none = new Set<string>();
  const cases: [string, Parameters<typeof forgotten>[1], string[]][] = [
    ["follows the first", { current: ["b", "c"], known: all, proved: none }, ["artifacts-a", "clone-a"]],
    ["keeps what the first still has", { current: ["a", "b", "c"], known: all, proved: none }, []],
    ["keeps what these backups never had", { current: ["c"], known: new Set(["c"]), proved: none }, []],
    ["keeps the newest proven one", { current: ["c"], known: all, proved: new Set(["a", "b"]) }, ["artifacts-a", "clone-a"]],
    ["keeps the newest of each kind", { current: ["a"], known: all, proved: none }, ["artifacts-b", "clone-b"]],
    ["keeps everything while the catalog is empty", { current: [], known: all, proved: none }, []],
    ["keeps everything while the catalog is damaged", { current: null, known: all, proved: none }, []],
  ];
  for (const [what, first, removed] of cases) it(what, () => expect(forgotten(there, first)).to.deep.equal(removed));

  it("leaves images, and what is no point's, alone", () => {
    const others = [snapshot("i", "image", undefined), snapshot("p", "pgbackrest", undefined)];
    expect(forgotten([...others, ...there], { current: ["c"], known: all, proved: none })).to.not.include.members(["i", "p"]);
  });

  it("keeps the newest four copies of the database, and the newest of each of seven days", () => {
    const copies = Array.from({ length: 10 * 48 }, (_, index) => snapshot(String(index), "pgbackrest", undefined, new Date(Date.UTC(2026, 10, 11) + index * 1_800_000).toISOString()));
    const removed = new Set(passingCopies(copies));
    const kept = copies.filter(({ id }) => !removed.has(id)).map(({ id }) => Number(id));
    expect(kept).to.deep.equal([191, 239, 287, 335, 383, 431, 476, 477, 478, 479]);
  });

  it("keeps a copy of long ago when there is none newer", () => {
    expect(passingCopies([snapshot("old", "catalog", undefined, "2020-01-01T00:00:00.000Z")])).to.deep.equal([]);
  });
});
