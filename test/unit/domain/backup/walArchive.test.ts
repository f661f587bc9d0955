import { expect } from "chai";
import fc from "fast-check";
import { gaps, segmentAfter, type WalGap } from "../../../../domain/backup/walArchive";

const segment = (number: number, timeline = 1) =>
  [timeline, Math.floor(number / 256), number % 256].map((part) => part.toString(16).toUpperCase().padStart(8, "0")).join("");
const range = (from: number, to: number, timeline = 1) => Array.from({ length: to - from + 1 }, (_, index) => segment(from + index, timeline));

describe("the segment after another", () => {
  const cases: [name: string, segment: string, after: string][] = [
    ["is the next", "000000010000000000000001", "000000010000000000000002"],
    ["is written in capital letters", "000000010000000000000009", "00000001000000000000000A"],
    ["begins the next log at the end of one", "0000000100000000000000FF", "000000010000000100000000"],
    ["stays on its timeline", "0000002A00000003000000FE", "0000002A00000003000000FF"],
    ["goes over many logs", "00000001FFFFFFFE000000FF", "00000001FFFFFFFF00000000"],
  ];
  for (const [name, before, after] of cases) it(name, () => expect(segmentAfter(before)).to.equal(after));

  it("is none after the last there can be", () => expect(() => segmentAfter("00000001FFFFFFFF000000FF")).to.throw(RangeError, "no segment of the log after the last"));

  for (const name of ["", "00000001000000000000001", "00000001000000000000000g", "00000001000000000000000a", "000000010000000000000100", "00000002.history", "000000010000000000000001.partial"]) {
    it(`refuses "${name}"`, () => expect(() => segmentAfter(name)).to.throw(RangeError, `"${name}" is no name of a 16 MB segment`));
  }
});

describe("holes in the archive", () => {
  const hole = (after: string | null, before: string | null): WalGap => ({ after, before });
  const cases: [name: string, names: string[], from: string, found: WalGap[]][] = [
    ["are none when all follow each other", range(5, 12), segment(5), []],
    ["are none over the end of a log", range(250, 260), segment(250), []],
    ["are none with one segment", [segment(5)], segment(5), []],
    ["are found", [...range(5, 8), ...range(11, 12)], segment(5), [hole(segment(8), segment(11))]],
    ["are found at the end of a log", [segment(254), segment(256)], segment(254), [hole(segment(254), segment(256))]],
    ["are found each", [segment(1), segment(3), segment(5)], segment(1), [hole(segment(1), segment(3)), hole(segment(3), segment(5))]],
    ["do not matter before the first needed segment", [segment(1), ...range(5, 8)], segment(5), []],
    ["begin with the first needed segment when it is not there", range(6, 8), segment(5), [hole(null, segment(6))]],
    ["are everything when nothing needed is there", range(1, 4), segment(5), [hole(null, null)]],
    ["are everything in an empty archive", [], segment(5), [hole(null, null)]],
    ["are none where a restore began a timeline in the last segment", [...range(5, 8), ...range(8, 10, 2)], segment(5), []],
    ["are none where a restore began a timeline behind the last segment", [...range(5, 8), ...range(9, 10, 2)], segment(5), []],
    ["are none where a timeline left an older one early", [...range(5, 20), ...range(7, 9, 2)], segment(5), []],
    ["are found between two timelines", [...range(5, 8), ...range(10, 11, 2)], segment(5), [hole(segment(8), segment(10, 2))]],
    ["are found within a later timeline", [...range(5, 8), segment(9, 2), segment(11, 2)], segment(5), [hole(segment(9, 2), segment(11, 2))]],
    ["are none where a third timeline left the first", [...range(5, 8), ...range(8, 20, 2), ...range(7, 9, 3)], segment(5), []],
    ["do not matter on an earlier timeline", [segment(1), segment(9), ...range(5, 8, 2)], segment(5, 2), []],
    ["are told when only a later timeline is there", range(5, 8, 2), segment(5), [hole(null, segment(5, 2))]],
  ];
  for (const [name, names, from, found] of cases) it(name, () => expect(gaps([...names].reverse(), from)).to.deep.equal(found));

  it("take pgBackRest's names, and pass over what is no segment", () => {
    const hash = "0123456789abcdef0123456789abcdef01234567";
    const names = [`${segment(5)}-${hash}.zst`, `${segment(6)}-${hash}`, segment(7), "00000001.history", `${segment(5)}.00000028.backup`, `${segment(8)}.partial`, `${segment(8)}-${hash}.partial-x`, "archive.info", "0000000100000000"];
    expect(gaps(names, segment(5))).to.deep.equal([]);
    expect(gaps([...names, segment(9)], segment(5)), "a partial segment fills no hole").to.deep.equal([hole(segment(7), segment(9))]);
  });

  it("refuses a beginning that is no segment", () => expect(() => gaps([], "00000001.history")).to.throw(RangeError, '"00000001.history" is no name'));

  it("are exactly what was taken away", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 3, max: 600 }), fc.array(fc.nat(), { maxLength: 8 }), (first, length, taken) => {
        // Neither the first nor the last: there a hole has one side only.
        const away = new Set(taken.map((number) => first + 1 + (number % (length - 2))));
        const names = range(first, first + length - 1).filter((_, index) => !away.has(first + index));
        const told = new Set<string>();
        for (const { after, before } of gaps(names, segment(first))) for (let name = segmentAfter(after!); name !== before; name = segmentAfter(name)) told.add(name);
        expect([...told].sort()).to.deep.equal([...away].map((number) => segment(number)).sort());
      }),
    );
  });
});
