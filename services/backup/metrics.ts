import { Gauge, type Registry } from "prom-client";
import { JOBS } from "../../domain/backup/jobs";
import type { BackupStatus } from "../../domain/backup/status";

const seconds = (iso: string) => Date.parse(iso) / 1000;
const secondsOrNull = (iso: string | null | undefined) => (iso === null || iso === undefined ? null : seconds(iso));

/** What `/metrics` tells of the backups; what is not known has no value. */
export function addMetrics(registry: Registry, status: () => BackupStatus, totals: () => Readonly<Record<string, { readonly goodTotal: number; readonly failedTotal: number }>>): void {
  const gauge = (name: string, help: string, label: string, values: () => readonly (readonly [string, number | null | undefined])[]) =>
    new Gauge({
      name: `trading_backup_${name}`,
      help,
      // A gauge without labels has the value 0 before it is set, which would be a time in 1970.
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [of, value] of values()) if (value !== null && value !== undefined) this.set({ [label]: of }, value);
      },
    });
  const perJob = (name: string, help: string, value: (job: BackupStatus["jobs"]["point"]) => number | null | undefined) =>
    gauge(name, help, "job", () => {
      const { jobs } = status();
      return JOBS.map((job) => [job, value(jobs[job])] as const);
    });
  const single = (name: string, help: string, value: (status: BackupStatus) => number | null | undefined) =>
    gauge(name, help, "stack", () => {
      const current = status();
      return [[current.stack, value(current)]];
    });
  const total = (name: string, help: string, key: "goodTotal" | "failedTotal") =>
    gauge(name, help, "job", () => Object.entries(totals()).map(([job, state]) => [job, state[key]] as const));

  perJob("last_good_timestamp_seconds", "End of the last good run", ({ lastGood }) => secondsOrNull(lastGood));
  perJob("last_run_timestamp_seconds", "End of the last run, good or not", ({ lastRun }) => lastRun && seconds(lastRun.finishedAt));
  perJob("last_run_good", "1 when the last run was good", ({ lastRun }) => lastRun && Number(lastRun.outcome === "good"));
  perJob("last_run_duration_seconds", "How long the last run took", ({ lastRun }) => lastRun && seconds(lastRun.finishedAt) - seconds(lastRun.startedAt));
  perJob("last_run_bytes", "Bytes that the last run protected", ({ lastRun }) => lastRun?.bytes);
  perJob("last_run_stored_bytes", "Bytes that the last run added to what is stored", ({ lastRun }) => lastRun?.storedBytes);
  perJob("failures_in_a_row", "Failed runs since the last good one", ({ failures }) => failures);
  perJob("overdue", "1 when the job should have been good by now", ({ overdueSince }) => Number(overdueSince !== null));
  perJob("running", "1 while the job runs", ({ running }) => Number(running !== null));
  total("runs_good_total", "Good runs since the backups were begun", "goodTotal");
  total("runs_failed_total", "Failed runs since the backups were begun", "failedTotal");
  single("disk_used_share", "Share of the backups' disk in use", ({ disk }) => disk?.usedShare);
  single("data_disk_used_share", "Share of the disk of the database's data in use", ({ dataDisk }) => dataDisk?.usedShare);
  single("wal_waiting", "Segments of the database's log that wait for the archive", ({ archive }) => archive?.waiting);
  single("wal_last_archived_timestamp_seconds", "When the database's log was archived last", ({ archive }) => secondsOrNull(archive?.lastArchivedAt));
  single("restorable_until_timestamp_seconds", "Newest second that can be restored", ({ restorable }) => restorable && seconds(restorable.to));
  single("restore_test_timestamp_seconds", "When a restore test last brought a point back and found it right", ({ newestProof }) => newestProof && seconds(newestProof.provedAt));
  single("alarms_active", "Alarms that are raised", ({ alarms }) => alarms.length);
  single("alarms_waiting", "Messages of alarms that were not delivered yet", ({ channel }) => channel.undelivered);
  single("outbox_files", "Files that wait to be put into Git", ({ outbox }) => outbox);
  single("second_copy_last_good_timestamp_seconds", "When the second copy was last brought up to date", ({ secondCopy }) => secondsOrNull(secondCopy.lastGood));
}
