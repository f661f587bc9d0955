import { expect } from "chai";
import { UsageError } from "../../../setup/options.mjs";
import { choosePhases, closingLine, countPhase, runsOf } from "../../../setup/phases.mjs";

const report = (passed: number, failed: number, skipped: number) => JSON.stringify({ passed, failed, skipped });

describe("phases of npm test", () => {
  it("are run quick ones first, an unknown folder last", () => {
    expect(choosePhases([], ["zebra", "integration", "unit", "program"])).to.deep.equal(["unit", "program", "integration", "zebra"]);
  });
  it("can be chosen, and keep their order", () => {
    expect(choosePhases(["program", "unit"], ["unit", "program", "browser"])).to.deep.equal(["unit", "program"]);
  });
  it("are refused by a name that has no tests", () => {
    expect(() => choosePhases(["unti"], ["unit", "program"])).to.throw(UsageError).with.property("message", 'no tests called "unti"; there are: unit, program');
  });

  it("run one after the other, those that wait for much of their time in pools, the longest files first", () => {
    const files = ["unit/a.test.ts", "faults/b.test.ts", "integration/database.test.ts", "integration/halt.test.ts", "backup/restore.test.ts", "program/c.test.ts", "plugins/d.test.ts"];
    expect(runsOf(["unit", "plugins", "integration", "faults", "backup"], files)).to.deep.equal([
      { name: "unit", files: ["unit/a.test.ts"], jobs: 2 },
      { name: "plugins, faults", files: ["plugins/d.test.ts", "faults/b.test.ts"], jobs: 2 },
      { name: "integration, backup", files: ["backup/restore.test.ts", "integration/halt.test.ts", "integration/database.test.ts"], jobs: 3 },
    ]);
  });
  it("are run alone where one alone was asked for", () => {
    expect(runsOf(["program"], ["program/c.test.ts"])).to.deep.equal([{ name: "program", files: ["program/c.test.ts"], jobs: 1 }]);
  });

  for (const [name, code, text, expected] of [
    ["a good phase", 0, report(3, 0, 1), { passed: 3, failed: 0, skipped: 1, crashed: false }],
    ["a phase with failures", 2, report(3, 2, 0), { passed: 3, failed: 2, skipped: 0, crashed: false }],
    ["a phase that told nothing", 0, undefined, { passed: 0, failed: 1, skipped: 0, crashed: true }],
    ["a phase that was killed", null, undefined, { passed: 0, failed: 1, skipped: 0, crashed: true }],
    ["a phase that ended badly after its last test", 1, report(3, 0, 0), { passed: 3, failed: 1, skipped: 0, crashed: true }],
  ] as const) {
    it(`count ${name}`, () => expect(countPhase(code, text)).to.deep.equal(expected));
  }

  const counts = (passed: number, failed: number, skipped = 0) => ({ passed, failed, skipped, crashed: false });
  for (const [what, phases, text, ok] of [
    ["all that passed", [counts(3, 0), counts(4, 0)], "7 passed, 0 failed", true],
    ["a failure", [counts(3, 0), counts(4, 1)], "7 passed, 1 failed", false],
    ["skipped tests", [counts(3, 0, 2)], "3 passed, 0 failed, 2 skipped", true],
    ["no test at all", [], "0 passed, 0 failed", false],
    ["only skipped tests", [counts(0, 0, 2)], "0 passed, 0 failed, 2 skipped", false],
  ] as const) {
    it(`close with ${what}`, () => expect(closingLine(phases)).to.deep.equal({ text, ok }));
  }
});
