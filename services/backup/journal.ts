import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { afterJump, type ClockJump } from "../../domain/backup/clock";
import { jobRun, JOBS, type Job, type JobRun } from "../../domain/backup/jobs";
import { isInFuture } from "../../domain/backup/schedule";
import type { Logger } from "../shared/log";
import { removeUnfinished, writeDurably } from "./durableFile";

const time = z.iso.datetime();
const count = z.int().min(0);

/** What has to be known of a job beyond its newest runs. */
const jobState = z.strictObject({
  /** When the run began that has not ended. */
  begun: time.nullable(),
  lastStart: time.nullable(),
  lastFinish: time.nullable(),
  lastGood: time.nullable(),
  /** Failed runs since the last good one. */
  failures: count,
  goodTotal: count,
  failedTotal: count,
});
export type JobState = z.infer<typeof jobState>;

/** What happened in a month, for its report. */
const monthTally = z.strictObject({
  jobs: z.partialRecord(z.enum(JOBS), z.strictObject({ good: count, failed: count, seconds: z.number(), storedBytes: z.int(), lastFailure: z.string().nullable() })),
  /** Key of an alarm -> how often it was raised. */
  alarms: z.record(z.string(), count),
});
export type MonthTally = z.infer<typeof monthTally>;

const journalState = z.strictObject({
  /** When these backups were begun: what never ran is overdue from here on. */
  firstSeen: time,
  jobs: z.record(z.enum(JOBS), jobState),
  /** Since when there should be a second copy; null while none is configured. */
  copySince: time.nullable(),
  /** The clock's last jump, or a sleep of the computer, until the clock is trusted again. */
  jump: z.strictObject({ at: time, milliseconds: z.number() }).nullable(),
  /** Newest month whose report was written, for example 2026-10. */
  reportedMonth: z.string().nullable(),
  /** Month -> what happened in it; the newest three. */
  months: z.record(z.string(), monthTally),
});
export type JournalState = z.infer<typeof journalState>;

/** Newest runs of a job that are kept. */
const keptRuns = 50;
const keptMonths = 3;
const runsFile = z.array(jobRun);
const never: JobState = { begun: null, lastStart: null, lastFinish: null, lastGood: null, failures: 0, goodTotal: 0, failedTotal: 0 };

export function freshState(now: number): JournalState {
  return { firstSeen: iso(now), jobs: Object.fromEntries(JOBS.map((job) => [job, { ...never }])) as Record<Job, JobState>, copySince: null, jump: null, reportedMonth: null, months: {} };
}

const iso = (epochMilliseconds: number) => new Date(epochMilliseconds).toISOString();

/** What a run came to. */
export type RunEnd = Omit<JobRun, "id" | "job" | "startedAt" | "finishedAt"> & {
  /** It was ended because the container was stopped: nothing is wrong with it, and it is due again at the next start. */
  readonly stopped?: boolean;
};

/**
 * When jobs began and what became of them. The truth is in memory, so that a disk that takes nothing does not hide a
 * failure; a run begins only when its beginning is on the disk, so that a crash in it neither loses nor repeats it.
 */
export class Journal {
  private state: JournalState;
  private readonly kept: Record<Job, JobRun[]>;
  private notWatched = true;
  private left: readonly JobRun[] = [];

  private constructor(
    private readonly folder: string,
    private readonly log: Logger,
    state: JournalState,
    runs: Record<Job, JobRun[]>,
  ) {
    this.state = state;
    this.kept = runs;
  }

  /**
   * Reads what earlier lives wrote. What cannot be understood begins anew, and is told in the log: then every job is due.
   * A run that has no end is noted as failed.
   */
  static async open(folder: string, log: Logger, now: number): Promise<Journal> {
    try {
      await mkdir(folder, { recursive: true });
      await removeUnfinished(folder);
    } catch (error) {
      // Without its volume every job fails, and that has to be told.
      log.error({ err: error, folder }, "there is no place for the journal");
    }
    const state = (await readJson(join(folder, "state.json"), journalState, log)) ?? freshState(now);
    const runs = {} as Record<Job, JobRun[]>;
    for (const job of JOBS) runs[job] = (await readJson(join(folder, `${job}.json`), runsFile, log)) ?? [];
    const journal = new Journal(folder, log, state, runs);
    const reason = "ended without a word: the container was killed, or the computer went off";
    for (const job of JOBS) {
      if (state.jobs[job].begun === null) continue;
      journal.left = [...journal.left, await journal.end(job, { outcome: "failed", reason, bytes: null, storedBytes: null, point: null }, now)];
    }
    // A jump that is still to come was noted by a clock that somebody set back meanwhile.
    const { jump } = state;
    if (jump !== null && isInFuture(Date.parse(jump.at), now)) await journal.noteJump({ at: iso(now), milliseconds: now - Date.parse(jump.at) });
    return journal;
  }

  /** Runs that an earlier life left without an end: nobody was told of them. */
  get brokenOff(): readonly JobRun[] {
    return this.left;
  }

  /** As it is now; not to be changed. */
  get current(): Readonly<JournalState> {
    return this.state;
  }

  /** Newest first. */
  runs(job: Job): readonly JobRun[] {
    return this.kept[job];
  }

  /** @throws when the beginning could not be written: then the job must not run */
  async begin(job: Job, now: number): Promise<void> {
    const before = this.state;
    this.changeJob(job, { begun: iso(now), lastStart: iso(now) });
    try {
      await this.writeState();
    } catch (error) {
      this.state = before;
      throw error;
    }
  }

  /** Notes the end of the run that was begun, or of one that could not begin. Never throws: what the disk does not take stays in memory. */
  async end(job: Job, { stopped = false, ...end }: RunEnd, now: number): Promise<JobRun> {
    const state = this.state.jobs[job];
    const run: JobRun = { id: randomUUID(), job, startedAt: state.begun ?? iso(now), finishedAt: iso(now), ...end };
    const good = end.outcome === "good";
    this.changeJob(job, {
      begun: null,
      lastStart: stopped ? null : run.startedAt,
      lastFinish: run.finishedAt,
      lastGood: good ? run.finishedAt : state.lastGood,
      failures: good ? 0 : state.failures + (stopped ? 0 : 1),
      goodTotal: state.goodTotal + (good ? 1 : 0),
      failedTotal: state.failedTotal + (good ? 0 : 1),
    });
    this.tally(now, ({ jobs, ...rest }) => {
      const before = jobs[job] ?? { good: 0, failed: 0, seconds: 0, storedBytes: 0, lastFailure: null };
      const seconds = Math.max(0, Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000;
      const after = {
        good: before.good + (good ? 1 : 0),
        failed: before.failed + (good ? 0 : 1),
        seconds: Math.round((before.seconds + seconds) * 10) / 10,
        storedBytes: before.storedBytes + (run.storedBytes ?? 0),
        lastFailure: good ? before.lastFailure : `${run.finishedAt} ${run.reason.slice(0, 300)}`,
      };
      return { ...rest, jobs: { ...jobs, [job]: after } };
    });
    this.kept[job] = [run, ...this.kept[job]].slice(0, keptRuns);
    await this.attempt(() => writeDurably(join(this.folder, `${job}.json`), `${JSON.stringify(this.kept[job], null, 1)}\n`));
    await this.attempt(() => this.writeState());
    return run;
  }

  /** Whether nobody watched the clock since something was last removed, because this program did not run. */
  get unwatched(): boolean {
    return this.notWatched;
  }

  async noteJump(jump: ClockJump): Promise<void> {
    this.state = { ...this.state, jump: afterJump(this.state.jump, jump) };
    await this.attempt(() => this.writeState());
  }

  /** The clock is trusted again. */
  async forgetJump(): Promise<void> {
    this.notWatched = false;
    if (this.state.jump === null) return;
    this.state = { ...this.state, jump: null };
    await this.attempt(() => this.writeState());
  }

  /** Notes whether there should be a second copy. */
  async noteSecondCopy(wanted: boolean, now: number): Promise<void> {
    if (wanted === (this.state.copySince !== null)) return;
    this.state = { ...this.state, copySince: wanted ? iso(now) : null };
    await this.attempt(() => this.writeState());
  }

  /** Counts alarms that were raised anew. */
  async noteAlarms(keys: readonly string[], now: number): Promise<void> {
    if (keys.length === 0) return;
    this.tally(now, ({ alarms, ...rest }) => ({ ...rest, alarms: { ...alarms, ...Object.fromEntries(keys.map((key) => [key, (alarms[key] ?? 0) + 1])) } }));
    await this.attempt(() => this.writeState());
  }

  /** @throws when it could not be written */
  async noteReport(month: string): Promise<void> {
    this.state = { ...this.state, reportedMonth: month };
    await this.writeState();
  }

  private changeJob(job: Job, change: Partial<JobState>): void {
    this.state = { ...this.state, jobs: { ...this.state.jobs, [job]: { ...this.state.jobs[job], ...change } } };
  }

  private tally(now: number, change: (tally: MonthTally) => MonthTally): void {
    const month = iso(now).slice(0, 7);
    const months = { ...this.state.months, [month]: change(this.state.months[month] ?? { jobs: {}, alarms: {} }) };
    const kept = Object.keys(months).sort().slice(-keptMonths);
    this.state = { ...this.state, months: Object.fromEntries(kept.map((name) => [name, months[name]!])) };
  }

  private writeState(): Promise<void> {
    return writeDurably(join(this.folder, "state.json"), `${JSON.stringify(this.state, null, 1)}\n`);
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => this.log.error({ err: error }, "the journal cannot be written"));
  }
}

async function readJson<T>(path: string, schema: z.ZodType<T>, log: Logger): Promise<T | undefined> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(path, "utf8")));
    if (parsed.success) return parsed.data;
    log.error({ file: path, error: parsed.error.message }, "the journal is not understood and begins anew");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") log.error({ err: error, file: path }, "the journal cannot be read and begins anew");
  }
  return undefined;
}
