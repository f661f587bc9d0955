import { backupStatus, type BackupStatus } from "../../domain/backup/status";
import type { BackupView } from "./api";
import { askJson } from "./askJson";

/** An answer younger than this is used again. */
const freshMilliseconds = 5000;

/** Asks the backup service how it stands, and keeps its last answer for when it is silent. */
export class BackupReader {
  private last: { readonly status: BackupStatus; readonly at: number } | undefined;
  private asked: { readonly view: Promise<BackupView>; readonly at: number } | undefined;

  /** @param url address of the service, without a path */
  constructor(
    private readonly url: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** Never rejects: a service that does not answer is a state. */
  read(): Promise<BackupView> {
    if (this.asked === undefined || this.now() - this.asked.at >= freshMilliseconds) this.asked = { view: this.ask(), at: this.now() };
    return this.asked.view;
  }

  private async ask(): Promise<BackupView> {
    try {
      const status = await askJson(this.url, "/v1/status", backupStatus);
      this.last = { status, at: this.now() };
      return this.view(null);
    } catch (error) {
      return this.view((error as Error).message);
    }
  }

  private view(problem: string | null): BackupView {
    return backupView(problem, this.last?.status, this.last?.at ?? null);
  }
}

const epoch = (time: string): number => Date.parse(time);
const epochOrNull = (time: string | null | undefined): number | null => (time === null || time === undefined ? null : epoch(time));

/** What the page shows of the service's last answer. */
export function backupView(problem: string | null, status: BackupStatus | undefined, readAt: number | null): BackupView {
  const point = (summary: BackupStatus["newestPoint"]) => (summary === null ? null : { id: summary.id, at: epoch(summary.snapshotAt), bytes: summary.databaseBytes });
  return {
    problem,
    readAt,
    jobs: Object.entries(status?.jobs ?? {}).map(([job, { lastGood, next, failures, lastRun, running, overdueSince }]) => ({
      job,
      lastGood: epochOrNull(lastGood),
      next: epochOrNull(next),
      failures,
      lastReason: lastRun?.reason ?? null,
      running: running === null ? null : { since: epoch(running.since), step: running.step },
      overdueSince: epochOrNull(overdueSince),
    })),
    points: status?.points ?? 0,
    newestPoint: point(status?.newestPoint ?? null),
    newestDump: point(status?.newestDump ?? null),
    restorable: status?.restorable ? { from: epoch(status.restorable.from), to: epoch(status.restorable.to) } : null,
    proof: status?.newestProof ? { point: status.newestProof.point, at: epoch(status.newestProof.provedAt), from: status.newestProof.from } : null,
    secondCopy: status ? { kind: status.secondCopy.kind, lastGood: epochOrNull(status.secondCopy.lastGood) } : null,
    diskUsed: status?.disk?.usedShare ?? null,
    alarms: (status?.alarms ?? []).map(({ severity, text }) => ({ severity, text })),
    undelivered: status?.channel.undelivered ?? 0,
  };
}
