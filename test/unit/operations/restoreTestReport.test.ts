import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { resultText } from "../../../operations/commands/restoreTest";
import { dataLossOf, nextDue, reportId, sumOf, timeOfReport, type RestoreTestReport } from "../../../operations/restoreTest/report";
import { previousReport, writeReport } from "../../../operations/restoreTest/reportFiles";
import { reportMarkdown } from "../../../operations/restoreTest/reportText";
import { recoveryPointOf } from "./restoreTestPoint";

const began = Date.parse("2026-11-21T18:15:00.250Z");

function report(more: Partial<RestoreTestReport> = {}): RestoreTestReport {
  const point = recoveryPointOf("20261121T180000Z");
  const seconds = { fetch: null, restore: 12.3, recover: 4, verify: 6.5, artifacts: 1.2, applications: 41 };
  return {
    format: 1,
    ...{ id: reportId(began), stack: "paper", temporaryStack: "restoretest0a1b2c", trigger: "command" },
    ...{ startedAt: new Date(began).toISOString(), finishedAt: new Date(began + 90_000).toISOString(), passed: true, failure: null },
    ...{ from: "second", kind: "time", target: { kind: "time", time: "2026-11-21T18:10:00.000Z" }, seed: 42 },
    point: { id: point.id, snapshotAt: point.snapshotAt, label: "20261120-021000F", type: "full", databaseBytes: 650_000_000, artifacts: { point: point.id, snapshot: "a".repeat(64) } },
    versions: { saved: point.versions, restored: { postgres: "17.12", timescaledb: "2.19.3", tradingSchema: "0003_quality_and_limits", mlflowSchema: "abc" } },
    images: { mlflow: "sha256:0123456789abcdef" },
    ...{ seconds, recoverySeconds: sumOf(seconds), totalSeconds: 90 },
    dataLoss: { newestEvent: "2026-11-21T18:09:30.000Z", beforeTarget: 30, beforeTest: 330 },
    checks: [
      { part: "database", name: "rows equal the manifest", passed: true, detail: "16 tables" },
      { part: "clean-up", name: "nothing of the test is left", passed: true, detail: "12 containers were removed; none is left" },
    ],
    ...{ notes: ["a note"], previous: { id: "2026-10-21T181500Z", passed: true, recoverySeconds: 60 }, nextDue: "2026-12-21T18:15:00.000Z" },
    ...more,
  };
}

describe("the report of a restore test", () => {
  it("has a name that every file system takes, and that says when it was", () => {
    expect(reportId(began)).to.equal("2026-11-21T181500Z");
    expect(timeOfReport("2026-11-21T181500Z")).to.equal(Date.parse("2026-11-21T18:15:00Z"));
    expect(timeOfReport("notes")).to.equal(undefined);
  });

  it("adds up what a restore would take, without what had nothing to do", () => {
    expect(sumOf({ fetch: null, restore: 12.3, recover: 4, verify: 6.5, artifacts: 1.2, applications: 41 })).to.equal(65);
  });

  const target = Date.parse("2026-11-21T18:10:00Z");
  for (const [name, newest, expected] of [
    ["nothing where nothing bears a time", [], { newestEvent: null, beforeTarget: null, beforeTest: null }],
    ["the newest of all", ["2026-11-21T18:09:00.000Z", "2026-11-21T18:09:30.000Z"], { newestEvent: "2026-11-21T18:09:30.000Z", beforeTarget: 30, beforeTest: 330.3 }],
    ["nothing of a replayed market that is ahead of the clock", ["2031-01-01T00:00:00.000Z", "2026-11-21T18:00:00.000Z"], { newestEvent: "2026-11-21T18:00:00.000Z", beforeTarget: 600, beforeTest: 900.3 }],
  ] as const) {
    it(`counts as lost ${name}`, () => expect(dataLossOf(newest, target, began)).to.deep.equal(expected));
  }

  for (const [finished, every, due] of [
    ["2026-11-21T18:15:00.000Z", "weekly", "2026-11-28T18:15:00.000Z"],
    ["2026-11-21T18:15:00.000Z", "monthly", "2026-12-21T18:15:00.000Z"],
    ["2026-01-31T10:00:00.000Z", "monthly", "2026-02-28T10:00:00.000Z"],
    ["2026-12-31T10:00:00.000Z", "monthly", "2027-01-31T10:00:00.000Z"],
  ] as const) {
    it(`is due ${every} after ${finished.slice(0, 10)} on ${due.slice(0, 10)}`, () => expect(new Date(nextDue(Date.parse(finished), every)).toISOString()).to.equal(due));
  }

  it("is a page that says in its first words how it ended", () => {
    const text = reportMarkdown(report());
    expect(text).to.match(/^# Restore test of stack paper, 2026-11-21T181500Z\n\n\*\*Passed\.\*\*/);
    for (const part of ["the second copy", "20261120-021000F (full), 650 MB", "| **Time to running applications (RTO)** | **65.0** |", "at most 30 s", "passed, with an RTO of 60.0 s (+5.0 s now)", "- a note", "seed 42"]) {
      expect(text).to.contain(part);
    }
  });

  it("shows what failed, in tables that its words cannot break", () => {
    const failed = report({ passed: false, checks: [{ part: "mlflow", name: "runs", passed: false, detail: "a | b\nsecond line" }] });
    const text = reportMarkdown(failed);
    expect(text).to.contain("**Failed.** 1 of 1 checks did not hold.");
    expect(text).to.contain("| **FAILED** | mlflow | runs | a \\| b; second line |");
    expect(resultText({ report: failed, files: ["reports/restore-tests/x.json", "reports/restore-tests/x.md"], uncommitted: "a merge is under way" })).to.equal(
      "The restore test of stack paper FAILED: 1 of 1 checks did not hold.\n  mlflow: runs: a | b\nsecond line\nReport: reports/restore-tests/x.md (not in Git: a merge is under way)\n",
    );
  });

  it("can be written of a test that did not get anywhere", () => {
    const none = report({ passed: false, failure: "Docker does not answer", from: null, kind: null, target: null, point: null, versions: null, images: {}, checks: [], previous: null });
    expect(reportMarkdown(none)).to.contain("**Failed.** Docker does not answer");
  });

  describe("in its folder", () => {
    let root: string;
    beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-reports-"))));
    afterEach(() => fs.rmSync(root, { recursive: true }));

    it("is written whole, and found again by the next test of the same stack", () => {
      expect(previousReport(root, "paper", began)).to.equal(null);
      expect(writeReport(root, report())).to.deep.equal(["reports/restore-tests/2026-11-21T181500Z.json", "reports/restore-tests/2026-11-21T181500Z.md"]);
      expect(fs.readdirSync(path.join(root, "reports", "restore-tests")).sort()).to.deep.equal(["2026-11-21T181500Z.json", "2026-11-21T181500Z.md"]);
      expect(previousReport(root, "live", began + 1000)).to.equal(null);
      expect(previousReport(root, "paper", began - 1000)).to.equal(null);
      expect(previousReport(root, "paper", began + 1000)).to.deep.equal({ id: "2026-11-21T181500Z", passed: true, recoverySeconds: 65 });
    });

    it("passes over what somebody changed by hand", () => {
      writeReport(root, report());
      fs.writeFileSync(path.join(root, "reports", "restore-tests", "2026-11-22T181500Z.json"), "{");
      expect(previousReport(root, "paper", began + 10 * 86_400_000)?.id).to.equal("2026-11-21T181500Z");
    });
  });
});
