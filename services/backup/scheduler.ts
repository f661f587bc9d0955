import { setTimeout as delay } from "node:timers/promises";
import { deadline } from "../../domain/deadline";
import { clockJump } from "../../domain/backup/schedule";
import type { Job, JobRun } from "../../domain/backup/jobs";
import type { Logger } from "../shared/log";
import type { Journal, RunEnd } from "./journal";
import type { Mutex } from "./mutex";
import { dueJobs } from "./plan";
import type { BackupSettings } from "./settings";

/** What a good run of a job did. */
export type JobResult = Omit<RunEnd, "outcome" | "stopped">;

/** What a run is given: when to give up, and whom to tell what it does. */
export interface RunContext {
  readonly signal: AbortSignal;
  readonly step: (text: string) => void;
}

export interface SchedulerParts {
  readonly settings: BackupSettings;
  readonly journal: Journal;
  readonly jobs: Readonly<Record<Job, (run: RunContext) => Promise<JobResult>>>;
  readonly takeMutex: (holder: string) => Promise<Mutex | { readonly heldBy: string }>;
  /** Done once, as soon as the mutex is had for the first time, before the first job. */
  readonly prepare: () => Promise<void>;
  /** Told of each run that ended. */
  readonly onRun: (run: JobRun) => Promise<void>;
  /** A job that goes on after it was told to end: the process has to be begun anew. */
  readonly onStuck: (job: Job) => void;
  readonly clocks: Clocks;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Milliseconds: of the wall since 1970, and of a clock that nobody sets. */
export interface Clocks {
  readonly wall: () => number;
  readonly monotonic: () => number;
}
export const systemClocks: Clocks = { wall: () => Date.now(), monotonic: () => performance.now() };

export interface Running {
  readonly job: Job;
  /** Epoch milliseconds. */
  readonly since: number;
  /** What it is doing. */
  readonly step: string;
}

const tickMilliseconds = 2000;
/** A loop that was not heard of for so long is taken for dead. */
const aliveMilliseconds = 60_000;
/** No job takes longer; without a bound one that hangs would keep all others from running. */
const longestJob = 6 * 60 * 60_000;
/** A job that was told to end has so long, while the container is stopped and otherwise. */
const stopMilliseconds = 24_000;
const stuckMilliseconds = 60_000;

/** Runs what is due by the wall clock, one job at a time over all containers. */
export class Scheduler {
  private readonly asked = new Set<Job>();
  private current: (Running & { step: string; over: boolean; done: Promise<void> }) | undefined;
  private held: string | null = null;
  private prepared = false;
  private ticked: number;
  private last: { wall: number; monotonic: number };
  private loop: Promise<void> = Promise.resolve();
  private telling: Promise<void> = Promise.resolve();
  private awake: number;

  constructor(private readonly parts: SchedulerParts) {
    const { clocks } = parts;
    this.last = { wall: clocks.wall(), monotonic: clocks.monotonic() };
    this.ticked = this.last.monotonic;
    this.awake = this.last.wall;
  }

  /** The job that works; one whose work is over, and which others are told of, does not. */
  get running(): Running | null {
    return this.current === undefined || this.current.over ? null : this.current;
  }

  /** Who has the mutex that due jobs wait for, or null. */
  get waitingFor(): string | null {
    return this.held;
  }

  /** Since when this runs without a sleep of the computer, in epoch milliseconds. */
  get awakeSince(): number {
    return this.awake;
  }

  /** Whether the loop goes round. */
  get alive(): boolean {
    return this.parts.clocks.monotonic() - this.ticked < aliveMilliseconds;
  }

  start(): void {
    this.telling = this.tellBrokenOff();
    this.loop = this.run();
  }

  /** Runs a job as soon as it may, whatever its schedule says. @returns false when it is running already */
  ask(job: Job): boolean {
    if (this.running?.job === job) return false;
    this.asked.add(job);
    return true;
  }

  /** Resolves when the loop and the running job have ended, after the signal was aborted. */
  async stopped(): Promise<void> {
    await this.loop;
    await this.current?.done;
    await this.telling;
  }

  /** One look at clock and schedule; begins the first job that is due and does not wait for it. */
  async tick(): Promise<void> {
    await this.lookAtClock();
    const { settings, journal, clocks, takeMutex, log } = this.parts;
    if (this.current !== undefined) return;
    const [job] = dueJobs(settings, journal.current, this.asked, clocks.wall());
    if (job === undefined) {
      this.held = null;
      return;
    }
    let mutex: Awaited<ReturnType<typeof takeMutex>>;
    try {
      mutex = await takeMutex(job);
    } catch (error) {
      this.asked.delete(job);
      await this.finish(job, clocks.monotonic(), failed((error as Error).message));
      return;
    }
    if ("heldBy" in mutex) {
      if (this.held !== mutex.heldBy) log.info({ job, heldBy: mutex.heldBy }, "job waits");
      this.held = mutex.heldBy;
      return;
    }
    this.held = null;
    this.asked.delete(job);
    const holder = mutex;
    const run = { job, since: clocks.wall(), step: "begins", over: false, done: Promise.resolve() };
    this.current = run;
    run.done = this.work(run, holder).finally(() => (this.current = undefined));
  }

  private async run(): Promise<void> {
    const { signal, log, clocks } = this.parts;
    while (!signal.aborted) {
      await this.tick().catch((error: unknown) => log.error({ err: error }, "the scheduler stumbled"));
      this.ticked = clocks.monotonic();
      await delay(tickMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  private async work(run: { readonly job: Job; step: string }, mutex: Mutex): Promise<void> {
    const { job } = run;
    const { journal, jobs, prepare, clocks, log } = this.parts;
    const started = clocks.monotonic();
    let end: RunEnd;
    try {
      if (!this.prepared) await prepare();
      this.prepared = true;
      await journal.begin(job, clocks.wall());
      log.debug({ job }, "job begins");
      const limit = AbortSignal.any([this.parts.signal, mutex.lost, deadline(longestJob)]);
      const result = await this.bounded(job, limit, jobs[job]({ signal: limit, step: (text) => (run.step = text) }));
      // What was protected by a lock that somebody else may have had is not to be trusted.
      end = mutex.lost.aborted ? failed((mutex.lost.reason as Error).message) : { outcome: "good", ...result };
    } catch (error) {
      const { message } = (mutex.lost.aborted ? mutex.lost.reason : error) as Error;
      end = this.parts.signal.aborted ? { ...failed(`stopped: the container was stopped during "${run.step}"`), stopped: true } : failed(`${run.step}: ${message}`);
    } finally {
      await mutex.release().catch((error: unknown) => log.error({ err: error }, "the lock was not released"));
    }
    await this.finish(job, started, end);
  }

  /** The work's outcome, or an error when it does not end after it was told to. */
  private async bounded(job: Job, limit: AbortSignal, work: Promise<JobResult>): Promise<JobResult> {
    const { signal, onStuck } = this.parts;
    const settled = new AbortController();
    const gaveUp = new Promise<never>((_resolve, reject) => {
      const onAbort = () => {
        const patience = signal.aborted ? stopMilliseconds : stuckMilliseconds;
        delay(patience, undefined, { signal: settled.signal }).then(
          () => {
            if (!signal.aborted) onStuck(job);
            reject(new Error(`did not end within ${patience / 1000} s after it was told to`));
          },
          () => undefined,
        );
      };
      if (limit.aborted) onAbort();
      else limit.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([work, gaveUp]);
    } finally {
      settled.abort();
    }
  }

  private async finish(job: Job, started: number, end: RunEnd): Promise<void> {
    const { journal, clocks } = this.parts;
    const run = await journal.end(job, end, clocks.wall());
    if (this.current !== undefined) this.current.over = true;
    await this.tell(run, Math.round((clocks.monotonic() - started) / 100) / 10);
  }

  /** Of what ended without a word nobody but the journal knows yet, nor when it ended. */
  private async tellBrokenOff(): Promise<void> {
    for (const run of this.parts.journal.brokenOff) await this.tell(run, null);
  }

  private async tell(run: JobRun, seconds: number | null): Promise<void> {
    const { log, onRun } = this.parts;
    const { job, outcome, reason, bytes, storedBytes, point } = run;
    log[outcome === "good" ? "info" : "error"]({ job, outcome, reason, seconds, bytes, storedBytes, point }, `${job} ${outcome}`);
    await onRun(run).catch((error: unknown) => log.error({ err: error }, "what follows a job failed"));
  }

  private async lookAtClock(): Promise<void> {
    const { clocks, journal, log } = this.parts;
    const now = { wall: clocks.wall(), monotonic: clocks.monotonic() };
    const jumped = clockJump({ wallBefore: this.last.wall, wallNow: now.wall, monotonicElapsed: now.monotonic - this.last.monotonic });
    this.last = now;
    if (jumped === null) return;
    if (jumped > 0) this.awake = now.wall;
    log.warn({ milliseconds: jumped }, "the clock jumped, or the computer slept");
    await journal.noteJump({ at: new Date(now.wall).toISOString(), milliseconds: Math.round(jumped) });
  }
}

function failed(reason: string): RunEnd {
  return { outcome: "failed", reason, bytes: null, storedBytes: null, point: null };
}
