import { expect } from "chai";
import { LIMITS } from "../../../../domain/promotion/limits";
import { operationsItems, type OperationsFacts } from "../../../../domain/promotion/operations";

const good: OperationsFacts = {
  ...{ backupHours: 5, targetBackupHours: undefined, secondCopy: true, secondCopyHours: 1, targetSecondCopy: true },
  ...{ restoreTest: { days: 12, failedSince: 0 }, haltDrill: { days: 3, failedSince: 0 }, halts: 0, freezes: 0, alerts: 0, freeDiskShare: 0.4 },
  ...{ from: "paper", to: "live" },
};

describe("how a stack is kept, for a promotion", () => {
  it("is good enough when all of it is, each with its distance to the limit", () => {
    const items = operationsItems(good, LIMITS.operations);
    expect(items.filter(({ holds }) => !holds)).to.deep.equal([]);
    const of = (id: string) => items.find((item) => item.id === id)!;
    expect(of("operations.backup")).to.include({ value: 5, bound: "at most", limit: 24, distance: 19, unit: "hours" });
    expect(of("operations.disk").distance).to.be.closeTo(0.25, 1e-12);
    expect(items.map(({ id }) => id)).not.to.include("operations.targetBackup");
  });

  const failing: [title: string, change: Partial<OperationsFacts>, failed: string[]][] = [
    ["a backup of a day and a minute", { backupHours: 24 + 1 / 60 }, ["operations.backup"]],
    ["no backup that is known of", { backupHours: null }, ["operations.backup"]],
    ["an old backup of the live stack", { targetBackupHours: 25 }, ["operations.targetBackup"]],
    ["a live stack that runs without one", { targetBackupHours: null }, ["operations.targetBackup"]],
    ["no second copy", { secondCopy: false, secondCopyHours: null }, ["operations.secondCopy", "operations.secondCopyAge"]],
    ["a page that does not answer", { secondCopy: null, secondCopyHours: null, alerts: null, freeDiskShare: null, backupHours: null }, ["operations.backup", "operations.secondCopy", "operations.secondCopyAge", "operations.alerts", "operations.disk"]],
    ["a second copy that is a day behind", { secondCopyHours: 24.1 }, ["operations.secondCopyAge"]],
    ["a live stack that would have none", { targetSecondCopy: false }, ["operations.targetSecondCopy"]],
    ["no restore test", { restoreTest: { days: null, failedSince: 0 } }, ["operations.restoreTest"]],
    ["a restore test of five weeks and an hour", { restoreTest: { days: 35 + 1 / 24, failedSince: 0 } }, ["operations.restoreTest"]],
    ["a newer one that failed", { restoreTest: { days: 12, failedSince: 1 } }, ["operations.restoreTestFailed"]],
    ["no halt drill", { haltDrill: { days: null, failedSince: 0 } }, ["operations.haltDrill"]],
    ["an old halt drill", { haltDrill: { days: 35.1, failedSince: 0 } }, ["operations.haltDrill"]],
    ["a newer one that failed, of a drill", { haltDrill: { days: 3, failedSince: 1 } }, ["operations.haltDrillFailed"]],
    ["a halt in force", { halts: 1 }, ["operations.halts"]],
    ["halts that cannot be read", { halts: null }, ["operations.halts"]],
    ["a freeze", { freezes: 1 }, ["operations.freezes"]],
    ["a critical alert", { alerts: 2 }, ["operations.alerts"]],
    ["a disk that is nearly full", { freeDiskShare: 0.1499 }, ["operations.disk"]],
  ];
  for (const [title, change, failed] of failing) {
    it(`is not with ${title}`, () => expect(operationsItems({ ...good, ...change }, LIMITS.operations).flatMap(({ id, holds }) => (holds ? [] : [id]))).to.deep.equal(failed));
  }

  it("is at its limits", () => {
    const edge: OperationsFacts = { ...good, backupHours: 24, secondCopyHours: 24, restoreTest: { days: 35, failedSince: 0 }, haltDrill: { days: 35, failedSince: 0 }, freeDiskShare: 0.15 };
    expect(operationsItems(edge, LIMITS.operations).every(({ holds }) => holds)).to.equal(true);
  });
});
