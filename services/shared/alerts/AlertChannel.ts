import { randomUUID } from "node:crypto";
import type { Logger } from "../log";
import { SEVERITIES, type Alarm, type Book, type Incident, type Severity } from "./book";
import { readBook, writeBook } from "./bookFile";
import { CriticalMemory, type CriticalState } from "./CriticalMemory";
import { Heartbeat } from "./Heartbeat";
import { bounded, deliverable, delivered, reconcile, repeat, repeatIn } from "./incidents";
import { noticeOf, renderJson, type Render } from "./notice";
import { readAddress, send } from "./request";
import { tryOut, type Tried } from "./tryOut";
import { systemTime, type AlertTime } from "./time";

export type { Alarm, Severity } from "./book";
export type { Notice, Render, Rendered } from "./notice";
export type { AlertTime } from "./time";
export type { Tried } from "./tryOut";

export interface AlertChannelOptions {
  readonly stack: string;
  /** Who speaks, for example `backup`. */
  readonly sender: string;
  /** Holds what must outlive the process; its folder is there, and no other process uses it. */
  readonly file: string;
  /** Holds when something critical was last wrong; that is not remembered unless given. */
  readonly criticalFile?: string;
  /** Secret file with the receiver's address; null: nobody is told, and the log and `state` have it all the same. */
  readonly addressFile: string | null;
  /** Secret file with the address that is asked for as a sign of life; null: none. */
  readonly heartbeatFile: string | null;
  readonly repeatMinutes: number;
  readonly log: Logger;
  /** How bad an incident was when the owner said that it was seen, or undefined; nobody can say so unless given. */
  readonly acknowledged?: (incident: string) => Severity | undefined;
  /** Makes the request of a notice; JSON unless given. */
  readonly render?: Render;
  /** Longest wait for an answer; 10 s unless given. */
  readonly requestMilliseconds?: number;
  /** Pause after a failed delivery, doubled each time up to the second; 1 s and 60 s unless given. */
  readonly backoffMilliseconds?: readonly [number, number];
  readonly time?: AlertTime;
}

/** What is wrong, as the receiver and the owner know of it. Times are epoch milliseconds of the wall clock. */
export interface ActiveAlert extends Alarm {
  readonly id: string;
  readonly since: number;
  /** Whether a notice of it got through, and when the last one did. */
  readonly announced: boolean;
  readonly toldAt: number | null;
  /** The owner has seen it as bad as it is now: it is not told of again before it is over. */
  readonly acknowledged: boolean;
}

/** How the channel stands. Times are epoch milliseconds of the wall clock. */
export interface AlertChannelState {
  /** Whether there is a receiver. */
  readonly configured: boolean;
  /** What is wrong now, as far as the last `set` said. */
  readonly active: readonly ActiveAlert[];
  /** Notices that wait for the receiver. */
  readonly undelivered: number;
  readonly oldestUndeliveredAt: number | null;
  readonly lastDeliveredAt: number | null;
  /** Why a notice that waits did not get through at its last try; null when none failed. Never the address. */
  readonly lastProblem: string | null;
  /** Why what is remembered cannot be written: until it can, a crash may lose or repeat a notice; null when it can. */
  readonly fileProblem: string | null;
  /** Incidents that were over and given up undelivered because too many waited, ever. */
  readonly dropped: number;
  readonly heartbeatConfigured: boolean;
  /** When a heartbeat last got through, whatever it said. */
  readonly lastHeartbeatAt: number | null;
  readonly lastHeartbeatProblem: string | null;
  /** When something critical was last wrong; null where that is not remembered. */
  readonly critical: CriticalState | null;
}

/** What is known of an incident's deliveries as long as the process lives; times by the monotonic clock. */
interface Trials {
  toldAt?: number;
  triedAt?: number;
  problem?: string;
}

/** Ended incidents that may wait; more of them means that something goes on and off, and the newest say so too. */
const mostEnded = 200;
/** How soon a file that could not be written is tried again. */
const saveMilliseconds = 60_000;
/** Longest wait for each answer of a test: four of them are waited for by whoever asked. */
const tryOutMilliseconds = 8000;

/**
 * Tells the owner of what is wrong: each alarm when it begins, again and again until it was acknowledged, and when it is over.
 * At least once: every notice stands in the file before it is first sent, and stays there until the receiver took it.
 *
 * The queue has its own loop rather than p-retry, which retries one call whose promise ends with the process. Here what waits
 * outlives the process, is replaced by newer news while the receiver is away, and is sent at once when one delivery shows
 * that it is back.
 */
export class AlertChannel {
  private readonly time: AlertTime;
  private readonly heart: Heartbeat;
  private readonly worker: Promise<void>;
  private readonly stop = new AbortController();
  private nudge = new AbortController();
  private closing = false;
  /** The book as the file has it. */
  private saved: Book;
  private fileProblem: string | null = null;
  /** Whether `set` was called: what the file says is active may be over by now, and is not repeated before. */
  private confirmed = false;
  private readonly trials = new Map<string, Trials>();
  /** Monotonic time of the next try after a failed one, and the pause after that. */
  private notBefore = Number.NEGATIVE_INFINITY;
  private backoff: number;
  /** Something new came since the last try: it is tried once without the pause. */
  private news = false;
  private loggedProblem: string | undefined;

  private constructor(
    private readonly options: AlertChannelOptions,
    private book: Book,
    damaged: boolean,
    private readonly critical: CriticalMemory | undefined,
  ) {
    const { log, heartbeatFile, requestMilliseconds = 10_000 } = options;
    this.time = options.time ?? systemTime;
    // After damage the new file is written at once, so that a second start does not find none at all.
    this.saved = damaged ? { ...book } : book;
    this.backoff = this.firstBackoff;
    this.resumeRepeats();
    const onBeat = (): void => this.change({ ...this.book, lastHeartbeatAt: this.time.wall() });
    this.heart = new Heartbeat({ addressFile: heartbeatFile, requestMilliseconds, retryMilliseconds: this.firstBackoff, onBeat, log });
    this.worker = this.work();
  }

  /** Reads the file and begins with what still waits in it. A damaged file is no error: it is set aside and said in the log. */
  static async open(options: AlertChannelOptions): Promise<AlertChannel> {
    const { criticalFile, log, time = systemTime } = options;
    const { book, damage } = await readBook(options.file, time.wall());
    if (damage !== null) log.error({ damage }, "the alerts' file is damaged: what lasts is raised anew, and the end of what was told before is not");
    return new AlertChannel(options, book, damage !== null, criticalFile === undefined ? undefined : await CriticalMemory.open(criticalFile, time.wall(), log));
  }

  /** Says which alarms are active now: all of them, each time. Returns at once and never throws; the rest is done in the background. */
  set(active: readonly Alarm[]): void {
    if (this.closing) return;
    const { log } = this.options;
    const { book, raised, resolved } = reconcile(this.book, active, this.time.wall(), randomUUID);
    for (const { key, id, severity, text, runbook } of raised) {
      log[severity === "critical" ? "error" : "warn"]({ key, incident: id, severity, text, runbook }, "alarm raised");
    }
    for (const { key, id, text } of resolved) log.info({ key, incident: id, text }, "alarm over");
    const within = bounded(book, this.configured ? mostEnded : 0);
    const dropped = this.configured ? within.dropped : [];
    for (const { key, id, text, since } of dropped) log.error({ key, incident: id, text, since }, "too many alerts wait: this one, which is over, is given up");
    if (raised.length + resolved.length > 0) this.news = true;
    this.confirmed = true;
    this.critical?.note(active, this.time.wall());
    this.change(dropped.length === 0 ? within.book : { ...within.book, dropped: within.book.dropped + dropped.length });
  }

  /**
   * Sends a sign of life, best effort. The promise never rejects and need not be waited for.
   * @param ok false when what should have been done was not
   */
  heartbeat(ok: boolean): Promise<void> {
    return this.heart.beat(ok);
  }

  state(): AlertChannelState {
    const { incidents, dropped, lastDeliveredAt, lastHeartbeatAt } = this.book;
    const waiting = this.configured ? incidents.filter((incident) => incident.waiting !== null) : [];
    const active = incidents.filter(({ resolvedAt }) => resolvedAt === null);
    return {
      configured: this.configured,
      active: active.map((incident): ActiveAlert => {
        const { id, key, severity, text, runbook, since, told } = incident;
        return { id, key, severity, text, runbook, since, announced: told !== null, toldAt: told?.at ?? null, acknowledged: this.isAcknowledged(incident) };
      }),
      undelivered: waiting.length,
      oldestUndeliveredAt: waiting.length === 0 ? null : Math.min(...waiting.map((incident) => incident.waiting!.at)),
      lastDeliveredAt,
      lastProblem: waiting.map(({ id }) => this.trials.get(id)?.problem).find((problem) => problem !== undefined) ?? null,
      fileProblem: this.fileProblem,
      dropped,
      heartbeatConfigured: this.options.heartbeatFile !== null,
      lastHeartbeatAt,
      lastHeartbeatProblem: this.heart.problem,
      critical: this.critical?.state ?? null,
    };
  }

  /** Sends one notice of each kind and a heartbeat at once, beside everything that waits, and says what came of them. Never rejects. */
  tryOut(): Promise<Tried[]> {
    const { stack, sender, addressFile, render = renderJson, requestMilliseconds = tryOutMilliseconds } = this.options;
    const milliseconds = Math.min(requestMilliseconds, tryOutMilliseconds);
    return tryOut({ stack, sender, addressFile, render, milliseconds, heartbeatAddress: this.heart.address, now: this.time.wall(), signal: this.stop.signal });
  }

  /**
   * Ends after the delivery in progress; what waits then is sent after the next start.
   * @param milliseconds longest wait for it: it is sent again when it is cut off, and may arrive twice
   */
  async close(milliseconds = 2000): Promise<void> {
    this.closing = true;
    this.heart.close();
    this.nudge.abort();
    const cut = setTimeout(() => this.stop.abort(), milliseconds);
    await this.worker;
    await this.critical?.close();
    clearTimeout(cut);
  }

  private get configured(): boolean {
    return this.options.addressFile !== null;
  }

  private get firstBackoff(): number {
    return this.options.backoffMilliseconds?.[0] ?? 1000;
  }

  private get repeatMilliseconds(): number {
    return this.options.repeatMinutes * 60_000;
  }

  private change(book: Book): void {
    this.book = book;
    this.nudge.abort();
  }

  /** How long ago each was told of only the wall clock can say after a start: what it says is held within reason. */
  private resumeRepeats(): void {
    for (const { id, told } of this.book.incidents) {
      if (told === null) continue;
      const elapsed = Math.min(Math.max(0, this.time.wall() - told.at), this.repeatMilliseconds);
      this.trials.set(id, { toldAt: this.time.monotonic() - elapsed });
    }
  }

  private async work(): Promise<void> {
    while (!this.closing) {
      try {
        this.repeatWhatLasts();
        await this.save();
        const incident = this.nextToSend();
        if (incident !== undefined && (this.news || this.notBefore <= this.time.monotonic())) await this.deliver(incident);
        else await this.rest(this.pause(incident !== undefined));
      } catch (error) {
        // Not foreseen; an alarm channel that ends silently would be worse than one that logs the same thing every minute.
        this.options.log.error({ err: error }, "the alert channel failed and goes on");
        await this.rest(saveMilliseconds);
      }
    }
    await this.save();
  }

  private async rest(milliseconds: number): Promise<void> {
    if (this.closing) return;
    this.nudge = new AbortController();
    await this.time.sleep(milliseconds, this.nudge.signal);
  }

  private pause(waits: boolean): number {
    const now = this.time.monotonic();
    const repeats = this.repeats().map(({ wait }) => wait);
    const pauses = [...repeats, waits ? this.notBefore - now : Infinity, this.saved === this.book ? Infinity : saveMilliseconds];
    return Math.max(1, Math.min(...pauses));
  }

  /** When each that lasts is told of again. */
  private repeats(): { id: string; wait: number }[] {
    if (!this.configured || !this.confirmed) return [];
    const now = this.time.monotonic();
    return this.book.incidents.flatMap((incident) => {
      const wait = repeatIn(incident, now - (this.trials.get(incident.id)?.toldAt ?? now), this.repeatMilliseconds);
      // Asked for when it is due, not before: it may be acknowledged until then.
      return wait === null || (wait === 0 && this.isAcknowledged(incident)) ? [] : [{ id: incident.id, wait }];
    });
  }

  /** One that became worse after it was seen was not seen as it is now. */
  private isAcknowledged({ id, severity }: Incident): boolean {
    const seen = this.options.acknowledged?.(id);
    return seen !== undefined && SEVERITIES.indexOf(seen) >= SEVERITIES.indexOf(severity);
  }

  private repeatWhatLasts(): void {
    const due = new Set(this.repeats().filter(({ wait }) => wait === 0).map(({ id }) => id));
    this.book = repeat(this.book, due, this.time.wall());
  }

  /** The one that was tried longest ago, so that a notice the receiver chokes on holds up none of the others; critical ones first. */
  private nextToSend(): Incident | undefined {
    if (!this.configured) return undefined;
    const rank = ({ id, severity }: Incident): [number, number] => [this.trials.get(id)?.triedAt ?? -1, severity === "critical" ? 0 : 1];
    return deliverable(this.book).reduce<Incident | undefined>((best, incident) => {
      if (best === undefined) return incident;
      const [[triedAt, order], [bestTriedAt, bestOrder]] = [rank(incident), rank(best)];
      return triedAt < bestTriedAt || (triedAt === bestTriedAt && order < bestOrder) ? incident : best;
    }, undefined);
  }

  private async deliver(incident: Incident): Promise<void> {
    const { log, addressFile, stack, sender, render = renderJson, requestMilliseconds = 10_000, backoffMilliseconds } = this.options;
    const trials: Trials = { ...this.trials.get(incident.id), triedAt: this.time.monotonic() };
    const notice = noticeOf(incident, { stack, sender });
    let host: string | undefined;
    this.news = false;
    try {
      const address = readAddress(addressFile!);
      host = address.host;
      await send(address, render(notice), requestMilliseconds, this.stop.signal);
      this.trials.set(incident.id, { toldAt: this.time.monotonic() });
      this.book = delivered(this.book, incident, this.time.wall());
      this.backoff = this.firstBackoff;
      this.notBefore = Number.NEGATIVE_INFINITY;
      this.loggedProblem = undefined;
      log.info({ host, id: notice.id, key: notice.key, state: notice.state }, "alert delivered");
    } catch (error) {
      if (this.stop.signal.aborted) return;
      const problem = (error as Error).message;
      this.trials.set(incident.id, { ...trials, problem });
      this.notBefore = this.time.monotonic() + this.backoff;
      this.backoff = Math.min(2 * this.backoff, backoffMilliseconds?.[1] ?? 60_000);
      if (problem !== this.loggedProblem) log.warn({ host, key: notice.key, reason: problem }, "an alert did not get through; it is tried until it does");
      this.loggedProblem = problem;
    }
    const known = new Set(this.book.incidents.map(({ id }) => id));
    for (const id of this.trials.keys()) if (!known.has(id)) this.trials.delete(id);
  }

  /** Brings the file up to date. When that fails the channel goes on from memory: an alert about a full disk has to leave it. */
  private async save(): Promise<void> {
    while (this.saved !== this.book) {
      const { book } = this;
      try {
        await writeBook(this.options.file, book);
        this.saved = book;
        if (this.fileProblem !== null) this.options.log.info("the alerts' file can be written again");
        this.fileProblem = null;
      } catch (error) {
        const problem = (error as Error).message;
        if (problem !== this.fileProblem) this.options.log.error({ reason: problem }, "the alerts' file cannot be written: alerts are sent from memory, a crash may lose or repeat them");
        this.fileProblem = problem;
        return;
      }
    }
  }
}
