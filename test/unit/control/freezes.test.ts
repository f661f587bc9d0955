import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ensureControlFolder } from "../../../control/folder";
import { freezeLines, isFrozen, readFreezes, thawCommandOf } from "../../../control/freezes";
import { freezesOf } from "../../../control/LatchFolder";
import type { Freeze } from "../../../control/records";

const NOW = Date.parse("2026-11-27T12:00:00.000Z");
const at = (hours: number) => new Date(NOW + hours * 3_600_000).toISOString();
const freeze = (more: Partial<Freeze> = {}): Freeze => ({
  ...{ format: 1, id: "FRZ-20261127-070501-4f2a", stack: "paper", bot: null, reason: "on holiday", by: "person", who: "anna" },
  ...{ at: "2026-11-27T07:05:01.250Z", rule: null, cause: null, numbers: {}, runbook: null, open: [], until: null },
  ...more,
});

describe("the freezes of a stack", () => {
  let folder: string;
  beforeEach(() => {
    folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "trading-freezes-")), "paper", "control");
    ensureControlFolder(folder, "paper", "owner-1");
  });
  afterEach(() => fs.rmSync(path.dirname(path.dirname(folder)), { recursive: true }));
  const read = () => readFreezes(folder, "paper", NOW);

  it("are none where none was placed", () => {
    expect(read()).to.deep.equal({ entries: [], ranOut: [], unreadable: [], problem: null });
    expect(isFrozen(read())).to.equal(false);
  });

  const ends: [what: string, until: string | null, frozen: boolean][] = [
    ["without an end", null, true],
    ["that ends later", at(1), true],
    ["that ends in a millisecond", new Date(NOW + 1).toISOString(), true],
    ["that ends now", at(0), false],
    ["that ended", at(-1), false],
  ];
  for (const [what, until, frozen] of ends) {
    it(`${frozen ? "hold" : "do not hold"} for one ${what}`, () => {
      freezesOf(folder).place(freeze({ until }));
      const found = read();
      expect([found.entries.length, found.ranOut.length, isFrozen(found)]).to.deep.equal(frozen ? [1, 0, true] : [0, 1, false]);
    });
  }

  it("hold where a record cannot be read, and where the folder is not this stack's", () => {
    fs.writeFileSync(path.join(folder, "freezes", "FRZ-20261127-070501-0000.json"), "");
    expect(isFrozen(read())).to.equal(true);
    expect(freezeLines(read())).to.deep.equal(["FRZ-20261127-070501-0000: its record cannot be read, which counts as a freeze, until it is lifted"]);
    fs.rmSync(path.join(folder, "stack.json"));
    expect(isFrozen(read())).to.equal(true);
    expect(freezeLines(read())[0]).to.match(/^whether it is frozen cannot be read, which counts as frozen: .*stack\.json is missing or cannot be read$/);
  });

  const told: [what: string, freeze: Partial<Freeze>, line: string][] = [
    ["a person", {}, "FRZ-20261127-070501-4f2a since 2026-11-27 07:05:01 UTC by anna, until it is lifted: on holiday"],
    ["a person, with an end and a reason of two lines", { until: "2026-12-01T08:00:00+01:00", reason: "on\n holiday" }, "FRZ-20261127-070501-4f2a since 2026-11-27 07:05:01 UTC by anna, until 2026-12-01 07:00:00 UTC: on; holiday"],
    [
      "the guard, with rule, numbers and runbook",
      { by: "guard", who: "guard", rule: "tracking-error", numbers: { error: 0.061, limit: 0.05, reference: null }, runbook: "runbooks/Incident_Handling.md, 4.6 Tracking error", reason: "it drifts" },
      "FRZ-20261127-070501-4f2a since 2026-11-27 07:05:01 UTC by the guard (rule tracking-error: error = 0.061, limit = 0.05, reference = not known), until it is lifted: it drifts (runbooks/Incident_Handling.md, 4.6 Tracking error)",
    ],
  ];
  for (const [what, changes, line] of told) {
    it(`say what ${what} placed`, () => expect(freezeLines({ entries: [{ ...freeze(), ...changes }], ranOut: [], unreadable: [], problem: null })).to.deep.equal([line]));
  }

  it("are lifted by a command of one line", () => expect(thawCommandOf("live", "FRZ-1")).to.equal('npx trading thaw --incident FRZ-1 --reason "..." --stack live'));
});
