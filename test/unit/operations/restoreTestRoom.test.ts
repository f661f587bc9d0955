import { expect } from "chai";
import { neededBytes } from "../../../operations/backup/restorePlan";
import { chooseTarget } from "../../../operations/backup/restoreTarget";
import { failure } from "../../../operations/errors";
import { restoreInto, type RestoringWorld } from "../../../operations/restoreTest/restoring";
import { recoveryPointOf } from "./restoreTestPoint";

describe("the room that a restore test takes on the disk of what trades", () => {
  const target = chooseTarget({ kind: "latest" }, { points: [recoveryPointOf("20261120T020000Z")], log: null });
  const temporary = { name: "restoretest0a1b2c", owner: "c1", folder: "/nowhere", key: "k" };
  let asked: [tool: string, request: object][];
  const world = (free: number): RestoringWorld => ({
    tools: {
      run: async (_site, tool, request) => {
        asked.push([tool, request]);
        throw failure("no further");
      },
      hold: () => Promise.reject(new Error("not asked for")),
      endLeftOvers: () => Promise.reject(new Error("not asked for")),
    },
    site: { stack: temporary.name, mode: "paper", owner: "c1", image: "sha256:1", backupsOf: "paper", secondCopy: { kind: "path", path: "/copy" } },
    say: () => undefined,
    writeProgress: () => undefined,
    freeBytes: async () => free,
    now: () => 0,
  });
  const message = (of: Promise<unknown>) => of.then(() => expect.fail("it went well"), (error: Error) => error.message);
  beforeEach(() => (asked = []));

  for (const [from, more] of [
    ["first", ""],
    ["second", ", and the repository that is fetched on top"],
  ] as const) {
    it(`is looked at before anything is read from the ${from} copy`, async () => {
      const needed = neededBytes("all", target);
      expect(await message(restoreInto(world(needed - 1), temporary, from, target))).to.match(new RegExp(`^not enough room for a restore test: [\\d.]+ [MG]B are needed beside what runs${more}, and [\\d.]+ [MG]B are free$`));
      expect(asked).to.deep.equal([]);
    });
  }

  it("is told to the fetch, which alone knows how large the repository is", async () => {
    const needed = neededBytes("all", target);
    expect(await message(restoreInto(world(needed), temporary, "second", target))).to.equal("no further");
    expect(asked).to.deep.equal([["fetch", { point: null, besideBytes: needed }]]);
  });
});
