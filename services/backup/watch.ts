import { stat, statfs } from "node:fs/promises";
import { activeAlarms } from "../../domain/backup/alarmRules";
import type { ActiveAlarm, AlarmFacts, ArchiveFacts, SecondCopyFacts } from "../../domain/backup/alarmFacts";
import { mayBeSleep, type ClockJump } from "../../domain/backup/clock";
import { JOBS } from "../../domain/backup/jobs";
import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { mayPrune } from "../../domain/backup/retention";
import { isInFuture } from "../../domain/backup/schedule";
import type { AlertChannel } from "../shared/alerts/AlertChannel";
import type { Logger } from "../shared/log";
import { newestTime, type Catalog, type Contents } from "./catalog";
import type { Journal } from "./journal";
import { hasWork, nextStart } from "./plan";
import type { Scheduler } from "./scheduler";
import type { BackupSettings } from "./settings";

/** What has to be asked for elsewhere; each may fail, and then is not known. */
export interface Probes {
  readonly archive: () => Promise<ArchiveFacts>;
  readonly secondCopy: () => Promise<Pick<SecondCopyFacts, "sameDisk" | "initialised" | "missing">>;
  /** Services whose deployed image is in no archive. */
  readonly imagesNotArchived: () => Promise<string[]>;
  /** Which seconds can be restored. */
  readonly restorable: () => Promise<{ from: string; to: string } | null>;
  /** Bytes of what is stored of the database, and of files. */
  readonly sizes: () => Promise<{ databaseBytes: number; filesBytes: number }>;
  readonly outbox: () => Promise<number>;
}

export interface Disk {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly usedShare: number;
}

/** What was seen at the last look; null is not known. */
export interface Seen {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly catalog: Contents | null;
  readonly archive: ArchiveFacts | null;
  readonly disk: Disk | null;
  readonly dataDisk: Disk | null;
  readonly imagesNotArchived: string[] | null;
  readonly restorable: { from: string; to: string } | null;
  readonly sizes: { databaseBytes: number; filesBytes: number } | null;
  readonly outbox: number | null;
}

export interface WatchParts {
  readonly stack: string;
  readonly settings: BackupSettings;
  /** Folders of the backups and of the database's data. */
  readonly backups: string;
  readonly data: string;
  readonly journal: Journal;
  readonly catalog: Pick<Catalog, "read">;
  readonly scheduler: Pick<Scheduler, "awakeSince">;
  readonly channel: Pick<AlertChannel, "set" | "state">;
  readonly probes: Probes;
  readonly log: Logger;
  readonly now: () => number;
}

const lookMilliseconds = 15_000;
/** What changes slowly, or is asked for over a network, is asked for so often, and after each job. */
const slowMilliseconds = 5 * 60_000;
/** A probe that does not answer is not waited for. */
const probeMilliseconds = 60_000;

/** Gathers what alarms are judged by, judges, and tells the channel; what it saw is what the status says. */
export class Watch {
  private last: Seen | null = null;
  private slow: { at: number; second: Pick<SecondCopyFacts, "sameDisk" | "initialised" | "missing">; imagesNotArchived: string[] | null; restorable: Seen["restorable"]; sizes: Seen["sizes"] } | undefined;
  private archiveUnknownSince: number | undefined;
  private looking: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly told = new Set<string>();

  constructor(private readonly parts: WatchParts) {
    // What lasts over a start is not raised anew.
    for (const { key } of parts.channel.state().active) this.told.add(key);
  }

  get seen(): Seen | null {
    return this.last;
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), lookMilliseconds);
    void this.look();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.again = false;
    await this.looking;
  }

  /** Looks anew, at slow things too; resolves when it has. Never rejects. */
  async lookAfterJob(): Promise<void> {
    this.slow = undefined;
    this.again = this.looking !== undefined;
    await this.look();
  }

  /** One look at a time; one that was asked for meanwhile follows. Never rejects. */
  look(): Promise<void> {
    this.looking ??= (async () => {
      do {
        this.again = false;
        await this.lookOnce().catch((error: unknown) => this.parts.log.error({ err: error }, "the watch stumbled"));
      } while (this.again);
      this.looking = undefined;
    })();
    return this.looking;
  }

  private async lookOnce(): Promise<void> {
    const { stack, settings, journal, catalog, channel, probes, backups, data, now } = this.parts;
    const contents = await this.probe("catalog", () => catalog.read());
    const archive = await this.probe("archive", probes.archive);
    if (archive !== null) this.archiveUnknownSince = undefined;
    else this.archiveUnknownSince ??= now();
    const disk = await this.probe("disk", () => diskOf(backups));
    const dataDisk = await this.probe("data disk", () => diskOf(data));
    const oneDisk = await this.probe("devices", () => areOnOneDisk(backups, data));
    const slow = await this.lookSlowly();
    const outbox = await this.probe("outbox", probes.outbox);
    this.last = { at: now(), catalog: contents, archive, disk, dataDisk, outbox, imagesNotArchived: slow.imagesNotArchived, restorable: slow.restorable, sizes: slow.sizes };

    const points = contents?.points ?? [];
    const facts: AlarmFacts = {
      stack,
      now: now(),
      awakeSince: this.parts.scheduler.awakeSince,
      jobs: jobFacts(settings, journal, now()),
      sizes: sizeFacts(points),
      archive: archive ?? { unknownSince: this.archiveUnknownSince! },
      disk: disk ?? { usedShare: 0, freeBytes: 0 },
      // One disk is told of once.
      dataDisk: oneDisk === false ? dataDisk : null,
      restoreTest: restoreTestFacts(contents, journal),
      secondCopy: { ...slow.second, kind: settings.secondCopy.kind, lastCopiedAt: epoch(journal.current.jobs.copy.lastGood), firstSeen: Date.parse(journal.current.copySince ?? journal.current.firstSeen) },
      clone: cloneFacts(points),
      clock: { jump: unexplained(journal), newestPointInFuture: futureOf(points, now()) },
      imagesNotArchived: slow.imagesNotArchived ?? [],
      lostArtifacts: lostArtifacts(points),
      brokenFiles: contents?.broken.map(({ file }) => file) ?? [],
    };
    const alarms = activeAlarms(facts, settings.alarms);
    channel.set(alarms.map((alarm) => ({ ...alarm, runbook: `runbooks/Backup_And_Restore.md, ${alarm.runbook}` })));
    await this.count(alarms);
    // After it was judged: what clears the clock must not be what hides its jump.
    await this.forgetJump(points);
  }

  private async lookSlowly(): Promise<NonNullable<Watch["slow"]>> {
    const { probes, settings, now } = this.parts;
    const { slow } = this;
    if (slow !== undefined && now() >= slow.at && now() - slow.at < slowMilliseconds) return slow;
    const unknown = { sameDisk: false, initialised: false, missing: null };
    const second = settings.secondCopy.kind === "none" ? unknown : await probes.secondCopy().catch((error: Error) => ({ ...unknown, missing: error.message }));
    return (this.slow = {
      at: now(),
      second,
      imagesNotArchived: await this.probe("images", probes.imagesNotArchived),
      restorable: await this.probe("restorable", probes.restorable),
      sizes: await this.probe("sizes", probes.sizes),
    });
  }

  private async forgetJump(points: readonly RecoveryPoint[]): Promise<void> {
    const { journal, now } = this.parts;
    const { jump } = journal.current;
    if (jump !== null && mayPrune({ now: now(), newestPoint: newestTime(points), jump, unwatched: true }).allowed) await journal.forgetJump();
  }

  private async count(alarms: readonly ActiveAlarm[]): Promise<void> {
    const fresh = alarms.filter(({ key }) => !this.told.has(key)).map(({ key }) => key);
    this.told.clear();
    for (const { key } of alarms) this.told.add(key);
    await this.parts.journal.noteAlarms(fresh, this.parts.now());
  }

  /** What a probe says, or null when it fails or does not answer. */
  private async probe<T>(name: string, ask: () => Promise<T>): Promise<T | null> {
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      limit = setTimeout(() => reject(new Error(`no answer within ${probeMilliseconds / 1000} s`)), probeMilliseconds);
    });
    try {
      return await Promise.race([ask(), late]);
    } catch (error) {
      this.parts.log.debug({ err: error, probe: name }, "not known");
      return null;
    } finally {
      clearTimeout(limit);
    }
  }
}

const epoch = (iso: string | null) => (iso === null ? null : Date.parse(iso));

/** Of the disk that a folder is on, as `df` reckons: what only the superuser may use counts as used. */
export async function diskOf(folder: string): Promise<Disk> {
  const { blocks, bfree, bavail, bsize } = await statfs(folder);
  const used = blocks - bfree;
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, usedShare: used + bavail === 0 ? 1 : used / (used + bavail) };
}

async function areOnOneDisk(one: string, other: string): Promise<boolean> {
  return (await stat(one)).dev === (await stat(other)).dev;
}

export function jobFacts(settings: BackupSettings, journal: Pick<Journal, "current" | "runs">, now: number): AlarmFacts["jobs"] {
  const { firstSeen, copySince, jobs } = journal.current;
  return Object.fromEntries(
    JOBS.filter((job) => hasWork(settings, job)).map((job) => {
      const { lastGood, failures } = jobs[job];
      const run = journal.runs(job)[0];
      const lastRun = run === undefined ? null : { finishedAt: Date.parse(run.finishedAt), outcome: run.outcome, reason: run.reason };
      const seen = Date.parse((job === "copy" ? copySince : null) ?? firstSeen);
      return [job, { pattern: settings.schedule[job], lastGood: epoch(lastGood), lastRun, firstSeen: seen, failures, nextStart: nextStart(settings.schedule[job], jobs[job], now) }];
    }),
  );
}

export function restoreTestFacts(contents: Contents | null, journal: Pick<Journal, "current">): AlarmFacts["restoreTest"] {
  const proofs = contents?.proofs ?? [];
  const passed = proofs.filter((each) => each.passed).at(-1);
  const failed = proofs.filter((each) => !each.passed).at(-1);
  return {
    lastPassedAt: passed === undefined ? null : Date.parse(passed.provedAt),
    lastFailed: failed === undefined ? null : { at: Date.parse(failed.provedAt), reason: `point ${failed.point} (to ${failed.to}) from the ${failed.from} copy; its report says why` },
    firstSeen: Date.parse(journal.current.firstSeen),
  };
}

/** What the newest point with a clone found in it. */
export function cloneFacts(points: readonly RecoveryPoint[]): AlarmFacts["clone"] {
  const newest = points.filter(({ clone }) => clone !== null).at(-1);
  if (newest === undefined) return { unpushedSince: null, unpushedCommits: null, noRemote: false, lastTakenAt: null };
  const { unpushedCommits, oldestUnpushedAt, head } = newest.clone!;
  // Where there is no remote, nobody can say how many commits it lacks.
  return { unpushedSince: epoch(oldestUnpushedAt), unpushedCommits, noRemote: head !== null && unpushedCommits === null, lastTakenAt: Date.parse(newest.finishedAt) };
}

/** What the newest point with artifacts names as lost; dumps look as well. */
export function lostArtifacts(points: readonly RecoveryPoint[]): readonly string[] {
  return points.filter(({ artifacts }) => artifacts !== null).at(-1)?.artifacts?.references.missing ?? [];
}

/** Sizes of what good points hold, newest first. */
export function sizeFacts(points: readonly RecoveryPoint[]): AlarmFacts["sizes"] {
  const newestFirst = [...points].reverse();
  const ofDatabases = (kind: RecoveryPoint["kind"]) => newestFirst.filter((point) => point.kind === kind).map(({ databaseBytes }) => databaseBytes);
  const ofFiles = (part: "dump" | "artifacts" | "clone") => newestFirst.flatMap((point) => point[part]?.bytes ?? []);
  return { point: ofDatabases("point"), dump: ofDatabases("dump"), dumpFiles: ofFiles("dump"), artifacts: ofFiles("artifacts"), clone: ofFiles("clone") };
}

/** The clock's jump unless it may be a night's sleep. */
function unexplained({ current: { jump } }: Pick<Journal, "current">): ClockJump | null {
  return jump === null || mayBeSleep(jump) ? null : jump;
}

function futureOf(points: readonly RecoveryPoint[], now: number): number | null {
  const newest = newestTime(points);
  return newest !== null && isInFuture(newest, now) ? newest : null;
}
