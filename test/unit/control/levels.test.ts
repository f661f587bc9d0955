import { expect } from "chai";
import { HALT_LEVELS, permits, worse, type Asked, type HaltLevel } from "../../../control/levels";

const asked: readonly (readonly [string, Asked])[] = [
  ["an entry", { action: "enter" }],
  ["an exit", { action: "exit" }],
  ["a stop that risks less", { action: "moveStop", tightens: true }],
  ["a stop that risks more", { action: "moveStop", tightens: false }],
];

describe("what a level lets out", () => {
  const table: readonly (readonly [HaltLevel | null, readonly boolean[]])[] = [
    [null, [true, true, true, true]],
    ["pause", [false, true, true, true]],
    ["reduce", [false, true, true, false]],
    ["kill", [false, false, false, false]],
  ];
  for (const [level, allowed] of table) {
    for (const [index, [what, order]] of asked.entries()) {
      it(`${level ?? "no halt"}: ${what} ${allowed[index] ? "leaves" : "stays"}`, () => expect(permits(level, order)).to.equal(allowed[index]));
    }
  }

  it("never more than the level before", () => {
    for (const [, order] of asked) {
      const outs = [null, ...HALT_LEVELS].map((level) => permits(level, order));
      expect(outs).to.deep.equal([...outs].sort().reverse());
    }
  });

  it("the further-reaching of two counts, whichever comes first", () => {
    const all = [null, ...HALT_LEVELS];
    for (const [at, one] of all.entries()) for (const [beside, other] of all.entries()) expect(worse(one, other)).to.equal(all[Math.max(at, beside)]);
  });
});
