import { conditions, type EvidenceItem } from "./item";
import type { PromotionLimits } from "./limits";

/** How a stack is kept. Null is what is not known, or never was. */
export interface OperationsFacts {
  /** Of the newest good recovery point of the stack that is promoted from. */
  readonly backupHours: number | null;
  /** The same of the stack that is promoted to; undefined where it was never up. */
  readonly targetBackupHours: number | null | undefined;
  /** Whether each of the two has a second copy of its backups, and when the first one's was last brought up to date. */
  readonly secondCopy: boolean | null;
  readonly secondCopyHours: number | null;
  readonly targetSecondCopy: boolean;
  /** Since the newest that passed, and how many failed after it. */
  readonly restoreTest: { readonly days: number | null; readonly failedSince: number };
  readonly haltDrill: { readonly days: number | null; readonly failedSince: number };
  /** In force on either stack. */
  readonly halts: number | null;
  readonly freezes: number | null;
  /** Critical ones that are raised on either stack. */
  readonly alerts: number | null;
  /** Of the fullest disk that anything of this lies on. */
  readonly freeDiskShare: number | null;
  /** Names of the two stacks. */
  readonly from: string;
  readonly to: string;
}

/** What of a stack's keeping a promotion asks for: what was not practised does not count. */
export function operationsItems(facts: OperationsFacts, limits: PromotionLimits["operations"]): EvidenceItem[] {
  const { from, to, restoreTest, haltDrill } = facts;
  const { backupHours, secondCopyHours, restoreTestDays, haltDrillDays, freeDiskShare } = limits;
  const now = (source: string) => ({ window: "now", source });
  const flag = (value: boolean | null) => (value === null ? null : Number(value));
  const target = facts.targetBackupHours;
  return [
    ...conditions(now(`backups of stack ${from}`), [
      { id: "operations.backup", text: "Age of the newest recovery point", value: facts.backupHours, bound: "at most", limit: backupHours, unit: "hours" },
      { id: "operations.secondCopy", text: "Second copies of the backups", value: flag(facts.secondCopy), bound: "at least", limit: 1, unit: "count" },
      { id: "operations.secondCopyAge", text: "Age of the second copy", value: facts.secondCopyHours, bound: "at most", limit: secondCopyHours, unit: "hours" },
    ]),
    ...conditions(now(`Pulumi.${to}.yaml, trading:backup.secondCopy`), [{ id: "operations.targetSecondCopy", text: `Second copies that ${to} is to have`, value: flag(facts.targetSecondCopy), bound: "at least", limit: 1, unit: "count" }]),
    ...(target === undefined ? [] : conditions(now(`backups of stack ${to}`), [{ id: "operations.targetBackup", text: `Age of the newest recovery point of ${to}`, value: target, bound: "at most", limit: backupHours, unit: "hours" }])),
    ...conditions(now(restoreTest.days === null ? "none: npx trading restore-test" : "reports/restore-tests"), [
      { id: "operations.restoreTest", text: "Age of the newest restore test that passed", value: restoreTest.days, bound: "at most", limit: restoreTestDays, unit: "days" },
      { id: "operations.restoreTestFailed", text: "Restore tests that failed since", value: restoreTest.failedSince, bound: "at most", limit: 0, unit: "count" },
    ]),
    ...conditions(now(haltDrill.days === null ? "none: npx trading halt-drill" : `control folder of stack ${from}`), [
      { id: "operations.haltDrill", text: "Age of the newest halt drill that passed", value: haltDrill.days, bound: "at most", limit: haltDrillDays, unit: "days" },
      { id: "operations.haltDrillFailed", text: "Halt drills that failed since", value: haltDrill.failedSince, bound: "at most", limit: 0, unit: "count" },
    ]),
    ...conditions(now(`control folders of ${from} and ${to}`), [
      { id: "operations.halts", text: "Open incidents: halts in force", value: facts.halts, bound: "at most", limit: 0, unit: "count" },
      { id: "operations.freezes", text: "Freezes in force", value: facts.freezes, bound: "at most", limit: 0, unit: "count" },
    ]),
    ...conditions(now(`pages of ${from}${target === undefined ? "" : ` and ${to}`}`), [{ id: "operations.alerts", text: "Open incidents: critical alerts", value: facts.alerts, bound: "at most", limit: 0, unit: "count" }]),
    ...conditions(now("the fullest disk"), [{ id: "operations.disk", text: "Share of the disk that is free", value: facts.freeDiskShare, bound: "at least", limit: freeDiskShare, unit: "fraction" }]),
  ];
}
