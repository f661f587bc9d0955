import { expect } from "chai";
import { afterJump, jumpText, mayBeSleep, trustedFrom } from "../../../../domain/backup/clock";

const hour = 3_600_000;
const jump = (milliseconds: number, at = "2026-11-21T12:00:00.000Z") => ({ at, milliseconds });
const sleep = jump(9 * hour, "2026-11-22T06:00:00.000Z");

describe("a clock that jumped", () => {
  const cases: [what: string, milliseconds: number, sleep: boolean][] = [
    ["ahead by a night", 20 * hour, true],
    ["ahead by more than a night", 20 * hour + 1, false],
    ["back", -hour, false],
  ];
  for (const [what, milliseconds, expected] of cases) {
    it(`may ${expected ? "" : "not "}have been a sleep: ${what}`, () => {
      expect(mayBeSleep(jump(milliseconds))).to.equal(expected);
      expect(trustedFrom(jump(milliseconds))).to.equal(expected ? Number.NEGATIVE_INFINITY : Date.UTC(2026, 10, 22, 12));
    });
  }

  const further: [what: string, before: ReturnType<typeof jump> | null, next: ReturnType<typeof jump>, kept: "before" | "next"][] = [
    ["the first one", null, sleep, "next"],
    ["a sleep after a sleep", jump(8 * hour), sleep, "next"],
    ["no sleep in place of a jump that no sleep explains", jump(25 * hour), sleep, "before"],
    ["each jump that no sleep explains", jump(25 * hour), jump(-25 * hour, "2026-11-22T06:00:00.000Z"), "next"],
  ];
  for (const [what, before, next, kept] of further) {
    it(`is remembered by ${what}`, () => expect(afterJump(before, next)).to.equal(kept === "before" ? before : next));
  }

  it("is told of in words", () => expect([jump(-90 * 60_000), jump(25 * hour), jump(24 * hour - 0.9)].map(jumpText)).to.deep.equal(["back by 90 minutes", "ahead by 25 hours", "ahead by 24 hours"]));
});
