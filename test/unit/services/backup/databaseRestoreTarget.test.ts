import { expect } from "chai";
import type { RecoveryPoint } from "../../../../domain/backup/recoveryPoint";
import type { ArchivedFile } from "../../../../services/backup/database/archiveFiles";
import type { RepositoryBackup } from "../../../../services/backup/database/pgbackrest";
import { parseOrigins, position, restorableRange, restoreTarget, timelineAt, type RepositoryHistory, type RestoreTo } from "../../../../services/backup/database/restoreTarget";

const day = "2026-11-21T";
const at = (clock: string) => Date.parse(`${day}${clock}Z`);
const segment = (timeline: number, number: number) => timeline.toString(16).toUpperCase().padStart(8, "0") + "00000000" + number.toString(16).toUpperCase().padStart(8, "0");
const wal = (timeline: number, number: number, clock: string): ArchivedFile => ({ name: segment(timeline, number), kind: "segment", at: at(clock) });
const history = (timeline: number, clock: string): ArchivedFile => ({ name: `${timeline.toString(16).toUpperCase().padStart(8, "0")}.history`, kind: "history", at: at(clock) });

/** A backup that begins and ends within one segment. */
function backup(label: string, timeline: number, number: number, clock: string, damaged = false): RepositoryBackup {
  const lsn = `0/${number.toString(16).toUpperCase()}000100`;
  const common = { type: "full", prior: null, full: label, archiveId: "17-1", bytes: 1, addedBytes: 1 } as const;
  return { label, damaged, ...common, start: segment(timeline, number), stop: segment(timeline, number), startLsn: lsn, stopLsn: lsn, startedAt: at(clock) - 5000, stoppedAt: at(clock) };
}

const point = (id: string, clock: string, label: string, timeline: number, lsn: string) =>
  ({ id, snapshotAt: `${day}${clock}.000000Z`, physical: { label, type: "full", full: label, restorePoint: `trading-${id}`, lsn, timeline: timeline.toString().padStart(8, "0") } }) as RecoveryPoint;

/**
 * The database ran on timeline 1 from 08:00, was restored at 11:00 to what it was at 09:30 (timeline 2, from within
 * segment 4), and went on there. Backups at 08:00, 10:00 (which the restore left behind) and 11:30.
 */
const files = [
  ...[wal(1, 2, "08:00:02"), wal(1, 3, "09:00:00"), wal(1, 4, "09:40:00"), wal(1, 5, "10:00:02"), wal(1, 6, "10:55:00")],
  ...[history(2, "11:00:10"), wal(2, 4, "11:10:00"), wal(2, 5, "11:30:02"), wal(2, 6, "12:00:00")],
];
const restored: RepositoryHistory = {
  backups: [backup("A", 1, 2, "08:00:00"), backup("B", 1, 5, "10:00:00"), backup("C", 2, 5, "11:30:00")],
  files,
  origins: new Map([[2, [{ timeline: 1, lsn: "0/4800000" }]]]),
};
const points = [point("20261121T080000Z", "08:00:01", "A", 1, "0/2000200"), point("20261121T100000Z", "10:00:01", "B", 1, "0/5000200"), point("20261121T113000Z", "11:30:01", "C", 2, "0/5000200")];

describe("what of the repository is restored", () => {
  const cases: { what: string; to: RestoreTo; backup: string; timeline: number; compare: string | null }[] = [
    { what: "a point on its own backup and timeline, though the database left it behind", to: { kind: "point", id: "20261121T100000Z" }, backup: "B", timeline: 1, compare: "20261121T100000Z exact" },
    { what: "the end of the log on the timeline that is used", to: { kind: "latest" }, backup: "C", timeline: 2, compare: "20261121T113000Z atLeast" },
    { what: "a time on the timeline of then", to: { kind: "time", time: `${day}10:30:00Z` }, backup: "B", timeline: 1, compare: "20261121T100000Z atLeast" },
    { what: "a time before a newer backup with the older one", to: { kind: "time", time: `${day}09:59:59Z` }, backup: "A", timeline: 1, compare: "20261121T080000Z atLeast" },
    { what: "a time right after a restore over the older timeline", to: { kind: "time", time: `${day}11:05:00Z` }, backup: "A", timeline: 2, compare: "20261121T080000Z atLeast" },
    { what: "a time between the last log and the restore as it was before the restore", to: { kind: "time", time: `${day}10:59:00Z` }, backup: "B", timeline: 1, compare: "20261121T100000Z atLeast" },
    { what: "a time on the new timeline with its own backup", to: { kind: "time", time: `${day}11:45:00Z` }, backup: "C", timeline: 2, compare: "20261121T113000Z atLeast" },
  ];
  for (const { what, to, ...expected } of cases) {
    it(`takes ${what}`, () => {
      const { backup: taken, timeline, compare, options } = restoreTarget(to, restored, points);
      expect({ backup: taken.label, timeline, compare: compare && `${compare.point.id} ${compare.mode}` }).to.deep.equal(expected);
      expect(options).to.include(`--target-timeline=${timeline}`);
    });
  }

  it("tells pgBackRest the target in PostgreSQL's own form", () => {
    expect(restoreTarget({ kind: "time", time: `${day}10:30:00Z` }, restored, points).options).to.include.members(["--type=time", "--target=2026-11-21 10:30:00.000+00"]);
    expect(restoreTarget({ kind: "point", id: "20261121T100000Z" }, restored, points).options).to.include.members(["--type=name", "--target=trading-20261121T100000Z"]);
  });

  it("goes on with the old timeline when a restore was taken back", () => {
    const takenBack = { ...restored, files: [...files, wal(1, 7, "12:10:00")] };
    expect(restoreTarget({ kind: "latest" }, takenBack, points).timeline).to.equal(1);
    expect(timelineAt(takenBack, at("12:05:00"))).to.equal(1);
  });

  /** What archived with its clock a day ahead, on the timeline that the restore at 11:00 left. */
  const ahead = { ...wal(1, 6, "10:55:00"), at: at("10:55:00") + 86_400_000 };
  const clocks: { what: string; files: ArchivedFile[]; now: number; timeline: number; to: string }[] = [
    { what: "whose time has not come", files: files.map((file) => (file.name === ahead.name ? ahead : file)), now: at("12:30:00"), timeline: 2, to: "12:00:00" },
    { what: "that what followed on its timeline contradicts, once its time has come", files: [...files.map((file) => (file.name === ahead.name ? ahead : file)), wal(1, 7, "10:58:00")], now: at("12:30:00") + 2 * 86_400_000, timeline: 2, to: "12:00:00" },
    { what: "though all of it lies in the future of a clock that is far behind", files, now: at("12:00:00") - 86_400_000, timeline: 2, to: "12:00:00" },
  ];
  for (const { what, files: present, now, timeline, to } of clocks) {
    it(`goes by the timeline that is used and not by log ${what}`, () => {
      const history = { ...restored, files: [...present].sort((one, other) => (one.name < other.name ? -1 : 1)) };
      expect(restoreTarget({ kind: "latest" }, history, points, now)).to.include({ timeline, endsAt: null });
      expect(restorableRange(history, now)?.to).to.equal(at(to));
    });
  }

  const refusals: { what: string; to: RestoreTo; from?: RepositoryHistory; message: RegExp }[] = [
    { what: "a time after the end of the log", to: { kind: "time", time: `${day}13:00:00Z` }, message: /what can be restored is from 2026-11-21T08:00:01.000Z to 2026-11-21T12:00:00.000Z/ },
    { what: "a time before the first backup", to: { kind: "time", time: `${day}07:59:59Z` }, message: /what can be restored is from/ },
    { what: "a point that is not there", to: { kind: "point", id: "20261121T090000Z" }, message: /no physical recovery point 20261121T090000Z; the newest are/ },
    { what: "a point whose backup has gone", to: { kind: "point", id: "20261121T080000Z" }, from: { ...restored, backups: restored.backups.slice(1) }, message: /backup A .* not in the repository any more/ },
    { what: "anything of an empty repository", to: { kind: "latest" }, from: { backups: [], files: [], origins: new Map() }, message: /no backup/ },
    { what: "a time behind a hole in the log", to: { kind: "time", time: `${day}10:30:00Z` }, from: { ...restored, backups: [backup("A", 1, 2, "08:00:00")], files: files.filter(({ name }) => name !== segment(1, 4)) }, message: /lacks what lies between 000000010000000000000003 and 000000010000000000000005/ },
  ];
  for (const { what, to, from, message } of refusals) {
    it(`refuses ${what}`, () => {
      expect(() => restoreTarget(to, from ?? restored, points)).to.throw(message);
    });
  }

  it("restores the end of the log up to a hole, and says so", () => {
    const holed = { ...restored, backups: restored.backups.slice(0, 1), files: files.filter(({ name }) => name !== segment(2, 5)) };
    expect(restoreTarget({ kind: "latest" }, holed, points).endsAt).to.equal("what lies between 000000020000000000000004 and 000000020000000000000006");
    expect(restoreTarget({ kind: "latest" }, restored, points).endsAt).to.equal(null);
  });

  it("passes a backup with damaged pages over", () => {
    const damaged = { ...restored, backups: [restored.backups[0]!, backup("B", 1, 5, "10:00:00", true), restored.backups[2]!] };
    expect(restoreTarget({ kind: "time", time: `${day}10:30:00Z` }, damaged, points).backup.label).to.equal("A");
  });

  it("knows what can be restored", () => {
    expect(restorableRange(restored)).to.deep.equal({ from: at("08:00:01"), to: at("12:00:00") });
    expect(restorableRange({ ...restored, backups: [] })).to.equal(null);
  });

  it("reads history files and places in the log", () => {
    expect(parseOrigins('1\t0/4800000\tat restore point "trading-20261121T080000Z"\n2\tA/10\tno recovery target specified\n')).to.deep.equal([{ timeline: 1, lsn: "0/4800000" }, { timeline: 2, lsn: "A/10" }]);
    expect(position("1/0") > position("0/FFFFFFFF")).to.equal(true);
  });
});
